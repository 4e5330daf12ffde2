"""What people do with a sentence: agree, refuse, not care, ask; and what the system's last reply asked about."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from services.tracker.domain.han_numbers import MEASURES
from services.tracker.domain.lead_wording import CHINESE, ENGLISH, question
from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.standing_words import HARMLESS
from services.tracker.domain.words import STOP, stem, tokens_of, widened


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
        r"why not|(?:very |really |quite |most )*(?:convenient|suitable|acceptable|lovely|confirmed|happy to)|deal"
        r"|agreed|gladly|with pleasure|by all means|count me in|you bet|for sure|done|i accept|i agree",
        r"(?:it|that|this|they|i|we|you) (?:does|do|would|will|can|could|may|might|is|am)(?=\W*$|,? (?:thanks?|thank"
        r" you|please|yes|indeed|fine|nicely|perfectly|great|very well)\b)",
        "i (?:guess|suppose|think|believe|reckon) so|if (?:it|that) must be|if need be|(?:i|we) might as well"
        "|fair enough",
        "works for me|[👍👌✅]",
        "(?:勉强|应该|大概|也|那就?|还|倒是?)?(?:好|行|可以|嗯|是|成|没问题|要|需要|同意|当然|当然可以|没错)"
        "(?:的|啊|呀|吧|呢|哒|嘞|哦|啦|了)?"
        "|对(?:的|啊|呀|哦)?|(?:那)?就这[样么](?:定|办|吧|了){0,3}",
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
        r"suits? me|(?:go|going) (?:ahead|(?:with|for) (?:it|that|this))|that one"
        r"|i(?:['’]ll| will) (?:take|go with|have (?:it|that|this|one|them)\b)"
        r"|let['’]?s (?:do|go with|book|say|take|have|fix|make it)|(?:i|we) (?:want|need|accept|choose) (?:it|that"
        r"|this|them)"
        r"|(?:book|reserve|take|order|confirm|schedule|arrange|fix) (?:it|that|this|me|us)|put (?:me|us) (?:down|in"
        r"|on)",
        r"i(?:['’]d| would| do)? (?:really )?(?:like|love) (?:it|that|this|to (?:reserve|book|buy"
        r"|go there))\b(?! to be)",
    ),
    re.I,
)
_DENY = re.compile(
    r"^\W*"
    + _any(
        r"(?:(?:definitely|absolutely|certainly|of course|sure(?:ly)?|probably|maybe|perhaps|preferably|better|please"
        r"|clearly|obviously|unfortunately|sadly|rather|most|very|well|really|i(?:['’]d)?|would|hope|guess|think|am"
        r"|i['’]m|afraid|just)\W+){1,4}not\b(?! (?:only|just|mind|bad))",
        r"i (?:do not|don['’]?t) (?:think|believe) (?:so|that)|i (?:can['’]?t|cannot|couldn['’]?t|wouldn['’]?t)\b",
        r"(?:it|that|this|they) (?:does|do|would|will|is|are|wo|ca)(?:n['’]t| not)\b",
        r"no\b|nope|nah|not (?:at all|for me|possible|really)"
        r"|not (?:that|this|quite|exactly)|actually|wait|hold on|sorry|never ?mind|negative",
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
        rf"\b{_NOT_CARE} (?:care|matter|mind(?!\s+(?:(?:it|a|an|the|if|having|getting|taking|coming|going|on|at|for"
        r"|visits?|it['’]?s|is|you|come)\s+){0,4}(?-i:[A-Z0-9][\w:]*)))\b",
        rf"\b{_NOT_CARE} have (?:a |an |any )?(?:particular |specific |strong |real )?(?:preferences?|one in mind)",
        r"\bno (?:particular |specific |real |strong )?preferences?\b|\bno matter\b|\bnot (?:picky|particular|fussy)\b",
        r"\b(?:any(?:thing|where|one|time)?|either)(?: of (?:them|those)| one| \w+)?"
        r" (?:is|are|will|would|should|works?|sounds?)(?: be| do| work)?(?: just)? ?(?:fine|ok(?:ay)?|good|do|"
        r"great)?\b",
        r"\b(?:whatever|whichever)(?! (?:you do|happens|is (?:in|at|under"
        r"|within|below|on)|\d)\b)(?: is| you| works)?\b|\bup to you\b|\banything goes\b"
        r"|\bsurprise me\b",
        r"\bi['’]?(?:m| am) (?:flexible|open to|easy|fine with any|okay with any|ok with any)",
        r"^\W*any (?:day|date|time|size|colou?r|one|of them)\W*$",
        r"(?<!\bhave )(?<!\bthere )(?<!\boffer )(?<!\bgot )(?<!\bserve )(?<!\bprovide )(?<!\bhas )(?<!\bsell )"
        r"\bany (?:type|kind|sort|price|price range|brand|size|rating) (?:of|is|will|works)\b",
        r"随便|都可以|无所谓|都行|都好|都成|方便就[好行]|都方便|都没关系|不限|不挑|没要求|没有要求|没什么要求|不介意|不在乎|不重要"
        r"|不计较|你们定|看着办|均可|任意|没关系的",
    ),
    re.I,
)
_NEGATION = re.compile(r"\b(?:no|not|without|never|avoid|except|nor|dont|cannot)\b|n['’]t\b|不|没|无需|别", re.I)
_HAN_ASKS = re.compile(
    r"几[号时点位岁]|哪[天家位儿里]|(?:能|会|可以|行|有|要|是|用|算)[\u4e00-\u9fff]{0,8}[不没]$|[啊么吧]？$"
)
_ONLY_COUNTS = re.compile(
    rf"^\W*(?:就|只要|只|要|来|先)?\s?(?:\d{{1,4}}|[一二两三四五六七八九十]{{1,3}})\s?[{MEASURES}]"
    r"(?:就?(?:好|行|够|可以|成)了?|吧|了)?\W*$"
    r"|^\W*(?:辛苦|麻烦|不好意思|没事|算|好|行|可以|知道|明白|收到)了?你?们?\W*$"
)
"""Counts something, or is a courtesy."""
_DENIED_HAN = re.compile("(?:不|没有?|别|无需|免)(?:用|要|想|需要|打算|必|再){0,2}$")
_FORGET = re.compile(
    r"\b(?:forget|remove|drop|delete|cancel|ignore|clear|scratch|never ?mind|skip|no longer (?:care|need|want))\b", re.I
)
_UNDECIDED = re.compile(
    r"(?:还|都)?没(?:有)?(?:定|想好|确定|决定)|还不(?:确定|知道|清楚)|先(?:别|不)(?:填|写|定|选)|先空着|待定"
    r"|\b(?:leave|keep) (?:the |my )?(?:\w{1,20} ){1,3}(?:open|blank|out|empty)\b"
    r"|\b(?:not (?:sure|decided|certain)|haven['’]?t decided|undecided)\b[^.,;!?]{0,40}\byet\b",
    re.I,
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
_WHAT = re.compile(
    _SOFTENER + r"(?:what|how|which|when|where|who|why(?! (?:not|don)))(?:['’]s|\s+(?!about\b)\w+)",
    re.I,
)
_HAN_WHAT = re.compile(r"多少|几[个种款点天]|什么|怎么|如何|哪[个些里种]|多久|多长|多大|为什么|为啥|谁")
_HAN_FACT = re.compile(rf"{_HAN_WHAT.pattern}|吗|么|有没有|是不是|能不能|会不会|呢")
_HOW_TO = re.compile(
    r"(?:怎么|如何|怎样|在哪里?|多少钱)[\u4e00-\u9fff]{0,4}|\bhow (?:do|can|could|would|should) (?:i|we) \w+", re.I
)
_WISHING = re.compile(
    r"\b(?:want|need|(?:would|['’]d) (?:like|love)|please|can (?:i|we|you)|could (?:i|we|you)|may (?:i|we)"
    r"|let['’]?s|take"
    r"|looking for|i['’]ll)\b|想|[我先就]要|给我|帮我|下单|预约|预订|订一|报一|来一|可以吗|行吗|好吗|麻烦|请",
    re.I,
)
COURTESY = re.compile(
    r"^\W*(?:(?:(?:thanks?|thank you|cheers) for (?:your |the |all (?:your |the )?)?\w{1,20}"
    r"|hi|hello|hey|good (?:morning|afternoon|evening|day)|there|thanks?|thank you|thx|ty|cheers|bye"
    r"|goodbye|k|kk"
    r"|ok(?:ay)?|see you(?: then)?|that['’]?s (?:all|it|everything)|a lot|so much|you|great|perfect|你好|您好|在吗"
    r"|谢谢|多谢"
    r"|再见|好的|好)"
    r"\W*){1,5}$",
    re.I,
)
"""A sentence that is a greeting, thanks or a mere nod."""
_ABBREVIATION = re.compile(r"\b(?:dr|mr|mrs|ms|st|jr|vs|ave|no|[a-z])\.$", re.I)
_EXISTENCE = re.compile(r"\b(?:do you have any|are there any|is there an?)\b", re.I)


@lru_cache(maxsize=512)
def clauses(text: str) -> tuple[tuple[int, str], ...]:
    """(start, sentence) of the text's sentences, question marks kept at their ends."""
    found, start = [], 0
    wide = widened(text)  # only to find where sentences end
    for match in re.finditer(r"[.!?]+(?=\s|$)|[。！？；\n]", wide):
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


def answers_nothing(text: str, start: int, end: int) -> bool:
    """Whether the Chinese clause at `start` to `end` cannot tell what was asked for: it asks itself, or only counts."""
    clause = text[start:end]
    if clause.startswith(("《", "「", "“")):
        return False
    asks_back = text[end : end + 1] in ("?", "？") or _HAN_ASKS.search(clause) or _HAN_FACT.search(clause)
    return bool(asks_back) or _ONLY_COUNTS.match(clause) is not None


def denied_in_han(text: str, start: int) -> bool:
    """Whether a Chinese negation stands directly before `start` ("不换", "没有要")."""
    return _DENIED_HAN.search(HARMLESS.sub(" ", text[max(0, start - 8) : start])) is not None


def forgets(clause: str) -> bool:
    """Whether the clause takes something back ("never mind the price range")."""
    return _FORGET.search(clause) is not None


def leaves_open(clause: str) -> bool:
    """Whether the clause says that something is not settled yet ("人数还没定", "leave the date open")."""
    return _UNDECIDED.search(clause) is not None


def asks(clause: str) -> bool:
    """Whether the clause is a question or a request for information."""
    return clause.rstrip().endswith(("?", "？")) or _QUESTION.search(clause) is not None


def is_factual_question(text: str, at: int) -> bool:
    """Whether the clause around `at` asks about a fact ("is it expensive?") rather than states a wish."""
    sentences = clauses(text)
    index = bisect_right(sentences, at, key=lambda sentence: sentence[0]) - 1
    clause = sentences[max(0, index)][1] if sentences else ""
    return _FACTUAL.search(clause) is not None and not _EXISTENCE.search(clause)


def only_asks(text: str) -> bool:
    """Whether the message asks for facts and nothing in it is a wish ("What does the small one cost?")."""
    return _asks_facts(text, _FACTUAL)


def only_asks_what(text: str) -> bool:
    """The same for questions that no yes or no answers."""
    return _asks_facts(text, _WHAT)


def _asks_facts(text: str, question_pattern: re.Pattern[str]) -> bool:
    sentences = [clause for _, clause in clauses(text) if not COURTESY.match(clause)]
    if not sentences or any(_WISHING.search(_HOW_TO.sub(" ", clause)) for clause in sentences):
        return False
    return all(
        question_pattern.search(clause)
        or _WHAT.search(clause)
        or (
            clause.rstrip().endswith(("?", "？"))
            and (_HAN_FACT if question_pattern is _FACTUAL else _HAN_WHAT).search(clause)
        )
        for clause in sentences
    )


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


SURE = 2.0
"""How surely the assistant's own question asks for its slot."""


def asks_itself(service: ServiceRules, system_text: str) -> bool:
    """Whether the reply ends with the assistant's own question for a slot of the service."""
    return bool(system_text) and any(s.fillable and _asks_for(s, system_text) for s in service.slots)


def _asks_for(slot: SlotRules, system_text: str) -> bool:
    """Whether the reply ends with the question by which the assistant itself asks for the slot."""
    text = system_text.rstrip()
    return any(text.endswith(question(slot.slot, language)) for language in (ENGLISH, CHINESE))


def asked_slots(service: ServiceRules, system_text: str) -> dict[str, float]:
    """Slots of the service about which the system's reply asks, with how surely (1 and more is sure)."""
    exact = [s.slot.name for s in service.slots if s.fillable and _asks_for(s, system_text)]
    if exact:
        return {exact[0]: SURE}
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
