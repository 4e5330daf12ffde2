"""What the rules for Chinese comments know by name: units, languages, tones, marks, verbs."""

from __future__ import annotations

import re

DIGIT = "零〇一二两三四五六七八九十百千半几0-9０-９"
NUMBER = rf"(?:[0-9０-９][0-9０-９,，]*|[{DIGIT}]+)"
UNITS = {
    "字": "characters", "个字": "characters", "字符": "characters", "个字符": "characters", "个汉字": "characters",
    "汉字": "characters", "句": "sentences", "句话": "sentences", "个句子": "sentences", "段": "paragraphs",
    "段话": "paragraphs", "个段落": "paragraphs", "段落": "paragraphs", "行": "sentences", "个词": "words",
    "个单词": "words", "词": "words", "单词": "words",
}  # fmt: skip
UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
LANGUAGES = {
    "英": "en", "英国话": "en", "中": "zh", "汉": "zh", "普通话": "zh", "国": "zh", "德": "de", "法": "fr",
    "西班牙": "es", "日": "ja", "韩": "ko", "俄": "ru", "葡萄牙": "pt", "意大利": "it", "阿拉伯": "ar", "泰": "th",
    "越南": "vi", "荷兰": "nl", "土耳其": "tr", "印尼": "id", "波兰": "pl",
}  # fmt: skip
LANGUAGE = rf"(?P<language>{'|'.join(sorted(LANGUAGES, key=len, reverse=True))})(?:文|语|话)?"
TONES = {
    "friendly": "友好|友善|亲切|热情|温和|温柔|温暖|和气|亲和|有温度|有人情味|人性化|柔和",
    "polite": "客气|礼貌|有礼貌|尊重|谦虚|谦和|敬语",
    "formal": "正式|书面|正规|庄重|官方",
    "professional": "专业",
    "casual": "随意|轻松|口语化|口语|随和|自然|接地气|生活化|通俗",
    "humorous": "幽默|风趣|活泼|俏皮|有趣|好玩",
    "serious": "严肃|认真|稳重",
    "simple": "简单易懂|通俗易懂|易懂|好懂|浅显|容易理解|容易懂",
    "empathetic": "体谅|同情|同理心|安慰|共情|贴心|关心",
    "apologetic": "抱歉|歉意|道歉|诚恳|真诚",
    "confident": "自信|肯定|坚定",
    "neutral": "中立|客观|平和",
    "enthusiastic": "积极|有活力|兴奋|热烈",
    "direct": "直接|干脆|爽快",
    "calm": "冷静|平静",
}
TONE_OF = {word: tone for tone, words in TONES.items() for word in words.split("|")}
TONE = rf"(?P<tone>{'|'.join(sorted(TONE_OF, key=len, reverse=True))})"
TOO = {
    "正式|官方|书面|严肃|死板|呆板|生硬|刻板|拘谨|一本正经": "casual",
    "冷淡|冷漠|冷|冷冰冰|机械|像机器|不友好|不热情|敷衍": "friendly",
    "随便|随意|口语|口语化|轻浮|不正式": "formal",
    "粗鲁|不客气|没礼貌|不礼貌|凶|冲": "polite",
    "专业|复杂|深奥|难懂|学术|绕": "simple",
    "热情|肉麻|夸张|激动": "neutral",
}
TOO_TONE = {word: tone for words, tone in TOO.items() for word in words.split("|")}
TOO_WORD = rf"(?P<tone>{'|'.join(sorted(TOO_TONE, key=len, reverse=True))})"
ALL_TOO = (
    rf"(?:{'|'.join(sorted({*TOO_TONE, *TONE_OF}, key=len, reverse=True))}|长|短|啰嗦|罗嗦|冗长|详细|简单"
    rf"|简短|简略|多|少|细)"
)
MARKS = {
    "感叹号": "!", "叹号": "!", "惊叹号": "!", "问号": "?", "逗号": ",", "分号": ";", "冒号": ":", "引号": '"',
    "句号": ".", "表情": "emoji", "表情符号": "emoji", "emoji": "emoji", "颜文字": "emoji", "省略号": "…",
    "破折号": "—", "星号": "*", "括号": "（", "波浪号": "～", "顿号": "、",
}  # fmt: skip
MARK = rf"(?:{'|'.join(sorted(MARKS, key=len, reverse=True))})"
LIST = (
    r"(?:列表|清单|分点|分条|列点|条列|要点|项目符号|逐条|逐点|一条一条|一条条|一点一点|一项一项|条目|分项"
    r"|bullet ?points?)"
)
NUMBERED = r"(?:编号|序号|数字(?:列表|标号)|标号|分步骤?|按步骤|一二三|1[、.，]2[、.，]3|步骤)"
NOT = (
    r"(?:不要再?|别再?|不能再?|不准|禁止|请勿|勿|不许|不该|不应该?|不可以?|不得|避免|不想看到|不想看见|不希望"
    r"|不再|千万别|千万不要|可别|可不要|绝不|绝对不要|绝对不能|万万不可|少来|没必要|无须|切勿|不宜)"
)
UNNEEDED = (
    r"(?:不用|不必|不需要|无需|没必要|没有必要|用不着|不一定要|不是非要|不是要|不是说|没说|没说要|没让你|没让|没叫你"
    r"|又没要|谁让你|谁要你|谁叫你|谁说要|不见得要?|未必要?|犯不着|何必|何须|不劳)"
)
SAY = (
    r"(?:提到|提及|提起|提一下|提一提|提|说到|说明|说清楚|说一下|说|写明|写清楚|写上|写出|写到|写一下|写|出现|使用"
    r"|用到|用|包含|包括|含有|含|带有|带上|带|讲到|讲|谈到|谈|加上|加入"
    r"|加进|加个|加|补充上|补充|补上|附上|注明|标明|标出|列出|告诉我|告知|介绍一下|介绍|交代|强调|放进去|放|有)"
)
REMOVE = r"(?:去掉|删掉|删除|删去|删了|拿掉|省略|省去|略去|去除|移除|剔除|砍掉|拿走|划掉|抹掉|撤掉|隐去|略过|跳过)"
MUST = r"(?:要|必须|得|需要|应该|应当|务必|一定要|记得|最好|还要|也要|也得|都要)"
REFUSAL = re.compile(
    r"不|没|別|别|勿|未(?!来)|非(?!常)|谁|何必|何苦|何须|何曾|哪里?(?=有|需|用|要|会|能|说)|难道|干(?:嘛|吗|什么|$)|作什么|做什么|为啥要|拒绝"
    r"|反对|讨厌|算了|免了|多余|多此一举|怎么(?:能|会|可能)|什么时候(?:说|要|让)|几时(?:说|要|让)|凭什么|白费|怕|休想|少来"
)
"""What, left beside a wish, may deny it."""
NO_REFUSAL = re.compile(
    r"不(?:错|过|仅|但|只|妨|如|好意思|论|管|太?明白|太?懂|太?清楚|喜欢|想看|爱看|满意|方便|够|舒服|行$|好$|知道|然)|没(?:问题|关系|事|时间|空"
    r"|耐心|看懂|看明白|人(?:会)?(?:看|读|想看|有时间)|法(?:看|读))|别(?:的|人|处)|讨厌|怕(?:太|看)|谁(?:会)?(?:看|读|有时间)|看不(?:完|下去|懂)|受不了"
    r"|(?:能|可|是|要|好|行)不(?:能|可以?|是|要|好|行)|非常"
)
"""What only looks like it, or complains of what is then wished away."""
