"""What a led dialogue says: questions, read-backs and summaries, the schema's own words first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from services.common.schema import Intent, Slot, Wordings
from services.tracker.domain.state import DONTCARE
from services.tracker.domain.words import HAN

ENGLISH, CHINESE = "en", "zh"
_READ_BACK = ("Let me read that back:", "我确认一下：")
_MOST_CHOICES = 7
_YOURS = re.compile(
    r"^(?P<what>[\w -]{1,40}?) of the (?:customer|client|user|guest|caller|patient|member|passenger|owner)$", re.I
)
_WANTED = re.compile(
    r"^(?P<what>[\w -]{1,40}?) (?:(?:that )?the (?:customer|client|user|guest|caller) (?:wants|needs|would like))$",
    re.I,
)
_THEIR = re.compile(
    r"\bthe (?:customer|client|user|guest|caller)(?P<own>['’]s)?\b(?! (?:card|number|account|id|code)\b)", re.I
)
_QUESTION_WORD = re.compile(r"^(?:how|what|which|where|when|who)\b", re.I)
_LED_QUESTION = re.compile(r"^(?:for|from|on|at|in|to|by|with|until) (?:how|which|what|whom)\b", re.I)
_ASKS_ALREADY = re.compile(
    r"^(?:(?:how (?:many|much|long)|which|what|who)\b.{1,60}|(?:where|when|how|what) (?:is|are|do|does|did|should"
    r"|shall|will|can)\b.*)$",
    re.I,
)
_PLACEHOLDER = re.compile(r"\{([^{}]{1,80})\}")


def language_of(text: str) -> str:
    """The language to answer a message in: Chinese where it is written in it, else English."""
    return CHINESE if HAN.search(text) else ENGLISH


def question(slot: Slot, language: str) -> str:
    """Asks for a slot."""
    own = pick(slot.question, language)
    if own:
        return own
    return _chinese_question(slot) if language == CHINESE else _english_question(slot)


def confirmation(slot: Slot, value: str, language: str) -> str:
    """Asks whether a value was understood rightly."""
    if language == CHINESE:
        return f"{_label(slot, language)}是{value}，对吗？"
    return f"{_first_up(_label(slot, language))}: {value}, is that right?"


def summary(intent: Intent, slots: Mapping[str, tuple[Slot, str]], language: str) -> str:
    """Reads back what an intent will be done with, and asks whether to go on."""
    own = pick(intent.confirm, language)
    if own:
        return filled(own, slots)
    listed = _listed(slots, language)
    if language == CHINESE:
        return f"{_READ_BACK[1]}{listed}。可以吗？"
    return f"{_READ_BACK[0]} {listed}. Shall I go ahead?"


def recalled(slots: Mapping[str, tuple[Slot, str]], language: str) -> tuple[str, ...]:
    """Tells what is known, a sentence a slot."""
    if language == CHINESE:
        return tuple(
            f"{_label(s, language)}：{'不限' if value == DONTCARE else value}。" for s, value in slots.values()
        )
    said = ((_first_up(_label(slot, language)), value) for slot, value in slots.values())
    return tuple(f"{label}: {'as you like' if value == DONTCARE else value}." for label, value in said)


def reads_back(text: str, intents: Sequence[Intent]) -> bool:
    """Whether a reply is the assistant's own read-back: what it names is known already."""
    openings = [template.partition("{")[0] for intent in intents for _, template in intent.confirm]
    return any(opening in text for opening in (*_READ_BACK, *openings) if len(opening) > 3)


def done(intent: Intent, slots: Mapping[str, tuple[Slot, str]], language: str) -> str:
    """Says that everything is there and goes on its way."""
    own = pick(intent.done, language)
    if own:
        return filled(own, slots)
    return "好的，信息已齐全，我这就为您处理。" if language == CHINESE else "Thank you, I have everything I need."


def change_asked(language: str) -> str:
    """Asks what of a summary is wrong."""
    return "请问哪里需要修改？" if language == CHINESE else "What should I change?"


def pick(wordings: Wordings, language: str) -> str:
    """The wording in the language, else the one for any language; empty where the schema has none."""
    known = dict(wordings)
    return known.get(language) or known.get("") or ""


def filled(template: str, slots: Mapping[str, tuple[Slot, str]]) -> str:
    """A wording with each `{slot}` replaced by its value; nothing where it has none."""
    return _PLACEHOLDER.sub(lambda match: slots[match[1]][1] if match[1] in slots else "", template)


def _english_question(slot: Slot) -> str:
    words = _label(slot, ENGLISH)
    if slot.values and slot.kind != "boolean":
        names = list(slot.value_names)
        if len(names) <= _MOST_CHOICES:
            return (
                f"Which {words} would you like: {', '.join(names[:-1])} or {names[-1]}?"
                if len(names) > 1
                else (f"Is it {names[0]}?")
            )
        return f"Which {words} would you like?"
    described = _addressed(slot.description.strip().rstrip(".?"))
    if described.lower().startswith("whether"):
        return f"Could you tell me {_first_down(described)}?"
    if slot.kind == "boolean":
        return f"Do you need this: {words}?"
    if _LED_QUESTION.match(described):
        return f"{_first_up(described)}?"
    if _QUESTION_WORD.match(described):
        if _ASKS_ALREADY.match(described):
            return f"{_first_up(described)}?"
        return f"Could you tell me {_first_down(described)}?"
    return f"What is {_phrase(slot, described)}?"


def _phrase(slot: Slot, described: str) -> str:
    """A slot as a noun phrase that a question can end in."""
    if not described or len(described) > 60 or HAN.search(described) or not re.match(r"^[A-Za-z]", described):
        return f"the {_label(slot, ENGLISH)}"
    yours, wanted = _YOURS.match(slot.description.strip().rstrip(".")), _WANTED.match(slot.description.strip())
    if yours:
        return "your " + _first_down(re.sub(r"^the ", "", yours["what"], flags=re.I))
    if wanted:
        return f"{_with_article(wanted['what'])} you want"
    return _with_article(described)


def _with_article(phrase: str) -> str:
    return _first_down(phrase) if re.match(r"^(?:the|your|an?|my) ", phrase, re.I) else f"the {_first_down(phrase)}"


def _addressed(described: str) -> str:
    """A description that speaks of the customer, said to the customer."""
    return _THEIR.sub(lambda match: "your" if match["own"] else "you", described)


def _chinese_question(slot: Slot) -> str:
    label = _label(slot, CHINESE)
    if slot.values and slot.kind != "boolean":
        if len(slot.values) <= _MOST_CHOICES:
            return f"请问{label}选哪一种：{'、'.join(slot.value_names)}？"
        return f"请问{label}是哪一种？"
    if slot.kind == "boolean":
        return f"请问是否需要{label.removeprefix('是否').removeprefix('需要')}？"
    endings = {"date": "是哪一天", "time": "是几点", "number": "是多少", "name": "怎么写"}
    return f"请问{label}{endings.get(slot.kind or '', '是什么')}？"


def _label(slot: Slot, language: str) -> str:
    """A slot's name as words."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", slot.name).replace("_", " ").replace("-", " ")
    return spaced.strip() if language == CHINESE else spaced.strip().lower()


def _listed(slots: Mapping[str, tuple[Slot, str]], language: str) -> str:
    parts = []
    for slot, value in slots.values():
        if language == CHINESE:
            parts.append(f"{_label(slot, language)}{'不限' if value == DONTCARE else '：' + value}")
        else:
            parts.append(f"{_label(slot, language)} {'as you like' if value == DONTCARE else value}")
    return ("，" if language == CHINESE else ", ").join(parts)


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _first_down(text: str) -> str:
    """The text with its first letter small, unless it is the first of an abbreviation or a name."""
    return text if re.match(r"^[A-Z]{2}|^I\b", text) else text[:1].lower() + text[1:]
