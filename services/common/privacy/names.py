"""Names of people where they are introduced: "my name is …", "this is … speaking", 我叫…, 收件人：…"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = r"[A-ZÀ-ÖØ-Þ\u0100-\u024f][A-Za-zÀ-ÖØ-öø-ɏ]*(?:['’-][A-Za-zÀ-ÖØ-öø-ɏ]{1,20})*"
_PARTICLE = r"(?:de|da|do|dos|di|del|der|van|von|den|bin|al|la|le|el) "
_PART = rf"(?:(?:Dr|Mr|Mrs|Ms|Prof)\.? )?{_WORD}(?: (?:{_PARTICLE}){{0,2}}{_WORD}){{0,3}}"
_LOWER = r"[a-zà-öø-ɏ]{2,14}(?: [a-zà-öø-ɏ]{2,14})?"
_NO_NAME = frozenset(
    "the a an on in at of for not no so my your our their it its this that these those very really still also just "
    "too here there now new old calling writing speaking happy sorry sure glad fine good great tired angry furious "
    "ready done back out up down from with without about what why how when where who which wrong right spelled "
    "written missing urgent ridiculous unfair nothing everything something someone going gonna trying waiting looking "
    "interested located moving unable able a.m. ok okay yes only all one two customer student i we you he she they "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december german english french chinese american british broke broken free "
    "long short made worth seventy away far apart again letter nobody santa mum dad "
    "welsh scottish irish german spanish italian dutch polish indian canadian australian japanese korean turkish "
    "swedish".split()
)
_LOWER_ENDINGS = ("ing", "ed", "ous", "able", "ible", "ful", "less", "ive", "ly", "ent", "ant", "ical")
_END = r"(?=[\s]*(?:[,.;:!?)\n]|$)| (?:and|here|again|from|speaking|calling|but|with|is|of|in|on|at|by|who|i|my)\b)"
_RELATION = (
    r"(?:wife|husband|son|daughter|mother|father|mum|mom|dad|brother|sister|partner|flatmate|roommate|colleague|"
    r"friend|neighbou?r|boss|child|fianc[eé]e?)"
)
_NAMED = re.compile(
    rf"(?:\b(?:[Mm]y|[Hh]er|[Hh]is|[Tt]heir|[Tt]he)(?: (?:full|first|last|real))? [Nn]ame(?:['’]s| is)|"
    rf"\b{_RELATION}(?:['’]s name is| is called| is named|,? named|'s called)|"
    r"\b[Ii](?: am|['’]m) (?:called|named|now)|\b[Tt]hey call me|\b[Cc]all me|\b[Aa]sk for|\b[Nn]ame ?:|"
    r"\b(?:[Aa]ccount holder|[Cc]ardholder|[Cc]ontact|[Cc]ontact person|(?:[Ss]old|[Bb]ill|[Ss]hip) to(?=:)|[Aa]ttn|"
    r"[Rr]ecipient|[Cc]ustomer|[Pp]assenger|[Tt]ravell?er|[Ss]ent from|[Nn]ew details|[Ii]nvoice for)[:,]?(?: is)?|"
    r"\b(?:[Ss]econd|[Ff]irst|[Oo]ther) (?:traveller|passenger|driver|guest) is)"
    rf"\s{{1,2}}(?P<name>{_PART})"
)
_SURE_LOWER = re.compile(rf"\b(?:my|her|his)(?: (?:full|first|last))? name(?:['’]s| is) (?P<name>{_LOWER}){_END}")
_SPOKEN = re.compile(rf"(?:\b[Ii](?:['’]m| am)|\b[Tt]his is|\b[Ii]t['’]s)\s(?P<name>{_PART})(?={_END}|[,;.])")
_SPOKEN_LOWER = re.compile(
    r"\b(?:[Ii]['’]?m|[Ii] am)\s(?P<name>[a-zà-öø-ɏ]{3,14})(?=(?:,| and) my\b)|"
    r"\b(?:[Ii]['’]?m|[Ii] am|[Tt]his is|[Ii]t['’]s)\s(?P<said>[a-zà-öø-ɏ]{3,14}(?: [a-zà-öø-ɏ]{2,14})?)"
    r"(?= here\b| speaking\b|, (?:my|order|customer|account|contract|booking|phone|e-?mail) )"
)
_HERE = re.compile(rf"(?:^|[.!?,] )(?P<name>{_PART}) (?:here|speaking)\b")
_SIGNED = re.compile(
    r"\b(?i:regards|sincerely|faithfully|truly yours|yours truly|best wishes|all the best|thanks|thank you|cheers)"
    rf"[,!]?\s{{1,2}}(?P<name>{_PART})(?=\s{{0,3}}(?:[,.\n]|$))"
)
_TITLED = re.compile(rf"\b(?P<name>(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? {_WORD}(?: {_WORD})?)")
_DEAR = re.compile(r"\bDear $")
_TO_ADDRESS = re.compile(
    rf"\b(?:to|details:|for) (?P<name>{_WORD}(?: {_WORD}){{1,2}}), "
    r"(?=\d|Flat |Ap|Unit |P\.? ?O|(?:ul|al|pl)\. |Rue |Via |Calle |"
    r"[A-Z]\w{1,20}(?:straße|strasse|str\.|weg|platz|gasse) )"
)
_SAY_BUT = re.compile(rf"\b(?:contract|passport|card|account|invoice|ticket) says (?P<name>{_WORD}(?: {_WORD}){{1,2}})")
_RELATIVE = re.compile(
    rf"\b(?:(?:[Mm]y|[Hh]is|[Hh]er) {_RELATION}|[Oo]ur (?:son|daughter|child|mother|father)),? "
    rf"(?P<name>{_WORD}(?: {_WORD}){{0,2}})\b"
)
_LATIN = (_NAMED, _SURE_LOWER, _SPOKEN, _SPOKEN_LOWER, _HERE, _SIGNED, _TITLED, _TO_ADDRESS, _SAY_BUT, _RELATIVE)

_COMPOUND = (
    "欧阳|司马|诸葛|上官|司徒|东方|独孤|南宫|夏侯|尉迟|皇甫|慕容|令狐|长孙|宇文|端木|公孙|轩辕|钟离|闻人|澹台|申屠"
)
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊"
    "葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆"
    "蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿"
    "洪萧赖阎桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_GIVEN = r"[\u4e00-\u9fff]"
_SURNAME = rf"(?:{_COMPOUND}|[{_SURNAMES}])"
_CHINESE_END = (
    r"(?=[^\u4e00-\u9fff]|$|先生|女士|小姐|老师|同学|的|想|要|在|和|与|手机|电话|身份证|证件|地址|号码|今天|昨天|刚|请|麻烦|"
    r"买|住|说|来|是)"
)
_CHINESE_NAME = rf"(?:(?:{_COMPOUND}){_GIVEN}{{1,2}}?|[{_SURNAMES}]{_GIVEN}{{1,2}}?){_CHINESE_END}"
_WORDLIKE = "付于向方安关时应连单明全平常解车成农师和游路简党景高康齐马"
"""Surnames that begin common words too: beside a role they tell no name."""
_ROLE = r"(?:[收寄]件人|联系人|[开]?户[名人]|乘客|旅客|客人|持卡人|租客|业主|同事|朋友|房东)"
_KIN = r"(?:爱人|老公|老婆|太太|妻子|丈夫|媳妇|我先生|儿子|女儿|父亲|母亲|爸爸|妈妈|哥哥|姐姐|弟弟|妹妹|孩子)"
_INTRODUCED = tuple(
    re.compile(rf"{cue}[:：,， ]{{0,2}}(?P<name>{_CHINESE_NAME})")
    for cue in (
        r"(?:我叫|名叫|全名叫|名字(?:是|叫)|叫做|本人叫?|姓名[是为]?|名[:：])是?",
        rf"{_ROLE}(?:[是为叫]|(?=[:：,， ]))",
        r"(?:爱人|老公|老婆|太太|妻子|丈夫|媳妇|先生|儿子|女儿|父亲|母亲|爸爸|妈妈|哥哥|姐姐|弟弟|妹妹|孩子)(?:的?名字)?[叫是]",
        r"(?:我是|这里是|我这边是|这边是|，叫|,叫)",
        r"(?:敬礼|敬上|此致)",
    )
)
_BESIDE = rf"(?:{_COMPOUND}|(?![{_WORDLIKE}])[{_SURNAMES}])"
_CHINESE = (
    *_INTRODUCED,
    re.compile(rf"{_ROLE}(?P<name>{_BESIDE}{_GIVEN}{{1,2}})(?=[^\u4e00-\u9fff]|$)"),
    re.compile(rf"{_KIN}(?P<name>{_BESIDE}{_GIVEN}{{2}}){_CHINESE_END}"),
    re.compile(rf"(?:把|改成|改为|换成)(?P<name>{_SURNAME}{_GIVEN}{{1,2}})(?=的名字|的姓名)"),
    re.compile(rf"(?:找|联系|交给|转给|给|请)(?P<name>{_SURNAME}{_GIVEN}{{1,2}})(?=先生|女士|小姐)"),
    re.compile(rf"(?:我|鄙人|本人|免贵)姓(?P<name>{_SURNAME})(?=[^\u4e00-\u9fff]|$|叫|名)"),
)
_NO_CHINESE_NAME = frozenset(
    (
        "金卡 高级 白金 黄金 商家 房东 家长 方便 应该 常客 安全 平时 关于 包年 包月 车主 游客 "
        "成员 何时 时常 全新 明天 路过 连续 解除 和你 向你 全部 明白 成都人 江苏人 安徽人 广东 "
        "河南人 宁波人 温州人 武汉人 商户 师傅 查询 查一下 应届 应届生 单独 单身 管理员 路人 "
        "连锁店 全职 毕业生 华为 苹果 万能 农民 明年 常用 时间 老客户 文员 司机 司机师傅 简单 "
        "安装 包裹 高中生 高三 任何人 易付宝 成年人 成人 党员 牛奶 古城 石油 文化 马上 许多 "
        "方案 方式 严重 左右 单位 何必"
    ).split()
)


def names(text: str) -> Iterator[tuple[int, int, str]]:
    """Where names stand that the text introduces: start, end and ``NAME``. Linear in the text."""
    for pattern in _LATIN:
        for match in pattern.finditer(text):
            if pattern is _TITLED and _DEAR.search(text[max(0, match.start() - 5) : match.start()]):
                continue  # whoever is written to, not whoever writes
            group = "name" if match.group("name") else "said"
            lower = pattern in (_SURE_LOWER, _SPOKEN_LOWER)
            span = _trimmed(text, match.start(group), match.group(group), lower=lower)
            if span is not None:
                yield (*span, "NAME")
    for pattern in () if text.isascii() else _CHINESE:
        for match in pattern.finditer(text):
            name = match.group("name")
            if name not in _NO_CHINESE_NAME and not name.endswith(("人", "员", "生")):
                yield match.start("name"), match.end("name"), "NAME"


def _trimmed(text: str, start: int, name: str, *, lower: bool) -> tuple[int, int] | None:
    """The name without words that begin a sentence or are none of a name; None where nothing is left."""
    words = name.split(" ")
    while words and words[-1].casefold().rstrip(".") in _NO_NAME:
        words.pop()
    if not words or words[0].casefold().rstrip(".,") in _NO_NAME:
        return None
    if lower and any(word in _NO_NAME or word.endswith(_LOWER_ENDINGS) for word in words):
        return None
    return start, start + len(" ".join(words))
