"""Keeps a draft a JSON object: of the likeliest tokens only those that go on validly are left (RFC 8259)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.generator.decoding.words import BAN, Vocabulary, only
from services.generator.decoding.written import Written

if TYPE_CHECKING:
    from torch import Tensor

_CANDIDATES = 96
_LITERALS = ("true", "false", "null")
_SPACES = " \n\t\r"
_MOST_SPACES = 24
_DIGITS = 16


class State(NamedTuple):
    """Where a JSON text stands: open brackets, what comes next, and how much of a literal or number is written."""

    stack: str = ""
    mode: str = "value"
    part: str = ""
    spaces: int = 0


def advance(state: State, character: str) -> State | None:
    """The state after one more character; None where no JSON text goes on so."""
    inside = _INSIDE.get(state.mode)
    if inside is not None:
        return inside(state, character)
    if character in _SPACES:
        return state._replace(spaces=state.spaces + 1) if state.spaces < _MOST_SPACES else None
    return _BETWEEN[state.mode](state.stack, character)


def _in_text(state: State, character: str) -> State | None:
    """The state within a string or a key."""
    stack, mode, part, _ = state
    if part == "\\":
        return State(stack, mode) if character in '"\\/bfnrt' else None
    if character == "\\":
        return State(stack, mode, "\\")
    if character == '"':
        return State(stack, "colon" if mode == "key" else "after")
    return None if character < " " else State(stack, mode)


def _in_number(state: State, character: str) -> State | None:
    stack, mode, part, _ = state
    if character == "." and "." not in part and part != "-":
        return State(stack, mode, part + character)
    if _digit(character):
        return State(stack, mode, part + character) if len(part) < _DIGITS and part not in ("0", "-0") else None
    return advance(State(stack, "after"), character) if part[-1:].isdigit() else None


def _in_literal(state: State, character: str) -> State | None:
    whole = state.part + character
    if whole in _LITERALS:
        return State(state.stack, "after")
    return State(state.stack, "literal", whole) if any(word.startswith(whole) for word in _LITERALS) else None


def _value(stack: str, character: str) -> State | None:
    """The state after the first character of a value."""
    if character == "{":
        return State(stack + "{", "first key")
    if character == "[":
        return State(stack + "[", "first value")
    if not stack:
        return None  # the whole is an object or an array
    if character == '"':
        return State(stack, "string")
    if character == "-" or _digit(character):
        return State(stack, "number", character)
    return State(stack, "literal", character) if character in "tfn" else None


def _first_value(stack: str, character: str) -> State | None:
    return _closed(stack) if character == "]" else _value(stack, character)


def _key(stack: str, character: str) -> State | None:
    return State(stack, "key") if character == '"' else None


def _first_key(stack: str, character: str) -> State | None:
    return _closed(stack) if character == "}" else _key(stack, character)


def _colon(stack: str, character: str) -> State | None:
    return State(stack, "value") if character == ":" else None


def _after(stack: str, character: str) -> State | None:
    """The state after a value's end: a comma or the bracket's other half."""
    if not stack:
        return None
    if character == ",":
        return State(stack, "next key" if stack[-1] == "{" else "value")
    return _closed(stack) if character == ("}" if stack[-1] == "{" else "]") else None


def _nothing(stack: str, character: str) -> State | None:
    """The text has ended."""
    return None


def _closed(stack: str) -> State:
    """The state after the innermost bracket's other half."""
    return State(stack[:-1], "after" if stack[:-1] else "done")


def _digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


_INSIDE = {"string": _in_text, "key": _in_text, "number": _in_number, "literal": _in_literal}
_BETWEEN = {
    "value": _value, "first value": _first_value, "next key": _key, "first key": _first_key, "colon": _colon,
    "after": _after, "done": _nothing,
}  # fmt: skip


def read(state: State | None, text: str) -> State | None:
    """The state after a whole text."""
    for character in text:
        if state is None:
            return None
        state = advance(state, character)
    return state


def completion(state: State) -> str:
    """The shortest text that ends the JSON from here."""
    stack, mode, part, _ = state
    rest = ""
    if mode in ("string", "key"):
        rest = ('"' if part != "\\" else '\\"') + (": null" if mode == "key" else "")
    elif mode == "colon":
        rest = ": null"
    elif mode == "value" and stack:
        rest = " null"
    elif mode == "next key":
        rest = ' "": null'
    elif mode == "literal":
        rest = next(one for one in _LITERALS if one.startswith(part))[len(part) :]
    elif mode == "number" and not part[-1:].isdigit():
        rest = "0"
    return rest + "".join("}" if bracket == "{" else "]" for bracket in reversed(stack))


class JsonText:
    """The draft is one JSON object and ends with it."""

    def __init__(
        self, vocabulary: Vocabulary, written: Written, end_ids: frozenset[int], limit: int, opening: str = '{"'
    ) -> None:
        self._vocabulary = vocabulary
        self._written = written
        self._ends = list(end_ids)
        self._limit = limit
        self._queue = vocabulary.encode(opening)
        self._state: State | None = State()
        self._seen = 0

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Leave what keeps the text valid; close it in time."""
        if self._queue:
            return only(logits, self._queue.pop(0))
        text = self._written.text(generated)
        self._state = read(self._state, text[self._seen :])
        self._seen = len(text)
        if self._state is None or self._state.mode == "done":
            return only(logits, self._ends[0])
        rest = self._vocabulary.encode(completion(self._state))
        if len(generated) + len(rest) + 4 >= self._limit:
            first, *self._queue = rest
            return only(logits, first)
        top = logits.topk(min(_CANDIDATES, len(logits))).indices.tolist()
        fitting = [token for token in top if self._goes_on(token)]
        if not fitting:
            first, *self._queue = rest
            return only(logits, first)
        kept = logits[fitting].clone()
        logits.fill_(BAN)
        logits[fitting] = kept.masked_fill(~kept.isfinite(), 0.0)
        return logits

    def _goes_on(self, token: int) -> bool:
        spelling = self._vocabulary.spellings[token] if token < self._vocabulary.size else b""
        try:
            text = spelling.decode()
        except UnicodeDecodeError:
            return False
        return bool(text) and read(self._state, text) is not None
