"""What a question asks for in so many words, and what an answer to it must have: who asks for a telephone number is not
answered by a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.knowledge.evidence.values import HAS

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
_NUMBER = (
    r"\d|n['’]t\b|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|eighty|ninety|hundred|thousand|dozen|half|quarter|once|twice|single|couple|pair|both|no|not|none|"
    r"nobody|never|any|unlimited|several|few|most|every|all|each|only|alone|as)\b"
)
_WHEN = (
    rf"{HAS['time'].pattern}|{_TIME}|\d|\b(?:(?:mon|tues?|wednes|thurs?|fri|satur|sun)(?:day)?s?|jan|feb|mar|apr|jun|jul|"
    r"aug|sept?|oct|nov|dec|spring|summer|autumn|fall|winter|mornings?|afternoons?|evenings?|nights?|noon|midnight|dawn|dusk|"
    r"sun(?:set|rise)|today|tomorrow|yesterday|weekend|season|christmas|easter|holidays?|terms?|after|before|until|till|"
    r"when|once|during|while|as soon|then|ago|since|next|last|every|always|never|ever|soon|immediately|straight|"
    r"at once|(?:dai|week|month|year)ly|annual\w*|half|quarter)\b"
)
_MONEY = (
    rf"{HAS['money'].pattern}|\d\d|\d[.,]\d|¢|\b(?:nothing|includ\w+|price[sd]?|cost\w*|charge\w*|fees?|rates?|pay\w*|"
    r"euros?|dollars?|pounds?|pence|cents?|francs?|kron\w+|paid|half|double|same|quot\w+|estimates?|discount|refund\w*|money|deposit|surcharge)\b"
)
_ASKS_PRICE = (
    r"^(?:and |so |hi,? |hello,? )*(?:how much (?:is|are|does|do|would|will)\b(?!.{0,40}\b(?:weigh|of)\b)|"
    r"what (?:does|do|would|will) [^?]{1,80}\bcost\b|(?:what(?:['’]s| is) the )?price of\b)"
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
        (r"\b(?:what(?:['’]s| is)? (?:the |your )?|which )e-?mail\b|\be-?mail address\b|['’]s e-?mail\s*\??$", r"@"),
        (
            r"\b(?:tele)?phone number\b(?=.{0,12}$)|\bnumber (?:to|can i|do i|should i) (?:call|ring|phone)\b",
            r"\d[\d /()-]{3}",
        ),
        (r"\bfax number\b", r"\bfax\b"),
        (r"\bpassword\b", r"pass(?:word|code)|\b(?:keys?|codes?|pin|links?|log ?in)\b"),
        (r"\bsort code\b", r"sort code|\d\d-\d\d-\d\d"),
        (r"\b(?:post|zip) ?code\b", r"(?:post|zip) ?code|\b\d{4,5}\b|\b[a-z]{1,2}\d[\da-z]? ?\d[a-z]{2}\b"),
        (r"\biban\b|\b(?:bank )?account number\b", r"\biban\b|account number|\b[a-z]{2}\d\d|\d{6}|\d{4} \d{4}"),
        (
            r"\b(?:what|which) (?:make|brand)\b|\bwh(?:ich|at) (?:firm|company|manufacturer) makes\b|"
            r"\bwho (?:makes|made)\b",
            r"(?-i:(?<![.!?]) [A-ZÄÖÜ][a-zäöü])|\b(?:brands?|makes?|made|own|our|us|we)\b",
        ),
        (
            r"\b(?:what|which) (?:percentage|share|proportion)\b|\bhow many per ?cent\b|百分之几|百分之多少|多大比例",
            r"%|\bper ?cent|\d+ (?:in|of|out of) |\b(?:half|third|quarter|tenth|all|none|every|no)\b|百分之|成|半|全",
        ),
        (r"\b(?:which|what) year\b", r"\b(?:1[5-9]|20)\d\d\b|\b\d+ years? ago\b"),
        (_ASKS_PRICE, _MONEY),
        (r"^(?:and |so )?when (?:is|are|was|were|do|does|did|will|can|should|must|may)\b", _WHEN),
        (r"\b(?:what time|(?:what|which) (?:day|date|week|month)s?)\b", _WHEN),
        (r"^(?:and |so )?how (?:many|old)\b", _NUMBER),
        (r"^(?:and |so )?how long\b", rf"{_NUMBER}|{_WHEN}|\b(?:long|short|open)\b"),
        (
            r"\b(?:which|what) floor\b",
            r"floor|level|stor(?:e?ys?|ies)\b|stairs\b|basement|ground|cellar|attic|\d",
        ),
        (r"多少钱|几块钱|几元|什么价|啥价|价格是多少", r"\d|元|块|免费|[一二两三四五六七八九十百千]"),
        (
            r"几点|什么时候|啥时候|何时|哪一?天|几号(?!楼|线)",
            r"\d|[点时月日号周天早晚午夜年季节]|星期|礼拜|随时|期间|期满",
        ),
        (
            r"(?:[交收付花加退赔扣]|费用?|价格?)(?:要|是|得)?[交收付花加退赔扣]?多少(?![人天个台次张])",
            r"\d|免费|[二两三四五六七八九十百千万]|全|半|不|无",
        ),
        (r"(?:手机|电话)?号码?是?(?:多少|什么)|[打拨给]哪个(?:电话|号)|哪个号码", r"\d{3}"),
        (r"(?:邮箱|电邮)(?:地址)?[发给]", r"@"),
        (r"[几少](?:克|公斤|千克)", r"\d\s?(?:克|g|公斤|千克|kg)"),
        (r"[几少](?:分贝|升|瓦)", r"\d\s?(?:分贝|升|瓦|db|l|w)"),
        (r"(?<![回打接])(?:电话|热线|专线)(?:号码?)?(?:是(?:多少|什么|几号|啥)|多少|呢)?[？?]*$", r"\d{3}"),
        (r"(?:邮箱|电邮|邮件地址)(?:地址)?(?:是(?:多少|什么|哪个|啥)|多少|呢)?[？?]*$", r"@"),
        (
            r"几[个台人位次张件天年月层岁]|多少(?:天|年|人|次|台|个|张|件|分钟|小时|公斤|公里)",
            r"\d|[一二两三四五六七八九十百千半无不双单每]",
        ),
    )
)
"""Pairs of what asks and what the answer has then. Of 8,681 questions to small companies (`research/data/shops`) that
their documents answer, they hold against the answer of one in four thousand."""


def meets_demands(question: str, answer: str) -> bool:
    """Whether the answer has what the question asks for in so many words: hours where it wants to know how many hours,
    a colour where it asks which."""
    return all(has.search(answer) for asks, has in DEMANDS if asks.search(question))


_ASKS_PERSON = re.compile(
    r"\bwho(?:['’]s| is| are| was)? (?:(?:the |your |now |currently |actually |usually )*"
    r"(?:head|captain|manager|director|boss|chief|owner|leader|coach|teacher|trainer|instructor|guide|chair\w*|president|"
    r"doctor|contact|in charge|responsible)\b|"
    r"(?:runs|drives|teaches|leads|owns|manages|heads|trains|gives|directs|hosts|conducts|chairs|captains)\b)",
    re.IGNORECASE,
)
_PERSON_COLUMN = re.compile(
    r"\b(?:name|contact|who|teacher|trainer|coach|instructor|guide|doctor|nurse|vet|surgeon|manager|director|head|"
    r"lead|leader|person|people|staff|team|captain|"
    r"host|owner|driver|responsible|answers?|in charge|run by|held by|led by|by|with)s?\b",
    re.IGNORECASE,
)
_PLACE_COLUMN = re.compile(
    r"\b(?:where|place|branch|shop|store|address|street|town|city|club|room|hall|studio|venue|site|depot|stop|port)\b",
    re.I,
)
_FULL_NAME = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Dr|Prof)\.? )?[A-ZÄÖÜ][\w'’-]+(?: (?:van|de|von|der|la))?(?: [A-ZÄÖÜ][\w'’.-]+){1,3}"
)
_PEOPLE = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof)\b|(?<![.!?]) [A-ZÄÖÜ][a-zäöüß][\w'’-]*|\b(?:we|us|our|staff|team|crew|owner|manager|"
    r"director|driver|teacher|trainer|coach|instructor|guide|technician|engineer|doctor|nurse|vet|surgeon|someone|"
    r"somebody|anyone|nobody|everyone|adult|parent|member|guest|company|firm|partner|council|colleague|"
    r"volunteer|employee|assistant|specialist|readers?|students?|family|couple|he|she|they|you|yourself)s?\b|"
    r"\bby (?:the|an?|our)\b"
)


def names_people(question: str, text: str, cells: Sequence[tuple[str, str]], name: str) -> bool:
    """False where the question asks who runs, teaches or heads a thing and neither the sentence nor, of a row with the
    `cells` (column, value) about `name`, a cell says it."""
    if not _ASKS_PERSON.search(question):
        return True
    if not cells:
        asked = {word.casefold() for word in re.findall(r"\w+", question)}  # the thing's own name is no person's
        return any(match[0].strip().casefold() not in asked for match in _PEOPLE.finditer(text))
    return any(
        _PERSON_COLUMN.search(column) or (_FULL_NAME.fullmatch(value) and not _PLACE_COLUMN.search(column))
        for column, value in cells
        if value and value != name
    )
