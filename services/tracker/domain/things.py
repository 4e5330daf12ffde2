"""The thing that a message is about, for slots whose values no schema lists: "I'd like to hire a drum sander", "your
uplight cracked".

English only. A thing is the noun phrase behind a verb that wishes or tells, up to the first word that goes on with
something else; all patterns are bounded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from services.common.schema import Slot
from services.tracker.domain import acts
from services.tracker.domain.details import form_of
from services.tracker.domain.findings import Filling
from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.standing_words import CORRECTS

MAX_WORDS = 6
_HEADS = (
    r"(?:thing|item|machine|tool|device|equipment|product|article|goods|appliance|vehicle|car|bike|instrument|plant|dish"
    r"|garment|piece|part|model|animal|pet|object|gear|kit|boat|book|furniture)s?"
)
_THING = re.compile(
    rf"^\W*(?:(?:the|a|an|any|kind|type|sort|name|number|of|or|\w{{1,12}}ed) ){{0,4}}{_HEADS}\b"
    r"(?! (?:problem|fault|issue|symptom|defect|damage|trouble|complaint|number|code|size|type|colou?r|year|weight"
    r"|registration)s?\b| of the (?:day|week|year)\b)"
    r"|^\W*(?!.*\bhow\b)what (?:is|was|the \w{1,20}|they|you|somebody|someone) (?:to be |being )?"
    r"(?:hire|rent|order|buy|want|need|return|borrow|repair|reserve|book|exchange|damage|los|stole|broke|collect|bought|deliver)\w{0,4}\b",
    re.I,
)
_NAMED = re.compile(rf"(?:^|_){_HEADS}$", re.I)
_SUFFERS = re.compile(r"damag|broke|fault|lost|stolen|theft|concerned|repair|defect|complain|wrong|incident", re.I)
_WISH = re.compile(
    r"(?<!\bmy )(?<!\bour )(?<!\byour )(?<!\bthe )(?<!\ban )(?<!\ba )"
    r"\b(?:reserve|book|rent|hire|borrow|order|buy|purchase|take|get|want|need|like|love|prefer|try|return|exchange"
    r"|replace|swap|collect|deliver|send back|bring back|looking for|interested in|repair|fix|mend|service|clean"
    r"|pick up|report|sell|register|insure|make it|go for|go with|choose|(?:can|could|may) (?:i|we) have"
    r"|(?:['’]ll|will) have)\s+(?!to\b)(?:back )?",
    re.I,
)
_DETERMINER = re.compile(r"(?:a|an|the|your|our|my|one|some|this|that|another|two|three|\d{1,2}) (?=\S)", re.I)
_HAPPENED = re.compile(
    r"\b(?:your|our|my|the|one of your|a)\s+"
    r"(?P<thing>(?:(?!(?:the|your|our|my|an?|that|in|of|on|and)\b)[A-Za-z0-9][\w'’/-]{0,20} ){1,5}?)"
    r"(?:(?:has|have|had|is|was|were|got|['’]s) (?:\w{1,12} ){0,2}?(?:been )?(?:stolen|nicked|robbed|taken|lost|gone"
    r"|missing|broken|damaged|cracked|dead|faulty|torn|bent|smashed|stuck|leaking|scratched|ruined|defective"
    r"|not working|making)|(?:cracked|broke|snapped|burst|tore|smashed|bent|stopped)\b(?! (?:my|our|your|the|one of)\b)"
    r"|leaks|leaked|died|failed|fell|won['’]t|doesn['’]t|does not|will not|keeps|makes|went|vanished|disappeared)\b",
    re.I,
)
_DONE_TO = re.compile(
    r"\b(?:broke|damaged|scratched|lost|smashed|dented|cracked|ruined|tore|stained|spoiled|bent|dropped|stole|nicked"
    r"|broken|torn|stolen) (?:my|our|the|one of (?:my|our|the)) (?P<thing>(?:[A-Za-z0-9][\w'’/-]{0,20} ?){1,5})",
    re.I,
)
_ON_IT = re.compile(
    r"\b(?:on|with|to) (?:your|our|my|the|one of your) (?P<thing>(?:[A-Za-z0-9][\w'’/-]{0,20} ?){1,5})",
    re.I,
)
_WORD = re.compile(r"[A-Za-z0-9][\w'’/.-]{0,24}")
_CONTRACTION = re.compile(r"['’](?:d|ll|m|re|ve|t)$")
_UNITS = frozenset(
    "kg g t tonne tonnes ton cm mm m ft inch inches l litre litres ml v w kw kva hp bar km mb gb".split()
)
_STOPS = frozenset(
    "in on at for from with to by and or please that which who whose because until till next this these those tomorrow"
    " today tonight now instead as so but if when while where again too also only just back then than is are was were"
    " has have had will can could would should do does did my your our his her their its i you we they he she it me us"
    " them not no thanks thank since before after about into out off up over under via per without rather there here"
    " on monday tuesday wednesday thursday friday saturday sunday the a an".split()
)
_EMPTY = frozenset(
    "morning afternoon evening night noon minute today"
    " it one that this them something anything someone somebody everything nothing help information info question"
    " problem issue time day week weekend month hour date place slot quote price offer refund call moment while look"
    " lot bit way appointment booking reservation visit chance idea choice change doubt number name address email copy"
    " wait same other others thing things stuff delivery collection advice person people money more less"
    " human complaint damage loss theft order kind rest".split()
)


def fill_things(rules: ServiceRules, held: dict[str, str], text: str, filling: Filling) -> None:
    """Fills the service's slot for a thing from a wish for it or from what happened to it; `held` are the values from
    before, which only a correction or an answer to the question replaces."""
    slots = [slot for slot in rules.slots if slot.fillable and slot.slot.name not in filling.values]
    slots = [slot for slot in slots if not slot.values and not slot.place and names_thing(slot.slot)]
    if len(slots) != 1 or slots[0].kind not in ("name", "text"):
        return
    slot = slots[0]
    name = slot.slot.name
    if name in held and name not in filling.asked and not CORRECTS.search(text):
        return
    span = _suffering(text, filling) if _suffers(rules, slot) else _wished(text, filling)
    if span is not None and filling.meant(slot, *span):
        filling.put(slot, text[slice(*span)], span)


@lru_cache(maxsize=2048)
def names_thing(slot: Slot) -> bool:
    """Whether the slot holds a thing by its name, whatever it is."""
    if slot.values or slot.kind not in (None, "text", "name") or form_of(slot) is not None:
        return False
    return _NAMED.search(slot.name) is not None or _THING.search(slot.description) is not None


def _suffers(rules: ServiceRules, slot: SlotRules) -> bool:
    """Whether something happened to the thing, so that it is told and not wished for."""
    if _SUFFERS.search(f"{slot.slot.name} {slot.slot.description}"):
        return True
    return _SUFFERS.search(rules.service.description) is not None


def _wished(text: str, filling: Filling) -> tuple[int, int] | None:
    if acts.only_asks(text):
        return None
    for match in islice(_WISH.finditer(text), 8):
        if acts.negated(text, match.start()):
            continue
        span = _phrase(text, match.end(), filling)
        if span is not None:
            return span
    return None


def _suffering(text: str, filling: Filling) -> tuple[int, int] | None:
    if acts.only_asks(text):
        return None
    for pattern in (_HAPPENED, _DONE_TO, _ON_IT):
        for match in islice(pattern.finditer(text), 8):
            span = _phrase(text, match.start("thing"), filling, match.end("thing"))
            if span is not None:
                return span
    return None


def _phrase(text: str, start: int, filling: Filling, limit: int | None = None) -> tuple[int, int] | None:
    """The noun phrase that begins at `start`, without its article; None where there is none that names a thing."""
    determiner = _DETERMINER.match(text, start)
    at = determiner.end() if determiner else start
    first, end, words = at, at, 0
    while words < MAX_WORDS:
        word = _WORD.match(text, at)
        if word is None or (limit is not None and word.start() >= limit):
            break
        plain = word[0].lower().rstrip(".'’")
        if plain in _STOPS or _CONTRACTION.search(plain) or not filling.free(word.start(), word.end()):
            break
        if plain.isdigit() and not _is_measure(text, word.end()):
            break
        end, words = word.start() + len(word[0].rstrip(".'’-")), words + 1
        if text[word.end() : word.end() + 1] != " " or word[0].endswith((".", ",")):
            break
        at = word.end() + 1
    head = text[first:end].rpartition(" ")[2].lower()
    if (
        not words
        or head in _EMPTY
        or head.removesuffix("s") in _EMPTY
        or head.isdigit()
        or not re.search(r"[a-z]{3}", text[first:end], re.I)
    ):
        return None
    return first, end


def _is_measure(text: str, end: int) -> bool:
    unit = re.match(r"[ -]?([A-Za-z]{1,7})\b", text[end : end + 10])
    return unit is not None and unit[1].lower() in _UNITS
