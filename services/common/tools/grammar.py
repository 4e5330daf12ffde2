"""What JSON objects are held to while they are written, a call's arguments among them: grammars of llguidance, and a
short way to an end.

https://github.com/guidance-ai/llguidance: a parser that tells which tokens may come next. A schema's own references
resolve within it; nothing is ever fetched. Names that a schema leaves free may come twice, and `minProperties` counts
both.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from services.common.tools.calls import HEAD, MIDDLE, TAIL, read_call

MAX_DEPTH = 32
MOST_BYTES = 8_192  # of what is written to a text's end
_MOST_CHOICES = 1_024  # within one text
_END = 256
_CLOSING = b'}]",'
_DIGITS = b"1234567890"
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WITHIN = frozenset(_LETTERS) - frozenset(b"eEfnt")  # letters that stand within texts alone
_OTHERS = b": ._-/@"
_ANY = '{"type": "object", "minProperties": 1}'
_FORM = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_WHERE = re.compile(r"^at \d+\(\d+\): (?:failed to compile JSON schema: )?")


def json_fault(text: str) -> str:
    """Why a text is no JSON that is nested bearably, in words; empty where it is, or where there is none."""
    if not text.strip():
        return ""
    depth = deepest = 0
    for character in text:  # brackets in texts count too: a bound, not a measure
        depth += (character in "{[") - (character in "}]")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        return f"is nested {deepest} deep, at most {MAX_DEPTH}"
    try:
        json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        return f"is no JSON: {error}"
    return ""


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def schema_fault(parameters: str, *, strict: bool) -> str:
    """Why no object can be written by a schema, in words; empty where one can. Looked at once for each schema."""
    return _fault(parameters, strict)


def object_grammar(schema: str, *, strict: bool) -> str:
    """The grammar of a JSON object by a schema, which is JSON text; of any object where it is empty."""
    return str(LLMatcher.grammar_from_lark(f"start: %json {_schema(schema or _ANY, strict)}"))


def call_grammar(tools: Sequence[Mapping[str, Any]]) -> str:
    """The grammar of a call of one of the tools, each `{"name", "parameters", "strict"}`."""
    rules = [
        f"call_{number}: {_quoted(HEAD + tool['name'] + MIDDLE)} %json "
        f"{_schema(tool.get('parameters') or '', bool(tool.get('strict')))} {_quoted(TAIL)}"
        for number, tool in enumerate(tools)
    ]
    start = " | ".join(f"call_{number}" for number in range(len(tools)))
    return str(LLMatcher.grammar_from_lark("\n".join([f"start: {start}", *rules])))


def completion(grammar: str, written: bytes = b"", said: str = "", most: int = MOST_BYTES) -> bytes | None:
    """A short way to the end of a call that is begun; `said` is written into its first text that is free. None where
    the text is no such call, or where no end is found within `most` bytes.

    Values are the plainest that the grammar takes, and what need not be there is left out.
    """
    return Completions(grammar).after(written, said, most)


class Completions:
    """`completion` of a text that grows."""

    def __init__(self, grammar: str) -> None:
        self._matcher = LLMatcher(_bytes(), grammar, log_level=0)
        self._known = 0

        self.fault = ""

    def after(self, written: bytes, said: str = "", most: int = MOST_BYTES) -> bytes | None:
        """The way to the end of `written`, which begins with what was asked about before. Where there is none, `fault`
        says why; it is empty where only a text's pattern was not met, which a model may know how to meet."""
        fresh = list(written[self._known :])
        self._known = len(written)
        self.fault = ""
        if self._matcher.is_error() or not self._matcher.consume_tokens(fresh):
            return None
        words = re.sub(r'["\\\x00-\x1f]', "'", said).encode()
        for letters in (_LETTERS, _LETTERS[::-1]):  # the other way round where a schema holds itself
            walk = _Walk(self._matcher.deep_copy(), _DIGITS + letters + _OTHERS, words, most)
            ending = walk.to_end()
            if ending is not None:
                return ending
        self.fault = walk.fault()
        return None


class _Walk:
    """A way through a grammar, byte by byte."""

    def __init__(self, matcher: Any, order: bytes, said: bytes, most: int) -> None:
        self._matcher = matcher
        self._order = order
        self._said = said
        self._most = most
        self._way = bytearray()
        self._used: Counter[int] = Counter()  # in the text or number that the way is in
        self._before: Set[int] = frozenset()  # what might stand at the choice before

    def to_end(self) -> bytes | None:
        """The way; None where there is none that is short enough."""
        matcher = self._matcher
        while len(self._way) < self._most and self._used.total() < _MOST_CHOICES and not matcher.is_error():
            if matcher.is_accepting():
                return bytes(self._way)
            step = matcher.compute_ff_bytes() or self._choice(_allowed(matcher.compute_bitmask()))
            if not step or not matcher.consume_tokens(list(step)):
                return None
            self._way += step
            if b'"' in step:
                self._used.clear()
        return None

    def fault(self) -> str:
        """Why there is no way, in words; empty where it was lost within one text."""
        if self._matcher.is_error():
            return "is too large, or holds itself without an end"
        if len(self._way) >= self._most:
            return f"has no object of at most {self._most} bytes"
        return ""

    def _choice(self, allowed: Set[int]) -> bytes:
        """The next byte: words where any may stand, what closes, else what was used least: a text that must be of some
        form comes to the rest of its form so, the sooner by what may stand there only now."""
        if ord('"') in allowed and ord(" ") in allowed:  # within a text that may say anything
            first, self._said = self._said[:1], self._said[1:]
            if first and first[0] in allowed:
                return first
            self._said = b""
            return b'"'
        within = not allowed.isdisjoint(_WITHIN)
        closing = next((byte for byte in (b'"' if within else _CLOSING) if byte in allowed), None)
        if closing is not None:
            self._used.clear()
            return bytes([closing])
        newly = allowed - self._before if within else allowed
        self._before = allowed
        ordered = (
            [byte for byte in self._order if byte in newly]
            or [byte for byte in self._order if byte in allowed]
            or sorted(allowed)
        )
        if not ordered:
            return b""
        byte = min(ordered, key=lambda byte: self._used[byte])
        self._used[byte] += 1
        return bytes([byte])


def argument_fault(tool: Mapping[str, Any], arguments: str) -> bool:
    """Whether arguments are none that the tool's grammar writes."""
    matcher = LLMatcher(_bytes(), call_grammar([tool]), log_level=0)
    text = f"{HEAD}{tool['name']}{MIDDLE}{arguments}{TAIL}"
    return read_call(text) is None or not matcher.consume_tokens(list(text.encode())) or not matcher.is_accepting()


@lru_cache(maxsize=64)
def plainest(grammar: str) -> bytes | None:
    """`completion` of nothing: the plainest text that the grammar takes."""
    return completion(grammar)


@lru_cache(maxsize=512)  # of 32 kB each at most
def _fault(parameters: str, strict: bool) -> str:
    try:
        grammar = call_grammar([{"name": "tool", "parameters": parameters, "strict": strict}])
    except RecursionError:
        return "is nested too deeply"
    except ValueError as error:
        return str(error)
    faulty, messages = LLMatcher.validate_grammar_with_warnings(grammar, _bytes())
    if not faulty:
        endings = Completions(grammar)
        return "" if endings.after(b"") is not None else endings.fault
    return _WHERE.sub("", str(messages[0])).split("\n   1 |")[0].strip()[:300]


def _schema(parameters: str, strict: bool) -> str:
    """The schema as the grammar takes it: objects alone, and one way to set white space.

    Raises ValueError, saying what is wrong.
    """
    schema = json.loads(parameters) if parameters.strip() else {"type": "object", "additionalProperties": False}
    if not isinstance(schema, dict):
        raise ValueError("must be a JSON object")
    if schema.get("type", "object") != "object":
        raise ValueError("must be of type object")
    kept = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "x-guidance")}
    form = _FORM if strict else {**_FORM, "lenient": True, "coerce_one_of": True}
    return json.dumps({"type": "object", **kept, "x-guidance": form})


def _quoted(text: str) -> str:
    return json.dumps(text)


def _allowed(mask: bytes) -> frozenset[int]:
    return frozenset(byte for byte in range(_END) if mask[byte >> 3] >> (byte & 7) & 1)


class _Bytes:
    """A vocabulary of the single bytes."""

    eos_token_id = _END
    bos_token_id = None
    tokens = (*(bytes([byte]) for byte in range(_END)), b"\xff[256]")
    special_token_ids = (_END,)

    def __call__(self, text: bytes | str) -> list[int]:
        """The bytes of a text."""
        return list(text.encode() if isinstance(text, str) else text)


@lru_cache(maxsize=1)
def _bytes() -> Any:
    return LLTokenizer(TokenizerWrapper(_Bytes()))
