"""What kinds of values a question wants and a text has: money, times, spans of time, numbers, people, addresses."""

from __future__ import annotations

import re

_NUMBER_WORDS = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|sixty|ninety|a|an|"
    r"half|ein\w*|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf|vierzehn)"
)
_DAYS = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekdays?|weekends?|daily|every day|montag|dienstag|mittwoch|"
    r"donnerstag|"
    r"freitag|samstag|sonntag|täglich|(?:january|february|march|april|may|june|july|august|september|october|"
    r"november|december)"
)
WANTED = {
    "money": re.compile(
        r"\bhow much\b|\bcosts?\b|\bpric\w*|\bfees?\b|\bcharg\w+|\bexpensive\b|\bpay\b|\brates?\b|"
        r"\bhow pricey\b|\bset me back\b|"
        r"\bhw much\b|\bkost\w*|\bpreis\w*|\bwie viel\b|\bcombien\b|\bcu[aá]nto\b|多少钱|价格|费用|收费|贵",
        re.IGNORECASE,
    ),
    "time": re.compile(
        r"\bwhen\b|\bwhat time\b|\bwhat day\b|\bwhich day\b|\buntil when\b|\bopening hours\b|\bwhat hours\b|"
        r"\bopen(?:ing)?\b|\bclos(?:e|es|ing)\b|"
        r"\bdates?\b|\bdeadline\b|\bwann\b|\buhr\b|\bquand\b|\bcu[aá]ndo\b|什么时候|几点|时间|哪天|日期",
        re.IGNORECASE,
    ),
    "span": re.compile(
        r"\bhow (?:long|fast|quick\w*|soon|many (?:days|weeks|months|hours|minutes|years|nights))\b|"
        r"\bnotice period\b|\bhow far (?:in advance|ahead)\b|"
        r"\bwie lange\b|\bwie schnell\b|多久|多长时间|几天|多少天",
        re.IGNORECASE,
    ),
    "number": re.compile(
        r"\bhow (?:many|big|large|heavy|old|tall|high|wide|fast|far|deep|hot|warm|often|loud|strong)\b|"
        r"\bwhat (?:size|weight|age|number|percentage)\b|"
        r"\bhow much (?:data|space|weight|luggage|storage|water|time)\b|\blimit\b|\bwie (?:viele|groß|schwer|"
        r"alt|hoch)\b|多少|几个|多大|多重",
        re.IGNORECASE,
    ),
    "phone": re.compile(r"\bphone\b|\btelephone\b|\bwhat number\b|\bring\b|\bcall (?:you|us)\b|\bhotline\b|"
                        r"\btelefon\w*|电话|热线", re.IGNORECASE),
    "email": re.compile(r"\be-?mail\b|\bmail address\b|邮箱|邮件", re.IGNORECASE),
    "person": re.compile(r"\bwho(?:m|se)?\b|\bwer\b|\bwen\b|\bqui\b|\bqui[eé]n\b|谁|负责人", re.IGNORECASE),
    "place": re.compile(r"\bwhere\b|\baddress\b|\bwhich (?:room|floor|street)\b|\bwo\b|\badresse\b|\boù\b|"
                        r"\bd[oó]nde\b|哪里|哪儿|地址|在哪", re.IGNORECASE),
}  # fmt: skip
HAS = {
    "money": re.compile(
        r"[€$£¥₹]\s?\d|\d\s?(?:[€$£¥]|p\b|ct\b|eur|usd|gbp|chf|euros?|dollars?|pounds?|pence|cents?|francs?|yuan|rmb|元|块|"
        r"kr\b|zł)|"
        r"\bfree\b|\bno (?:extra )?(?:charge|cost|fee)|\bincluded\b|\bcosts? nothing\b|%|\bpercent\b|kostenlos|"
        r"gratis|免费",
        re.IGNORECASE,
    ),
    "time": re.compile(
        r"\d{1,2}[:.]\d{2}|\d\s?(?:am|pm|a\.m|p\.m|uhr|o'clock|h\b)|\bnoon\b|\bmidnight\b|\bday and night\b|"
        r"\baround the clock\b|"
        rf"\b(?:{_DAYS})\b|\b(?:mon|tue|wed|thu|fri|sat|sun)\b|\b20\d\d\b|\d{{1,2}}[./]\d{{1,2}}|\d+\s?[点时月日号]|"
        rf"周[一二三四五六日]|星期|每天",
        re.IGNORECASE,
    ),
    "span": re.compile(
        rf"(?:\d|{_NUMBER_WORDS})[\s-]*(?:to \d+ )?(?:working |business |calendar |full )?"
        r"(?:minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|years?|minuten?|stunden?|tagen?|wochen?|"
        r"monaten?|jahren?|h\b|"
        r"分钟|小时|天|周|个月|月|年|工作日)|\bsame day\b|\bnext day\b|\bovernight\b|\bat once\b|\bimmediately\b|"
        r"\bat any time\b|\blifetime\b",
        re.IGNORECASE,
    ),
    "number": re.compile(rf"\d|\b{_NUMBER_WORDS}\b|[一二三四五六七八九十百千两]", re.IGNORECASE),
    "phone": re.compile(r"(?:\+|\b0)\d[\d\s()/-]{4,}\d|\b\d{3}[\s-]\d{3,4}[\s-]?\d*|\b1[13]\d\b"),
    "email": re.compile(r"\S@\S"),
    "person": re.compile(
        r"\b(?:Mr|Mrs|Ms|Dr|Prof)\b|[A-ZÄÖÜ][\w'’-]+ (?:(?:van|de|von|der|la|O') ?)*[A-ZÄÖÜ][\w'’-]+|"
        r"[\u3400-\u9fff]{2,3}(?:先生|女士|老师|经理)|负责"
    ),
    "place": re.compile(
        r"\b(?:street|road|lane|square|avenue|floor|room|building|hall|desk|counter|reception|next to|opposite|"
        r"behind|beside|near|at the|"
        r"in the|on the|level|stop|station|box|strasse|straße|platz)\b|路|街|号|楼|层|室|旁",
        re.IGNORECASE,
    ),
}


def wanted(question: str) -> set[str]:
    """The kinds of values of which the question wants one; none where it does not say."""
    kinds = {name for name, pattern in WANTED.items() if pattern.search(question)}
    if "span" in kinds or "number" in kinds:  # "how long", "how much space" look like a wish for a time or for money
        kinds -= {"time"} if "span" in kinds else set()
        if re.search(r"\bhow much (?:data|space|weight|luggage|storage|water|time)\b", question, re.IGNORECASE):
            kinds.discard("money")
    return kinds


def present(text: str, kinds: set[str]) -> bool:
    """Whether the text has a value of one of the kinds."""
    return any(HAS[kind].search(text) for kind in kinds)


_COLOURS = (
    r"white|black|gr[ae]y|silver|gold(?:en)?|red|blue|green|yellow|orange|brown|pink|purple|violet|beige|cream|ivory|navy|"
    r"turquoise|walnut|oak|natural|transparent|clear|colou?rs?"
)
_TIME = r"\b(?:minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|years?)\b"
_LENGTH = (
    r"\d\s?(?:m|cm|mm|km|met\w+|centimet\w+|ft|feet|foot|in|inch\w*|yards?|miles?|deep|wide|tall|high)\b|"
    r"\d\s?[\"″′米厘×x]|\b(?:height|depth|width|size|deep|tall|wide)\b"
)
_MASS = (
    r"\d\s?(?:kg|kilo\w*|g|grams?|t|tonnes?|tons?|lbs?|pounds?|stone|oz)\b|\b(?:weigh\w*|light|heavy)\b|公斤|千克|克|吨"
)
DEMANDS = tuple(
    (re.compile(question, re.IGNORECASE), re.compile(answer, re.IGNORECASE))
    for question, answer in (
        (r"\bhow many (?:\w+ )?(?:minutes|hours|days|nights|weeks|months|years)\b", rf"{HAS['span'].pattern}|{_TIME}"),
        (r"\bhow heavy\b|\bhow many (?:kilos?|kg|pounds|grams|tonnes)\b|\bwhat (?:does|do) .{1,60} weigh\b", _MASS),
        (r"\bhow loud\b|\bdecibels?\b", r"\bdb\b|\bdecibels?\b|\bquiet\b|\bsilent\b|\bloud\b|\bnois"),
        (r"\bhow many (?:mega|kilo)?watts?\b", r"\d\s?[mk]?w\b|watts?\b|瓦"),
        (r"\bhow many lit(?:er|re)s\b", r"\d\s?(?:l|ml|lit\w+)\b|\blit(?:er|re)s?\b|升"),
        (r"\bhow many (?:degrees|°)|\bwhat temperature\b", r"°|\bdegrees?\b|\btemperature\b|\d\s?[cf]\b|度"),
        (r"\bhow (?:deep|tall|wide)\b", _LENGTH),
        (r"\bwhat colou?rs?\b", rf"\b(?:{_COLOURS})\b"),
        (r"\b(?:what(?:'s| is)? (?:the |your )?|which )e-?mail\b|\be-?mail address\b", r"@"),
        (r"\bfax number\b", r"\bfax\b"),
        (r"\b(?:which|what) year\b", r"\b(?:1[5-9]|20)\d\d\b|\b\d+ years? ago\b"),
    )
)
"""What a question asks for in so many words, and what an answer to it must have."""


def meets_demands(question: str, answer: str) -> bool:
    """Whether the answer has what the question asks for in so many words: hours where it wants to know how many hours,
    a colour where it asks which."""
    return all(has.search(answer) for asks, has in DEMANDS if asks.search(question))
