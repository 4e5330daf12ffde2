"""What the system's replies offered or asked to confirm, and what of it the user accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from services.tracker.domain import acts
from services.tracker.domain import standing_words as said
from services.tracker.domain.choices import CHOICE, leaves_choice, named_option, picked
from services.tracker.domain.findings import Filling
from services.tracker.domain.lead_wording import reads_back
from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.names import names
from services.tracker.domain.normalise import number_value, time_range_value, typed_mentions
from services.tracker.domain.standing import Stand, Standing, standing_of
from services.tracker.domain.state import MAX_ENTITIES, Offer, State
from services.tracker.domain.words import blanked, stem, tokens_of

_CONFIRM = re.compile(
    r"\b(?:confirm|correct|is that (?:right|ok(?:ay)?|correct)|right\?|just to (?:check|be sure)|verify|do i "
    r"have (?:that|this) right|is (?:this|that|everything) (?:right|correct|ok(?:ay)?))"
    r"|\b(?:so|ok(?:ay)?|alright)?,? ?(?:you(?:'d| would)? (?:like|want)|you want)\b.*\?|(?:我)?确认",
    re.I,
)


_PROPOSES = re.compile(
    r"\b(?:shall|should) (?:i|we)\b|\bwould\b.{1,60}\b(?:do|suit|work|be (?:ok(?:ay)?|fine|good|convenient"
    r"|all right|alright"
    r"|possible)"
    r"|help|fit)\b|\bwould you (?:like|prefer|want|take|rather)\b|\bdo you (?:want|prefer|need|fancy)\b"
    r"|\bhow about\b|\bwhat about\b|\bcan i"
    r" (?:book|put|offer)"
    r"|\b(?:is|does|will|are)\b.{1,40}\b(?:ok(?:ay)?|fine|good|suit|work|all right|alright|acceptable|convenient)\b"
    r"|\bhow (?:does|would|do)\b.{1,60}\b(?:sound|look|suit|work|be)\b"
    r"|\b(?:would|will|are) you (?:be )?(?:free|available|at home|home|in|around)\b"
    r"|\b(?:i|we)(?: have|['’]ve)(?: got)?\b.{0,40}\b(?:opening|slot|gap|appointment|vacancy|place|spot|space|room)\b"
    r"|\b(?:next|earliest|first) (?:free |available |possible )?(?:appointment|slot|date|time|opening|visit)"
    r" (?:is|would)\b"
    r"|\b(?:did you (?:say|mean|want)|you (?:said|mean|chose|picked))\b"
    r"|\b(?:can|could) (?:i|we|he|she|they|the \w{1,20}|somebody|someone) (?:come|visit|drop by|stop by|arrive"
    r"|deliver)\b"
    r"|\bmay i (?:book|note|put|offer|suggest)"
    r"|\b(?!you\b)\w{1,20} (?:can|could) (?:be there|come|arrive|visit|drop by|stop by|deliver)\b"
    r"|\b(?:i|we)(?: (?:can|could|would)|['’]d)(?! help| do anything| not)\b|\b(?:i|we) (?:offer|suggest|recommend"
    r"|propose)\b|\b(?:is|are) (?:still )?(?:available|free|open)\b"
    r"|(?:您|你)(?:想|需)?要[^，。！？?]{1,30}[吗么]|要不要|可以吗|好吗|行吗|怎么样|如何|您看|推荐|建议|方便吗|合适吗|给您(?:订|约|安排)",
    re.I,
)
"""A reply with one of these proposes what it names."""

_OPEN = re.compile(
    r"^\W*(?:(?:and|so|ok(?:ay)?|great|alright|then)\W+)*(?:what (?!about\b|if\b)|which|when|where|who|how (?!about"
    r"|(?:does|would|do)\b"
    r".{1,60}\b(?:sound|look|suit|work|be)))\b|什么|几|哪|多少",
    re.I,
)


def proposes(system_text: str) -> bool:
    """Whether the reply puts something to the user that a mere "yes" takes."""
    return _PROPOSES.search(system_text) is not None or _TROUBLES.search(system_text) is not None


def confirms(system_text: str) -> bool:
    """Whether the reply reads its understanding back for confirmation."""
    return _CONFIRM.search(system_text) is not None


def offers_in(rules: ServiceRules, state: State, system_text: str, before: list[Offer]) -> list[Offer]:
    """The offers open after the reply: those it makes for this service, and earlier ones it does not replace."""
    own = acts.asks_itself(rules, system_text) or reads_back(system_text, rules.service.intents)
    made = {} if own else _values_in(rules, state, system_text)
    mine = rules.service.name
    # A new thing offered makes the details of the one before it meaningless.
    fresh = any(s.slot.name in made and s.kind == "name" and not s.place for s in rules.slots)
    kept = [o for o in before if o.service != mine or not (fresh or o.slot in made)]
    return (kept + [Offer(mine, slot, value) for slot, value in made.items()])[-MAX_ENTITIES:]


def accepted(
    rules: ServiceRules, offers: list[Offer], system_text: str, user_text: str, filling: Filling
) -> dict[str, str]:
    """Slots of the service that the user's agreement fills, with the offered values."""
    own = {o.slot: o.value for o in offers if o.service == rules.service.name}
    if not own or minds(system_text, user_text) or acts.wants_alternative(user_text):
        return {}
    open_ones = {
        slot: value
        for slot, value in own.items()
        if slot not in filling.values and not _refused(value, filling.standing, user_text)
    }
    if acts.denies(user_text):
        # "No, make it four people": what was read back and not corrected stands.
        return open_ones if confirms(system_text) and filling.values else {}
    if acts.affirms(user_text) or (acts.commits(user_text) and not filling.requested):
        return open_ones
    return {}


_PART = re.compile(
    r"\b(?:the|that) (?P<name>\w{2,20}) "
    r"(?P<verdict>(?:is|does|works?|suits?|would|will|looks?|sounds?|fits?|wo)(?:n['’]?t)?"
    r"\b[^,.;!?，。；！？]{0,40})",
    re.I,
)
_PART_NAMES = {"date": ("day", "date"), "time": ("time", "hour")}


def _parts_judged(rules: ServiceRules, user_text: str) -> dict[str, bool]:
    """Slots that the user names as right or wrong by what they are ("the day does, the time doesn't")."""
    judged: dict[str, bool] = {}
    for match in islice(_PART.finditer(user_text), MAX_ENTITIES):
        name, verdict = match["name"].lower(), f"it {match['verdict']}"
        for slot in rules.slots:
            if name in _PART_NAMES.get(slot.kind, ()) or (slot.slot.values and name in tokens_of(slot.slot.name)):
                judged[slot.slot.name] = not (said.NEGATED.search(verdict) or said.UNSUITABLE.search(verdict))
    return judged


EXCHANGES = re.compile(
    r"\b(?:upgrad|downgrad|switch|swap|exchang)\w{0,4}\b|\bchange (?:it |that |this )?to\b|\binstead\b", re.I
)
"""A reply that proposes to put one value in another's place."""


def takes_back(rules: ServiceRules, slots: Mapping[str, str], system_text: str, user_text: str) -> str:
    """The one slot whose value the reply asks to confirm and the user denies ("Is Monday right?" "It isn't."); empty
    where none is, or where more than one might be meant."""
    if not _MERE_DENIAL.match(user_text) or reads_back(system_text, rules.service.intents):
        return ""
    sentences = [clause for _, clause in acts.clauses(system_text)]
    if not sentences or not sentences[-1].rstrip().endswith(("?", "？")) or not _ASKS_IF_RIGHT.search(sentences[-1]):
        return ""
    folded = system_text.casefold()
    named = [slot for slot, value in slots.items() if len(value) > 1 and value.casefold() in folded]
    return named[0] if len(named) == 1 else ""


_ASKS_IF_RIGHT = re.compile(r"\b(?:right|correct|confirm|true|did you (?:say|mean))\b|对吗|对吧|是吗|确认", re.I)
_MERE_DENIAL = re.compile(
    r"^\W*(?:(?:no|nope|nah|wrong|not really|(?:it|that|this)(?:['’]s| is| was)(?:n['’]t| not)"
    r"(?: (?:right|correct|true|it))?"
    r"|(?:it|that|this)(?:['’]s| is| was) (?:wrong|incorrect|false)|i did(?:n['’]t| not)|不是?的?|不对|错了)\b"
    r"\W*(?:sorry|thanks|thank you)?\W*){1,2}$",
    re.I,
)


def _refused(value: str, standing: Standing, user_text: str) -> bool:
    """Whether the message names the offered value and refuses it ("Monday yes, 10 am no")."""
    start = user_text.casefold().find(value.casefold())
    return start >= 0 and standing.of(start, start + len(value)).refused


def _values_in(rules: ServiceRules, state: State, text: str) -> dict[str, str]:
    """Values that the reply gives for the service's slots, by their words, prepositions and order."""
    found: dict[str, str] = {}
    text = _COURTESY.sub(" ", text)
    confirming = confirms(text)
    statements = text if confirming else " ".join(c for _, c in acts.clauses(text) if _offering(c))
    if not statements.strip():
        statements = text if not acts.asked_slots(rules, text) and not CHOICE.search(text) else ""
    standing = standing_of(blanked(_TROUBLE, statements))
    _listed(rules, statements, found, confirming)
    mentions = [m for m in typed_mentions(statements) if standing.of(m.start, m.end) is Stand.WISHED]
    if _OWN_TIME.search(statements):  # what the user's calendar leaves free is no time by itself
        mentions = [m for m in mentions if m.kind != "time" or time_range_value(m.text) is None]
    for mention in mentions:
        slot = _slot_for(rules, statements, mention.kind, mention.start, mention.end, found)
        if slot is None:
            continue
        value = mention.text
        if slot.kind == "number":
            value = number_value(value) or value
            if slot.slot.values and value not in slot.slot.value_names:
                continue
        found[slot.slot.name] = re.sub(r"^on ", "", value)
    spans = [(m.start, m.end) for m in mentions if m.kind in ("time", "date", "money")]
    _named(rules, state, statements, spans, found)
    return found


def _offering(clause: str) -> bool:
    """Whether a clause of a reply offers what it names: a statement, or a question that proposes one thing."""
    if not clause.rstrip().endswith(("?", "？")):
        return not leaves_choice(clause)
    return proposes(clause) and not CHOICE.search(clause) and not _OPEN.search(clause)


_COURTESY = re.compile(
    r"\b(?:any|some)thing (?:else|more|further)\b[^.?!\n]{0,80}|\b(?:have|enjoy|wish you) (?:an? |the |your )?(?:rest"
    r" of (?:the|your) )?(?:very )?(?:nice|great|good|lovely|wonderful|pleasant|happy|fine|beautiful)\b[^.?!\n]{0,40}"
    r"|\b(?:help|assist|serve)(?: you)?(?: with)?(?: today| this (?:morning|afternoon|evening))\b"
    r"|(?:今天)?还有(?:什么|别的|其他)[^。？！\n]{0,20}|祝您?[^。？！\n]{0,20}(?:愉快|快乐|顺利)",
    re.I,
)
"""What a reply says out of politeness: its "today" is no proposal."""


_OWN_TIME = re.compile(r"\byou(?:['’]re| are|['’]ll be| will be) (?:free|available)\b", re.I)


_ASKS_TO = re.compile(
    r"\b(?:(?:shall|should|can|may|could) (?:i|we)|(?:want|like) (?:me|us) to)\s(?:just |also |then )?"
    r"(?P<verb>\w{2,20})\b",
    re.I,
)
_DOES = re.compile(
    r"^\W*(?:(?:please|just|do|then|and|great|thanks|you (?:can|may|should))\W+){0,3}(?P<verb>\w{2,20})\b"
    r"(?:\W+(?:it|that|this|them|one|me|us|please|then|for|in|down|up|there|thanks)\b){0,5}\W*$",
    re.I,
)


_TROUBLES = re.compile(
    r"\b(?:is|are|was|would|will|does|do)\b[^.?!]{1,80}\b(?:too (?:early|late|soon|far|long|short|much|little|big|small"
    r"|expensive)|(?:a|any) (?:problem|trouble)|inconvenient|bother|mind|object)\b[^.?!]{0,40}\?\s*$"
    r"|\bany objections?\b[^.?!]{0,60}\?\s*$|介意[^。？！]{0,30}[？?]\s*$",
    re.I,
)
"""A reply that asks whether what it proposes is unwelcome: then "no" takes it."""
_NO_TROUBLE = re.compile(
    r"^\W*(?:no|nope|nah|not at all|never|none|not really|(?:i|we) (?:do|would)(?:n['’]?t| not) mind)\b"
    r"(?![^.!?]{0,20}\b(?:but|rather|better|earlier|later)\b)"
    r"|^\W*(?:完全)?不(?:太|会)?介意",
    re.I,
)


_WELCOME = re.compile(
    r"\b(?:(?:would|will) be|is|['’]s|sounds) (?:just |perfectly |absolutely )?(?:fine|good|great|okay|ok|perfect"
    r"|all right|alright|lovely)\b",
    re.I,
)
"""Says that what was asked about is welcome ("Would you mind Monday?" "Monday would be fine.")."""


_TROUBLE = re.compile(r"\btoo \w{1,20}|\b(?:a|any) (?:problem|trouble)\b|\binconvenient\b", re.I)


def minds(system_text: str, user_text: str) -> bool:
    """Whether the reply asks if what it proposes is unwelcome, and the user does not say no."""
    if _TROUBLES.search(system_text) is None or _NO_TROUBLE.match(user_text):
        return False
    return _WELCOME.search(user_text) is None or said.NEGATED.search(user_text) is not None


def _agrees(system_text: str, user_text: str) -> bool:
    """Whether the user says yes, or tells the assistant to do what it asked to do ("Should I enter that?" "Please enter
    it.")."""
    if _TROUBLES.search(system_text):
        return _NO_TROUBLE.match(user_text) is not None
    if acts.affirms(user_text):
        return True
    does = None if user_text.rstrip().endswith(("?", "？")) else _DOES.match(user_text)
    asked = {match["verb"].lower() for match in islice(_ASKS_TO.finditer(system_text), MAX_ENTITIES)}
    return does is not None and does["verb"].lower() in asked


def agreed(rules: ServiceRules, state: State, system_text: str, user_text: str) -> list[tuple[SlotRules, str]]:
    """Slots of the service that a plain agreement fills with what the last reply proposed.

    `state` is that before the user's turn. Only what surely is meant: days, times, numbers and listed values that an
    intent needs, or that the reply proposes by themselves. Empty where the user says anything but yes.
    """
    if option := picked(rules, system_text, user_text) or named_option(system_text, user_text):
        named = _values_in(rules, state, option)
        sure_ones = [s for s in rules.slots if s.kind in ("date", "time") or (s.slot.values and s.kind != "boolean")]
        return [(s, named[s.slot.name]) for s in sure_ones if s.slot.name in named]
    parts = _parts_judged(rules, user_text)
    agrees = _agrees(system_text, user_text)
    if not any(parts.values()) and (not agrees or acts.wants_alternative(user_text)):
        return []
    if acts.asks_itself(rules, system_text) or reads_back(system_text, rules.service.intents):
        return []
    if not proposes(system_text) and not _offers_bluntly(system_text):
        return []
    required = {name for intent in rules.service.intents for name in intent.required}
    found = _values_in(rules, state, system_text)
    standing = standing_of(user_text)
    needed = [found[name] for name in required if name in found]
    taken = []
    for slot in rules.slots:
        value = found.get(slot.slot.name)
        sure = slot.kind in ("date", "time", "number") or (slot.slot.values and slot.kind != "boolean")
        if not value or not sure or _refused(value, standing, user_text):
            continue
        if not parts.get(slot.slot.name, all(parts.values()) and agrees):
            continue
        beside = bool(slot.slot.values) and _proposed_together(value, needed, system_text)
        if slot.slot.name in required or beside or _alone(value, system_text):
            taken.append((slot, value))
    return taken


def _proposed_together(value: str, needed: list[str], system_text: str) -> bool:
    """Whether the reply proposes a listed value in one breath with one that is needed ("the Pro plan with fibre")."""
    for _, clause in acts.clauses(system_text):
        folded = clause.casefold()
        end = folded.find(value.casefold())
        starts = [folded.rfind(other.casefold(), 0, end) + len(other) for other in needed if other.casefold() in folded]
        if end > 0 and proposes(clause) and any(_JOINS.match(folded[start:end]) for start in starts):
            return True
    return False


_JOINS = re.compile(r"^(?:\s\w{1,15}){0,3}\s(?:with|over|via|plus|in|and)\s(?:a\s|the\s)?$")


def _alone(value: str, system_text: str) -> bool:
    """Whether a short question puts nothing else to the user ("Would you like fibre?")."""
    for _, clause in acts.clauses(system_text):
        if value.casefold() in clause.casefold() and proposes(clause) and len(clause.split()) <= 9:
            start = clause.casefold().find(value.casefold())
            return not names(clause, [(start, start + len(value))])
    return False


def _offers_bluntly(system_text: str) -> bool:
    return system_text.rstrip().endswith(("?", "？")) and confirms(system_text)


def _listed(rules: ServiceRules, text: str, found: dict[str, str], confirming: bool) -> None:
    standing = standing_of(text)
    for slot in rules.slots:
        if not slot.fillable or not slot.values or (slot.kind == "boolean"):
            continue
        for pattern, value in slot.values_in(text):
            match = pattern.search(text)
            if match and not standing.of(*match.span()).refused:
                found[slot.slot.name] = value
                break
    if confirming:
        for slot in rules.slots:
            if slot.kind == "boolean" and slot.fillable:
                _read_back(slot, text, found)


def _read_back(slot: SlotRules, text: str, found: dict[str, str]) -> None:
    for match in re.finditer(r"[^\W_]+", text):
        if slot.cues.get(stem(match[0]), 0.0) >= 1.0:
            no = acts.negated(text, match.start()) or re.search(r"\bnot\b", text[match.end() :][:25])
            found[slot.slot.name] = slot.false_value if no else slot.true_value
            return


def _slot_for(
    rules: ServiceRules, text: str, kind: str, start: int, end: int, found: dict[str, str]
) -> SlotRules | None:
    """The slot that a typed mention of the reply belongs to."""
    options = [s for s in rules.slots if s.kind == kind and s.slot.name not in found]
    if not options:
        return None
    before = {stem(w) for w in tokens_of(" ".join(text[:start].split()[-6:]))}
    after = {stem(w) for w in tokens_of(" ".join(text[end:].split()[:3]))}

    def fits(slot: SlotRules) -> float:
        score = acts.cue_score(slot, before) + acts.cue_score(slot, after)
        return score + (0.2 if slot.fillable else 0.0) - (0.1 if slot.ends else 0.0)

    best = max(options, key=fits)
    needed = 0.9 if kind == "number" else 0.0
    return best if best.fillable and fits(best) >= needed else None


def _named(rules: ServiceRules, state: State, text: str, spans: list[tuple[int, int]], found: dict[str, str]) -> None:
    """Names: places after their prepositions, the first other name to the service's name slot."""
    held = {v.value.lower() for _, _, v in state.filled()} | {v.lower() for v in found.values()}
    slots = [s for s in rules.slots if s.kind in ("name", "text") and s.fillable and not s.values]
    for name in names(text, spans):
        if name.text.lower() in held or len(name.text) < 3:
            continue
        near = {stem(w) for w in tokens_of(" ".join(text[: name.start].split()[-3:] + text[name.end :].split()[:3]))}

        def fits(slot: SlotRules, lead: str = name.lead, near: set[str] = near) -> float:
            score = 0.6 * acts.cue_score(slot, near)
            if slot.place:
                score += {"from": {"from": 1.5}, "to": {"to": 1.5}, "in": {"": 1.5, "to": 0.8}}.get(lead, {}).get(
                    slot.direction, 0.0
                )
            elif slot.kind == "name":
                score += 0.9 if lead not in ("in", "from", "to") else 0.3
            return score

        free = [s for s in slots if s.slot.name not in found and not (s.place and _held(state, rules, s))]
        if free:
            best = max(free, key=fits)
            if fits(best) >= 0.8:
                found[best.slot.name] = name.text
                held.add(name.text.lower())


def _held(state: State, rules: ServiceRules, slot: SlotRules) -> bool:
    return state.value(rules.service.name, slot.slot.name) is not None
