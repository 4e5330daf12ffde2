"""What people do with a sentence: agree, refuse, not care, ask; and what the system's last reply asked about."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.words import STOP, stem, tokens_of


def _any(*alternatives: str) -> str:
    return "(?:" + "|".join(alternatives) + ")"


_GOOD = (
    "(?:good|great|perfect|fine|nice|right|correct|okay|ok|true|cool|awesome|excellent|wonderful|fantastic|amazing"
    "|lovely|all right|alright|suitable|it|acceptable)"
)
_VERY = "(?:very |really |quite |just |absolutely |pretty |totally |all )?"
_OPENER = re.compile(
    r"^\W*"
    + _any(
        "yes|yeah|yep|yup|yea|ya|sure|correct|right|exactly|absolutely|definitely|of course|please do|go ahead",
        r"ok(?:ay)?|perfect|great|good|awesome|excellent|alright|all right|fine|nice|fantastic|wonderful|cool|amazing",
        "certainly|indeed|that (?:works|sounds|looks|seems|would|will|suits|does)|it (?:works|sounds|looks|is fine)",
        "works for me|好的|是的|对|可以|行|没问题|嗯",
    )
    + r"(?!\w)",
    re.I,
)
_AGREEMENT = re.compile(
    r"\b"
    + _any(
        rf"(?:sounds|looks|seems) {_VERY}(?:like a plan|like fun|{_GOOD})",
        rf"(?:that|this|it|which|everything)(?:['’]s| is| would be| will be| sounds| looks| seems) {_VERY}{_GOOD}",
        r"(?:would|will|should|does|do) work|works (?:for me|great|fine|well|perfectly|with me)|that works|it works",
        r"suits? me|go (?:ahead|with (?:it|that|this))|that one|i(?:['’]ll| will) (?:take|go with)|let['’]?s "
        r"(?:do|go with|book)",
        r"i(?:['’]d| would)? (?:really )?(?:like|love) (?:it|that|this|to (?:reserve|book|buy|go there))\b(?! to be)",
    ),
    re.I,
)
_DENY = re.compile(
    r"^\W*"
    + _any(
        r"no\b|nope|nah|not really|not (?:that|this|quite|exactly)|actually|wait|hold on|sorry|never ?mind|negative",
        r"that(?:['’]s| is) (?:not|wrong|incorrect)|wrong|hmm,? no|不|没有",
    ),
    re.I,
)
_ALTERNATIVE = re.compile(
    r"\b(?:another|others?|else|different|any more|alternatives?|more options|instead of)\b|换一", re.I
)
_COMMIT = re.compile(
    r"\b(?:book|reserve|reservation|buy|purchase|schedule|rent|appointment|get me|order|set up|make a)\b", re.I
)
_NOT_CARE = r"(?:do not|don['’]?t|dont|does not|doesn['’]?t|doesnt|wouldn['’]?t|won['’]?t)(?: really)?"
DONTCARE = re.compile(
    _any(
        rf"\b{_NOT_CARE} (?:care|mind|matter)\b",
        rf"\b{_NOT_CARE} have (?:a |an |any )?(?:particular |specific |strong |real )?(?:preferences?|one in mind)",
        r"\bno (?:particular |specific |real |strong )?preferences?\b|\bno matter\b|\bnot (?:picky|particular|fussy)\b",
        r"\b(?:any(?:thing|where|one|time)?|either)(?: of (?:them|those)| one| \w+)?"
        r" (?:is|are|will|would|should|works?|sounds?)(?: be| do| work)?(?: just)? ?(?:fine|ok(?:ay)?|good|do|"
        r"great)?\b",
        r"\b(?:whatever|whichever)(?: is| you| works)?\b|\bup to you\b|\banything goes\b|\bsurprise me\b",
        r"\bi['’]?(?:m| am) (?:flexible|open to|easy|fine with any|okay with any|ok with any)",
        r"\bany (?:type|kind|sort|price|price range|brand|size|rating) (?:of|is|will|works)\b",
        r"随便|都可以|无所谓|都行|都好|不限|不挑|没要求|没有要求|没什么要求|不介意|不在乎|不重要|不计较|你们定"
        r"|看着办|均可|任意|没关系的",
    ),
    re.I,
)
_NEGATION = re.compile(r"\b(?:no|not|without|never|avoid|except|nor|dont|cannot)\b|n['’]t\b|不|没|无需|别", re.I)
_FORGET = re.compile(
    r"\b(?:forget|remove|drop|delete|cancel|ignore|clear|scratch|never ?mind|skip|no longer (?:care|need|want))\b", re.I
)
_SOFTENER = (
    r"^\W*(?:(?:and|ok(?:ay)?|so|also|great|thanks|thank you|please|well|sure|yes|alright|but|good|nice|perfect)\b\W*)*"
)
_QUESTION = re.compile(
    _SOFTENER
    + _any(
        "what|which|where|when|how|who|is|are|does|do|did|has|have|was|were|tell me|may i know|give me|let me know",
        "can (?:you tell|i (?:know|get|have))|could (?:you tell|i (?:know|get|have))|do you know|will (?:it|there"
        "|i|they)",
        "i(?:['’]d| would)? (?:like|want|need) to know",
    )
    + r"\b",
    re.I,
)
_SYSTEM_ASKS = re.compile(
    r"\b(?:what|which|where|when|how|who|any|please (?:tell|provide|specify|let me know)|do you|would you|should i"
    r"|may i|could you|can you|preference|prefer|specify|i need (?:to know|the|your))\b",
    re.I,
)
_FACTUAL = re.compile(
    _SOFTENER
    + _any(
        r"(?:is|are|does|do|did|has|have|was|were|will)\s+(?:it|they|there|he|she|this|that|these|those|the|any|you)\b",
        r"(?:what|how|which|when|where|who)(?:['’]s|\s+(?:is|are|does|do|did|was|time|much|expensive|long|far))\b",
    ),
    re.I,
)
_ABBREVIATION = re.compile(r"\b(?:dr|mr|mrs|ms|st|jr|vs|ave|no|[a-z])\.$", re.I)
_EXISTENCE = re.compile(r"\b(?:do you have any|are there any|is there an?)\b", re.I)


@lru_cache(maxsize=512)
def clauses(text: str) -> tuple[tuple[int, str], ...]:
    """(start, sentence) of the text's sentences, question marks kept at their ends."""
    found, start = [], 0
    for match in re.finditer(r"[.!?]+(?=\s|$)|[。！？；\n]", text):
        if _ABBREVIATION.search(text[max(start, match.end() - 12) : match.end()]):
            continue
        found.append((start, text[start : match.end()]))
        start = match.end()
    if text[start:].strip():
        found.append((start, text[start:]))
    return tuple(found)


def affirms(text: str) -> bool:
    """Whether the user agrees with what the system just said."""
    if denies(text):
        return False
    return _OPENER.search(text) is not None or _AGREEMENT.search(text) is not None


def denies(text: str) -> bool:
    return _DENY.search(text) is not None


def wants_alternative(text: str) -> bool:
    return _ALTERNATIVE.search(text) is not None


def commits(text: str) -> bool:
    """Whether the user goes on to act on what was offered (books, buys)."""
    return _COMMIT.search(text) is not None


def negated(text: str, start: int) -> bool:
    """Whether what stands at `start` is under a negation in its own clause."""
    before = re.split(r"[.,;!?]|\bbut\b", text[:start])[-1]
    return _NEGATION.search(" ".join(before.split()[-5:])) is not None


def forgets(clause: str) -> bool:
    """Whether the clause takes something back ("never mind the price range")."""
    return _FORGET.search(clause) is not None


def asks(clause: str) -> bool:
    """Whether the clause is a question or a request for information."""
    return clause.rstrip().endswith(("?", "？")) or _QUESTION.search(clause) is not None


def is_factual_question(text: str, at: int) -> bool:
    """Whether the clause around `at` asks about a fact ("is it expensive?") rather than states a wish."""
    sentences = clauses(text)
    index = bisect_right(sentences, at, key=lambda sentence: sentence[0]) - 1
    clause = sentences[max(0, index)][1] if sentences else ""
    return _FACTUAL.search(clause) is not None and not _EXISTENCE.search(clause)


def cue_score(slot: SlotRules, stems: set[str]) -> float:
    """How surely words (as stems) speak of the slot."""
    return sum(weight for word, weight in slot.cues.items() if word in stems)


def stems_of(text: str) -> set[str]:
    return {stem(w) for w in tokens_of(text) if w not in STOP}


_WH = (
    (re.compile(r"\bwhat (?:is the )?time|\bwhen\b.*\btime|\bwhat hour|几点|什么时间", re.I), "time"),
    (
        re.compile(r"\bwhen\b|\b(?:what|which) (?:day|date)|\bdate\b|哪天|哪一天|几号|什么日期|周几|星期几", re.I),
        "date",
    ),
    (
        re.compile(r"\bhow many\b|\bnumber of\b|多少[个件位人只条双套盒份张台]|几[个件位人只条双套盒份张台]", re.I),
        "number",
    ),
    (re.compile(r"\bwhere\b|\b(?:what|which) (?:city|town|area|place|location)", re.I), "place"),
)


def asked_slots(service: ServiceRules, system_text: str) -> dict[str, float]:
    """Slots of the service about which the system's reply asks, with how surely (1 and more is sure)."""
    asked: dict[str, float] = {}
    for _, clause in clauses(system_text):
        if not (clause.rstrip().endswith(("?", "？")) or _SYSTEM_ASKS.search(clause)):
            continue
        stems = stems_of(clause)
        kinds = {kind for pattern, kind in _WH if pattern.search(clause)}
        scored = []
        for slot in service.slots:
            if not slot.fillable:
                continue
            score = cue_score(slot, stems)
            if slot.kind in kinds or ("place" in kinds and slot.place):
                score += 1.0
            if score >= 0.8:
                scored.append((score, slot.slot.name))
        best = max((score for score, _ in scored), default=0.0)
        for score, name in scored:
            if score >= 0.6 * best:
                asked[name] = max(asked.get(name, 0.0), score)
    return asked
