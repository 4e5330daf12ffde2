"""Where a service dialogue goes next: the slot to ask for, the value to confirm, the summary, or that all is there.

Pure: state, schema, the message and the step before give the next one. An intent is led until everything it requires is
known; then it is read back once, and a yes makes it ready.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from services.common.schema import Intent, Schema, Service, Slot
from services.tracker.domain import acts, lead_wording
from services.tracker.domain.asking import asks_before_a_form, asks_too, wishes
from services.tracker.domain.state import COPIED, ServiceState, SlotValue, State

Act = Literal["ask", "confirm", "summarise", "ready"]
_MOST_ASKED = 2
"""Times in a row that a slot is asked for before another one is; it comes back afterwards."""
_KEPT = 40
"""Slots remembered as asked for."""
_LEAVING = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|no|thanks?|thank you|bye|goodbye|see you|that['’]?s all|谢谢|再见|不用了)\W*){1,4}$", re.I
)

_PLEASED = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|that['’]?s|that is|this is|looks?|sounds?)\W+)*(?:all )?"
    r"(?:lovely|great|perfect|wonderful|super|excellent|brilliant|splendid|marvell?ous|fantastic|good|fine|right|correct"
    r"|太好了|很好|没错|没问题)"
    r"(?:\W+(?:thanks?|thank you|thx|cheers|so much|very much|a lot|then|to me|谢谢))*\W*$",
    re.I,
)
"""Whoever says only this of what was read back to them agrees."""


@dataclass(frozen=True, slots=True)
class Lead:
    """The next step of a service dialogue.

    `slot` is what `ask` and `confirm` are about, `values` what the intent will be done with (only where everything it
    requires is known), `confirmed` whether the user said yes to it. `text` is its wording in the user's language.
    `alone`: it is the whole reply; otherwise it follows an answer, because the user asked something too. `wished`: the
    user wished for it, or it goes on with what was led before; otherwise they only named it, and may want to be told
    something ("the 120 litre bin, max weight"). `asked` are
    the slots asked for so far, `done` the intents that were ready.
    """

    act: Act
    service: str
    intent: str
    text: str
    slot: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    confirmed: bool = False
    alone: bool = True
    asked: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    wished: bool = True

    @property
    def complete(self) -> bool:
        """Whether everything that the intent requires is known."""
        return self.act in ("summarise", "ready")

    def to_json(self) -> dict[str, Any]:
        """What a state document keeps as its `lead`."""
        return {
            "act": self.act,
            "service": self.service,
            "intent": self.intent,
            "text": self.text,
            "slot": self.slot,
            "values": dict(self.values),
            "confirmed": self.confirmed,
            "alone": self.alone,
            "asked": list(self.asked),
            "done": list(self.done),
            "wished": self.wished,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | None) -> Lead | None:
        """The lead that `to_json` made; None where there is none."""
        if not document:
            return None
        return cls(
            act=document["act"],
            service=document["service"],
            intent=document["intent"],
            text=document.get("text") or "",
            slot=document.get("slot"),
            values=dict(document.get("values") or {}),
            confirmed=bool(document.get("confirmed")),
            alone=bool(document.get("alone", True)),
            asked=tuple(document.get("asked") or ()),
            done=tuple(document.get("done") or ()),
            wished=bool(document.get("wished", True)),
        )


def lead(schema: Schema, previous: State, state: State, before: Lead | None, user_text: str) -> Lead | None:
    """The step after the user's message; None where nothing is to be led.

    `previous` and `state` are the states before and after the message, `before` the step that the reply before took.
    """
    asked = before.asked if before else ()
    done = before.done if before else ()
    news = _news(previous, state)
    asks = asks_too(user_text, news=news)
    answers = before is not None and (before.act in ("summarise", "confirm") or news)
    if _LEAVING.match(user_text) and not answers:
        return None
    for name in reversed(list(state.services)):
        content = state.services[name]
        if not schema.has_service(name) or content.intent is None:
            continue
        service = schema.service(name)
        intent = next((i for i in service.intents if i.name == content.intent), None)
        if intent is None or not (intent.required or intent.confirm or intent.done):
            continue
        led = before is not None and (before.service, before.intent) == (service.name, intent.name)
        if not led and (asks or asks_before_a_form(user_text)):  # who asks about a thing does not order it yet
            continue
        step = _Step(service, intent, content, before, lead_wording.language_of(user_text), user_text)
        found = step.next(asked, done, alone=not asks)
        if found is not None:
            return found if led or wishes(user_text) else replace(found, wished=False)
    return None


@dataclass(frozen=True, slots=True)
class _Step:
    """One intent and what is known of it."""

    service: Service
    intent: Intent
    content: ServiceState
    before: Lead | None
    language: str
    user_text: str

    def next(self, asked: tuple[str, ...], done: tuple[str, ...], *, alone: bool) -> Lead | None:
        """The intent's next step; None where it was ready before and nothing has changed since."""
        missing = [name for name in self.intent.required if name not in self.content.slots]
        if missing:
            name = self._wanted(missing, asked)
            slot = self.service.slot(name)
            return self._lead("ask", lead_wording.question(slot, self.language), (*asked, name), done, alone, name)
        for name, value in self.content.slots.items():
            mark = f"{name}={value.value}"
            if self.service.has_slot(name) and mark not in asked and _unsure(self.service.slot(name), value):
                text = lead_wording.confirmation(self.service.slot(name), value.value, self.language)
                return self._lead("confirm", text, (*asked, mark), done, alone, name)
        return self._complete(asked, done, alone)

    def _complete(self, asked: tuple[str, ...], done: tuple[str, ...], alone: bool) -> Lead | None:
        slots = self._filled()
        values = {name: value for name, (_, value) in slots.items()}
        mark = f"{self.service.name}.{self.intent.name}"
        mine = self.before is not None and (self.before.service, self.before.intent) == (
            self.service.name,
            self.intent.name,
        )
        if mark in done and not (mine and self.before and self.before.values and dict(self.before.values) != values):
            return None
        if mine and self.before and self.before.act == "summarise" and dict(self.before.values) == values:
            if acts.affirms(self.user_text) or _PLEASED.match(self.user_text):
                text = lead_wording.done(self.intent, slots, self.language)
                return self._lead("ready", text, asked, (*done, mark), alone, None, values, confirmed=True)
            if acts.denies(self.user_text):
                return self._lead("ask", lead_wording.change_asked(self.language), asked, done, alone)
        text = lead_wording.summary(self.intent, slots, self.language)
        return self._lead("summarise", text, asked, done, alone, None, values)

    def _wanted(self, missing: list[str], asked: tuple[str, ...]) -> str:
        """The first missing slot that was not asked for in vain just now."""
        recent = asked[-_MOST_ASKED:]
        tired = {recent[0]} if len(recent) == _MOST_ASKED and len(set(recent)) == 1 else set[str]()
        return next((name for name in missing if name not in tired), missing[0])

    def _filled(self) -> dict[str, tuple[Slot, str]]:
        """The service's slots that are known, those of the intent first and in its order."""
        order = [*self.intent.required, *self.intent.optional, *(slot.name for slot in self.service.slots)]
        known = self.content.slots
        return {name: (self.service.slot(name), known[name].value) for name in dict.fromkeys(order) if name in known}

    def _lead(
        self,
        act: Act,
        text: str,
        asked: tuple[str, ...],
        done: tuple[str, ...],
        alone: bool,
        slot: str | None = None,
        values: Mapping[str, str] | None = None,
        *,
        confirmed: bool = False,
    ) -> Lead:
        return Lead(
            act, self.service.name, self.intent.name, text, slot, values or {}, confirmed, alone, asked[-_KEPT:], done
        )


def _unsure(slot: Slot, value: SlotValue) -> bool:
    """Whether a value is better confirmed: it was carried over, or is an hour that could be morning or evening."""
    if value.origin == COPIED:
        return True
    return slot.kind == "time" and re.fullmatch(r"\d{1,2}", value.value) is not None and int(value.value) <= 12


def _news(previous: State, state: State) -> bool:
    """Whether the message changed a slot's value or an intent."""
    changed = {(s, k, v.value) for s, k, v in state.filled()} != {(s, k, v.value) for s, k, v in previous.filled()}
    intents = {s: c.intent for s, c in state.services.items()} != {s: c.intent for s, c in previous.services.items()}
    return changed or intents
