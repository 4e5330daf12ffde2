"""What a message asks of the dialogue itself: "Which day did I choose?", "What have you noted so far?".

No document answers such a question; the state does. Pure and linear in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.common.schema import Schema, Service, Slot
from services.tracker.domain import acts, lead_wording
from services.tracker.domain.state import ServiceState, State
from services.tracker.domain.words import HAN, STOP, stem, tokens_of

MAX_READ = 300
"""Characters of a question that are read; a longer one tells more than it asks."""
_SAYING = (
    r"said|say|chose|chosen|choose|picked|pick|booked|book|ordered|order|gave|given|give|asked for|ask for|told|tell"
    r"|put|requested|request|selected|select|agreed|agree|entered|enter|wanted|reserved|reserve|settled|decided"
)
_RECALLS = re.compile(
    rf"\b(?:did|had|have) (?:i|we)(?: \w+)? (?:{_SAYING})\b"
    rf"|\b(?:i|we)(?:['’](?:d|ve)| had| have)?(?: just| already)? (?:{_SAYING})\b"
    r"|\b(?:have|has|did|do) (?:you|u)(?: \w+){0,2} (?:noted|note|written|write|recorded|record|down"
    r"|on file|for (?:me|us))\b"
    r"|\b(?:remind|repeat|read)\b.{0,30}\b(?:me|us|my|our|back)\b|\b(?:noted|got) (?:down )?so far\b"
    r"|我们?(?:刚才|刚刚|之前|前面|上次)?(?:选|订|定|说|约|填|报|给|留|要|预约|预订|预定|登记)(?:的|了|过|好)"
    r"|(?:你们?|您)(?:都|已经|帮我|给我)?(?:记|登记|记录)(?:下|了|的|录)|再(?:说|念|重复|确认)一[遍下]|复述|提醒(?:我|一下)",
    re.I,
)
"""Says in so many words that it asks what was said before."""
_SAME_FORM = re.compile(
    r"\b(?:can|could|should|may|might|would|shall|why|how (?!many\b))\b|\bdo you\b|\bare there\b|\bavailable\b|\belse\b"
    r"|有哪些|有什么|还有|可以|能|怎么|为什么|多少钱|推荐",
    re.I,
)
"""Asks what there is or what may be, in words that could ask for what was said: "which plans do you have?"."""
_ASKS = re.compile(
    r"\b(?:what|which|when|where|who|how many|remind|repeat|read)\b|哪|什么|几|多少|谁"
    r"|[说念重复确认]一[遍下]|复述|提醒",
    re.I,
)
_FILLERS = frozenset(
    stem(word)
    for word in (
        f"{_SAYING.replace('|', ' ')} note noted down written write record recorded file so far again remind"
        " repeat read back currently now exactly actually still just please sorry hi hello hey ok okay thanks forgot"
        " forget many got earlier before already everything all details detail thing things s ve d re once more"
        " have supposed planned set agreed current"
    ).split()
)
_FILLERS_HAN = re.compile(
    r"什么时候|什么地方|什么|哪一?[天个种款位里儿家间]?|几[点号个位]?|多少[个位人]?|请问|请|刚才|刚刚|之前|前面|上次|现在|目前|到底|来着|告诉|提醒|一下"
    r"|一遍|重复|复述|确认|记录|登记|选择|预约|预订|预定|我们?|您|你们?|[的了吗呢是再说念记选订定约填报给留要过好啊呀吧哦都有些忘在那这帮看查下到周]|星期"
)
_KINDS = (
    (re.compile(r"\bwhen\b|什么时候", re.I), frozenset({"date", "time"})),
    (re.compile(r"\b(?:what|which) time\b|\bwhat hour\b|几点|什么时间", re.I), frozenset({"time"})),
    (re.compile(r"\b(?:what|which) (?:day|date)\b|哪一?天|几号|什么日期|周几|星期几", re.I), frozenset({"date"})),
    (re.compile(r"\bhow many\b|\bwhat number\b|多少|几[个位人]", re.I), frozenset({"number"})),
    (re.compile(r"\bwhere\b|哪里|哪儿|什么地方", re.I), frozenset({"place"})),
    (re.compile(r"\bwho\b|谁", re.I), frozenset({"name"})),
)
_KIND_WORDS = {
    "date": re.compile(r"\b(?:day|date|when)\b|日期|日子|[日天]$", re.I),
    "time": re.compile(r"\b(?:time|hour|when)\b|时间|钟点|时$", re.I),
    "number": re.compile(
        r"\b(?:number|many|count|quantity|guests?|people|persons|adults|children|nights)\b|人数|数量|几|数$", re.I
    ),
    "place": re.compile(
        r"\b(?:place|address|city|town|branch|location|station|street|where|room|area|site)\b|地址|地点|城市|哪里|店$",
        re.I,
    ),
    "name": re.compile(r"\b(?:name|who|person)\b|姓名|名字|人$", re.I),
}
"""Words of a slot's name that say of which kind its value is."""
_MOST = 12


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the state answers: sentences in the user's language, one for each of these slots of the service. `sure`: the
    message says in so many words that it asks what was said; otherwise only its words fit, and a document may answer.
    """

    service: str
    slots: tuple[str, ...]
    sentences: tuple[str, ...]
    sure: bool

    def to_json(self) -> dict[str, Any]:
        """What a state document keeps as its `recalled`."""
        return {
            "service": self.service,
            "slots": list(self.slots),
            "sentences": list(self.sentences),
            "sure": self.sure,
        }


def recalled(schema: Schema, previous: State, state: State, user_text: str) -> Recalled | None:
    """What the message asks of what is known since before it; None where it asks something else."""
    asking = [clause for _, clause in acts.clauses(user_text[: MAX_READ + 1]) if _ASKS.search(clause)]
    if len(asking) != 1 or len(user_text) > MAX_READ:
        return None
    clause = asking[0]
    sure = _RECALLS.search(clause) is not None
    if not sure and _SAME_FORM.search(clause):
        return None
    asked = _Asked.of(clause, sure=sure)
    for name in reversed(list(state.services)):
        if schema.has_service(name):
            known = _stood(previous.service(name), state.service(name), schema.service(name))
            if slots := asked.slots(schema.service(name), known):
                language = lead_wording.language_of(user_text)
                values = {slot: (schema.service(name).slot(slot), known[slot]) for slot in slots}
                return Recalled(name, tuple(slots), lead_wording.recalled(values, language), sure)
    return None


def _stood(previous: ServiceState, state: ServiceState, service: Service) -> dict[str, str]:
    """The values that stood before the message and stand after it, in the schema's order."""
    return {
        slot.name: state.slots[slot.name].value
        for slot in service.slots
        if slot.name in state.slots
        and slot.name in previous.slots
        and previous.slots[slot.name].value == state.slots[slot.name].value
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question's words, and the kinds of values that its question word wants; none where it does not say. `may_be`:
    its words could ask what there is or may be, too."""

    words: frozenset[str]
    kinds: frozenset[str]
    sure: bool
    may_be: bool

    @classmethod
    def of(cls, clause: str, *, sure: bool) -> _Asked:
        may_be = _SAME_FORM.search(clause) is not None
        kinds = [kinds for pattern, kinds in _KINDS if pattern.search(clause)]
        return cls(_words_of([clause]), frozenset.intersection(*kinds) if kinds else frozenset(), sure, may_be)

    def slots(self, service: Service, known: dict[str, str]) -> list[str]:
        """The known slots that are asked for; all of them where no one of them is named and the question is sure."""
        about = [service.name, service.description, *(f"{i.name} {i.description}" for i in service.intents)]
        common = _words_of(about)
        asked = [name for name in known if self._fits(service.slot(name), common)]
        if not asked and self.sure and not self.kinds:
            words = self.words - _FILLERS
            asked = [name for name in known if self._names_part_of(name, words - common, words)]
            if not asked and words <= common:
                asked = list(known)
        return asked[:_MOST]

    def _names_part_of(self, name: str, beyond: frozenset[str], words: frozenset[str]) -> bool:
        """Whether the question names a part of the slot's name, "room" of "room type", and nothing else `beyond`."""
        own = _words_of([name])
        return not self.may_be and bool(own & words) and beyond <= own

    def _fits(self, slot: Slot, common: frozenset[str]) -> bool:
        own = _words_of([slot.name])
        if not self.words - _FILLERS <= own | common | _words_of([slot.description]):
            return False
        kinds = {slot.kind} if slot.kind else set[str | None]()
        spaced = " ".join(tokens_of(slot.name)) if not HAN.search(slot.name) else slot.name
        kinds |= {kind for kind, pattern in _KIND_WORDS.items() if pattern.search(spaced)}
        if "name" in kinds:  # "guest name" is no number of guests
            kinds = {"name"}
        if self.kinds and not self.kinds & kinds:
            return False
        if self.sure and self.kinds:
            return True
        of_kind = frozenset[str]()
        for kind in self.kinds - {"place", "name"}:  # "where is my order?" asks for no address
            of_kind |= _words_of(_KIND_WORDS[kind].findall(spaced))
        return bool(own) and own - of_kind <= self.words and bool(own & self.words or self.kinds)


def _words_of(texts: Iterable[str]) -> frozenset[str]:
    """Stems of the words that mean something, and single Chinese characters."""
    words: set[str] = set()
    for text in texts:
        words |= set(_FILLERS_HAN.sub("", text)) & set(HAN.findall(text))
        plain = HAN.sub(" ", text)
        words |= {stem(word) for word in tokens_of(plain) if word not in STOP or word in ("name", "type")}
    return frozenset(words)
