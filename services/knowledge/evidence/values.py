"""What kinds of values a question wants and a text has: money, times, spans of time, numbers, people, addresses."""

from __future__ import annotations

import re

from services.knowledge.evidence import chinese_values

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
        r"\bhw much\b|\bkost\w*|\bpreis\w*|\bwie viel\b|\bcombien\b|\bcu[aá]nto\b",
        re.IGNORECASE,
    ),
    "time": re.compile(
        r"\bwhen\b|\bwhat time\b|\b(?:what|which) (?:week)?(?:days?|evenings?|mornings?|nights?|afternoons?|months?)\b|"
        r"\buntil when\b|\bopening hours\b|\bwhat hours\b|\bhow (?:late|early)\b|"
        r"\bopen(?:ing)?\b|\bclos(?:e|es|ing)\b|"
        r"\bdates?\b|\bdeadline\b|\bwann\b|\buhr\b|\bquand\b|\bcu[aá]ndo\b",
        re.IGNORECASE,
    ),
    "span": re.compile(
        r"\bhow (?:long|fast|quick\w*|soon|many (?:days|weeks|months|hours|minutes|years|nights))\b|"
        r"\bnotice period\b|\bhow far (?:in advance|ahead)\b|"
        r"\bwie lange\b|\bwie schnell\b",
        re.IGNORECASE,
    ),
    "number": re.compile(
        r"\bhow (?:many|big|large|heavy|tall|high|wide|fast|far|deep|hot|warm|often|loud|strong)\b|"
        r"\bwhat (?:size|weight|number|percentage)\b|"
        r"\bhow much (?:data|space|weight|luggage|storage|water|time)\b|\blimit\b|\bwie (?:viele|groß|schwer|"
        r"alt|hoch)\b",
        re.IGNORECASE,
    ),
    "age": re.compile(
        r"\bhow (?:old|young)\b|\b(?:what|which) ages?\b|\bage (?:limit|range|group)s?\b|\b(?:minimum|maximum) age\b|"
        r"\b(?:young|old)est\b|\bwie (?:alt|jung)\b",
        re.IGNORECASE,
    ),
    "phone": re.compile(r"\bphone\b|\btelephone\b|\bwhat number\b|\bring\b|\bcall (?:you|us)\b|\bhotline\b|"
                        r"\btelefon\w*", re.IGNORECASE),
    "email": re.compile(r"\be-?mail\b|\bmail address\b", re.IGNORECASE),
    "person": re.compile(r"\bwho(?:m|se)?\b|\bwer\b|\bwen\b|\bqui\b|\bqui[eé]n\b", re.IGNORECASE),
    "place": re.compile(r"\bwhere\b|\baddress\b|\bwhich (?:room|floor|street)\b|\bwo\b|\badresse\b|\boù\b|"
                        r"\bd[oó]nde\b", re.IGNORECASE),
}  # fmt: skip
HAS = {
    "money": re.compile(
        r"[€$£¥₹]\s?\d|\d\s?(?:[€$£¥]|p\b|ct\b|eur|usd|gbp|chf|euros?|dollars?|pounds?|pence|cents?|francs?|yuan|rmb|"
        r"kr\b|zł)|"
        r"\bfree\b|\bno (?:extra )?(?:charge|cost|fee)|\bincluded\b|\bcosts? nothing\b|%|\bpercent\b|kostenlos|"
        r"gratis",
        re.IGNORECASE,
    ),
    "time": re.compile(
        r"\d{1,2}[:.]\d{2}|\d\s?(?:am|pm|a\.m|p\.m|uhr|o'clock|h\b)|\bnoon\b|\bmidnight\b|\bday and night\b|"
        r"\baround the clock\b|"
        rf"\b(?:{_DAYS})\b|\b(?:mon|tue|wed|thu|fri|sat|sun)\b|\b20\d\d\b|\d{{1,2}}[./]\d{{1,2}}",
        re.IGNORECASE,
    ),
    "span": re.compile(
        rf"(?:\d|{_NUMBER_WORDS})[\s-]*(?:to \d+ )?(?:working |business |calendar |full )?"
        r"(?:minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|years?|minuten?|stunden?|tagen?|wochen?|"
        r"monaten?|jahren?|h\b)|"
        r"\bsame day\b|\bnext day\b|\bovernight\b|\bat once\b|\bimmediately\b|"
        r"\bat any time\b|\blifetime\b",
        re.IGNORECASE,
    ),
    "number": re.compile(rf"\d|\b{_NUMBER_WORDS}\b", re.IGNORECASE),
    "age": re.compile(
        rf"(?:\d|{_NUMBER_WORDS})[\s-]*(?:to \d+ )?(?:weeks?|months?|years?|yrs?|wochen?|monaten?|jahren?)\b|"
        r"\bage[ds]?\b|\b(?:over|under|from|until|turn(?:ed|ing)?) \d|\bolder\b|\byounger\b|\ball ages\b|\badults?\b",
        re.IGNORECASE,
    ),
    "phone": re.compile(r"(?:\+|\b0)\d[\d\s()/-]{4,}\d|\b\d{3}[\s-]\d{3,4}[\s-]?\d*|\b1[13]\d\b"),
    "email": re.compile(r"\S@\S"),
    "person": re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof)\b|[A-ZÄÖÜ][\w'’-]+ (?:(?:van|de|von|der|la|O') ?)*[A-ZÄÖÜ][\w'’-]+"),
    "place": re.compile(
        r"\b(?:street|road|lane|square|avenue|floor|room|building|hall|desk|counter|reception|next to|opposite|"
        r"behind|beside|near|at the|"
        r"in the|on the|level|stop|station|box|strasse|straße|platz)\b",
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
    return kinds | chinese_values.wanted(question)


def present(text: str, kinds: set[str]) -> bool:
    """Whether the text has a value of one of the kinds."""
    return any((kind in HAS and HAS[kind].search(text)) or chinese_values.has(kind, text) for kind in kinds)
