"""People as messages name them: by the words that lead to a name, and in Chinese by the title behind a surname."""

from __future__ import annotations

import re
from itertools import islice

_NAME_WORD = r"[A-ZÀ-ÖØ-Þ][\w'’-]{0,30}"
_NAME = rf"{_NAME_WORD}(?: (?:van|von|de|der|la|da|del|bin|al|{_NAME_WORD})){{0,4}}"
_PERSON = re.compile(
    rf"(?i:\b(?:under|in the name of|on behalf of|call me|ask for|(?:he|she|it)(?:['’]s| is) called|called|named"
    rf"|this is"
    rf"|i['’]m|i am|(?:it['’]?s|it is|booking|reservation|table|appointment) for|contact (?:person )?is|owner is"
    rf"|patient is))(?i: the name(?: of)?| mr\.?| mrs\.?| ms\.?)?\s+(?P<value>{_NAME})"
)
_FOR_PERSON = re.compile(
    rf"(?:^|(?<=[.!?,] )|\b(?i:make it|put it|change it(?: to)?) )[Ff]or (?P<value>{_NAME_WORD}"
    rf"(?: (?:van|von|de|der|la|da|del|bin|al)){{0,2}}(?: {_NAME_WORD}){{1,2}})(?=[.,!?]|$)"
)
"""A first and a last name behind a bare "for" ("For Noor Hadid, my daughter.")."""
_PERSON_BEHIND = re.compile(rf"(?:^|(?<=[.!?,] ))(?P<value>{_NAME}) is (?:the|my) name\b")
_PERSON_NAMED = re.compile(
    r"\bname(?:['’]s| is|:| would be)\s+(?P<value>[^\W\d_][\w'’-]{0,30}(?: [^\W\d_][\w'’-]{0,30}){0,3})"
    r"|(?:(?:^|(?<=[，。]))叫(?!我)|我叫|名字(?:是|叫)|姓名(?:是|：|:)?|联系人(?:是|：|:|叫|改成|写)?|叫我|称呼我"
    r"|收件人(?:是|：|:)?"
    r"|预[订约]人(?:是|：|:)?)"
    r"(?P<han>[\u4e00-\u9fff]{2,3}?)(?=[，。！？、\s]|$|电话|手机|吧|就|，|的)"
    r"|(?:我姓|免贵姓|姓)(?P<family>[\u4e00-\u9fff]{1,2}?)(?=[，。！？、\s]|$|，)"
    r"|(?P<title>(?<=[是叫找系到给])[\u4e00-\u9fff]{1,2}(?:先生|女士|小姐)"
    r"|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{1,2}(?:先生|女士|小姐))",
    re.I,
)
_OF_WHOM = re.compile(
    r"(?:孩子|宝宝|小孩|儿子|女儿|老人|学员|学生|病人|患者|客人|老婆|老公|爱人|妈妈|爸爸|我妈|我爸|朋友|主人|狗|猫|[他她它])"
    r"(?:的?名字)?(?:叫做?|名叫|是叫)(?P<han>[\u4e00-\u9fff]{2,4}?)(?=[，。！？、,\s]|$|电话|手机|吧|的)"
)
STAFF_TITLES = (
    "医生|大夫|教练|老师|师傅|阿姨|律师|经理|顾问|导游|设计师|主任|专家|技师|护士|司机|店长|摄影师|造型师|化妆师"
    "|发型师|管家|会计|客服|美容师|育儿嫂|月嫂|理疗师|班主任"
)
_SURNAMES = (
    "欧阳|司马|诸葛|上官|司徒|东方|独孤|慕容|夏侯|皇甫|令狐|[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
    "程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段"
    "雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦向柳邢路岳齐梅莫庄管祝左涂谷祁"
    "舒耿牟卜詹关苗凌纪靳童欧甄项曲裴席卫屈鲍覃霍翁隋景包司柏宁柯阮桂]"
)
_STAFF = re.compile(rf"(?:{_SURNAMES})[\u4e00-\u9fff]{{0,2}}?(?:{STAFF_TITLES})")
_ENDS_NAME = frozenset(
    "and my the phone number telephone with on at i please for but or so thanks from in is by to email tel"
    " mobile".split()
)
_NO_NAME = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august"
    " september"
    " october november december today tomorrow i i'm no not yes ok sorry the a an just only here it".split()
)


def people(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, whether a word for names leads to it) of the people that the text names."""
    found = []
    for match in _PERSON_NAMED.finditer(text):
        group = next(name for name in ("value", "han", "family", "title") if match[name])
        start, end = match.span(group)
        if group == "value":
            end = _trimmed_name(text, start, end)
        if end > start and text[start:end].lower() not in _NO_NAME:
            found.append((start, end, True))
    found += [(*match.span("han"), True) for match in _OF_WHOM.finditer(text)]
    found += [(*match.span("value"), True) for match in _PERSON_BEHIND.finditer(text)]
    for match in [*_FOR_PERSON.finditer(text), *_PERSON.finditer(text)]:
        start, end = match.span("value")
        end = _trimmed_name(text, start, end)
        if end > start and not any(a < end and start < b for a, b, _ in found):
            found.append((start, end, False))
    return sorted(found)[:10]


def _trimmed_name(text: str, start: int, end: int) -> int:
    """Where a name ends: before the first word that goes on with something else; `start` where it is none."""
    at = start
    for match in re.finditer(r"\S+", text[start:end]):
        word = match[0].lower().strip(".,")
        if word in _ENDS_NAME or word in _NO_NAME:
            break
        at = start + match.end()
    return at


def staff(text: str) -> list[tuple[int, int, bool]]:
    """The same of people who are called by their surname and what they do ("陈医生", "马教练")."""
    return [(*match.span(), True) for match in islice(_STAFF.finditer(text), 10)]
