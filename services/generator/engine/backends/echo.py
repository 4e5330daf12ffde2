"""A backend that repeats the user's last words: load tests and transport tests without a model."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections import abc
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.generator.engine.sequence import Sequence

MARKERS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_MARKER = re.compile("|".join(map(re.escape, MARKERS)))
_WORD = re.compile(r"\s*\S+")
_SPECIAL = 0x110000  # the first number that is no code point
_END = _SPECIAL + MARKERS.index("<|im_end|>")
_PREFILL_PIECE = 4096
_CALL_PIECE = 8  # code points of a call that a step writes
_CALL_WORDS = 200  # code points of the message that go into arguments
_NAMING = 4  # letters of a word in a tool's name that a message calls it by


class EchoCodec:
    """Token ids are code points; template markers are ids above them. Needs no files."""

    end_ids: frozenset[int] = frozenset({_END, _SPECIAL + MARKERS.index("<|endoftext|>")})
    digest = "echo-code-points-1"

    def encode(self, text: str) -> list[int]:
        """Code points, each marker one id."""
        ids: list[int] = []
        at = 0
        for match in _MARKER.finditer(text):
            ids += map(ord, text[at : match.start()])
            ids.append(_SPECIAL + MARKERS.index(match.group()))
            at = match.end()
        ids += map(ord, text[at:])
        return ids

    def decode(self, ids: abc.Sequence[int]) -> str:
        """The code points' text; markers are left out."""
        return "".join(chr(i) for i in ids if 0 <= i < _SPECIAL)

    def token_bytes(self, token: int) -> bytes | None:
        """The code point in UTF-8; lone surrogates as a question mark."""
        return chr(token).encode("utf-8", "replace") if 0 <= token < _SPECIAL else b""


class EchoBackend:
    """Answers each draft with the words of its last user message, a word a step.

    `tokens` > 0 makes every reply that many words long (repeating or cutting the user's words), `step_ms` is how
    long a step takes; both are deterministic, so that a load test can subtract the engine's own time.

    Where a tool may be called it calls the first one that has a word of its name in the message, else, where one must
    be, the first; the arguments are the plainest that the schema takes, with the message as the first text among them.
    A JSON object that is due is made in the same way.

    `signed`: every word ends in `~PROCESS.NUMBER`, three hexadecimal digits of this engine's own and the number of the
    draft that it writes. Two attempts then never write alike, and text that is mixed of both is seen to be.
    """

    def __init__(
        self,
        capacity: int = 32,
        tokens: int = 0,
        step_ms: float = 0.0,
        context_limit: int = 65536,
        *,
        signed: bool = False,
    ) -> None:
        self._codec = EchoCodec()
        self._capacity = capacity
        self._context_limit = context_limit
        self._tokens = tokens
        self._step_seconds = step_ms / 1000
        self._open = 0
        self._process = secrets.token_hex(2)[:3] if signed else ""
        self._drafts = itertools.count(1)

    @property
    def codec(self) -> EchoCodec:
        """Code points."""
        return self._codec

    @property
    def capacity(self) -> int:
        """Rows open together."""
        return self._capacity

    @property
    def context_limit(self) -> int:
        """Code points of prompt and reply."""
        return self._context_limit

    @property
    def proposes(self) -> bool:
        """There are no likelihoods."""
        return False

    def admit(self, sequence: Sequence) -> bool:
        """Prepare the reply's words."""
        if self._open >= self._capacity:
            return False
        self._open += 1
        sequence.memory = iter(self._reply(self._codec, sequence))
        return True

    def prefill(self, sequences: abc.Sequence[Sequence], budget: int) -> int:
        """Count the prompt as computed; it costs nothing."""
        done = 0
        for sequence in sequences:
            count = min(sequence.missing, max(budget, _PREFILL_PIECE) - done)
            sequence.known += count
            done += count
        return done

    def step(self, sequences: abc.Sequence[Sequence]) -> list[list[int]]:
        """The next word of each sequence, or its end."""
        if self._step_seconds:
            time.sleep(self._step_seconds)
        answers = []
        for sequence in sequences:
            sequence.known = len(sequence.ids)
            answers.append(next(sequence.memory, [_END]))
        return answers

    def fork(self, sequence: Sequence, other: Sequence) -> bool:
        """Go on with the words that the sequence has left."""
        fresh = other.memory is None
        if fresh and self._open >= self._capacity:
            return False
        self._open += fresh
        sequence.memory, other.memory = itertools.tee(sequence.memory)
        other.known = sequence.known
        return True

    def release(self, sequence: Sequence, keep: bool) -> None:
        """Forget the sequence."""
        self._open -= 1
        sequence.memory = None

    def forget(self, tenant: str, session: str) -> None:
        """Nothing is remembered."""

    def prepare_version(self, adapter: object) -> object:
        """Every version answers alike."""
        return adapter

    def load_version(self, version: str, prepared: object) -> None:
        """Nothing to hold."""

    def unload_version(self, version: str) -> bool:
        """There is nothing to let go."""
        return True

    def load_head(self, name: str, head: object) -> None:
        """Words have no hidden state."""

    def unload_head(self, name: str) -> bool:
        """There is nothing to let go."""
        return True

    def figures(self) -> dict[str, float]:
        """Nothing but the open sequences."""
        return {"rows_open": float(self._open)}

    def close(self) -> None:
        """Nothing to free."""

    def _reply(self, codec: EchoCodec, sequence: Sequence) -> list[list[int]]:
        prompt = sequence.ids[: sequence.prompt_length]
        text = "".join(chr(i) if 0 <= i < _SPECIAL else MARKERS[i - _SPECIAL] for i in prompt if i >= 0)
        _, marker, last = text.rpartition("<|im_start|>user\n")
        said = (last if marker else text).split("<|im_end|>")[0]
        if call := self._call(said, sequence):
            return [codec.encode(call[at : at + _CALL_PIECE]) for at in range(0, len(call), _CALL_PIECE)]
        if (form := sequence.request.settings.form) is not None:
            text = self._object(said, sequence, form.grammar)
            return [codec.encode(text[at : at + _CALL_PIECE]) for at in range(0, len(text), _CALL_PIECE)]
        words = _WORD.findall(_MARKER.sub(" ", said)) or ["…"]
        if self._tokens:
            spaced = [words[0].strip(), *(word if word[0].isspace() else f" {word}" for word in words[1:])]
            words = [spaced[i % len(words)] for i in range(self._tokens)]
            words = [w if i == 0 or w[0].isspace() else f" {w}" for i, w in enumerate(words)]
        if self._process:
            sign = f"~{self._process}.{next(self._drafts)}"
            words = [word + sign for word in words]
        return [codec.encode(word) for word in words]

    @staticmethod
    def _object(said: str, sequence: Sequence, grammar: str) -> str:
        """The plainest JSON object of a grammar, with as much of the message in its first text as the limit takes."""
        from services.common.tools.grammar import completion

        bare = (completion(grammar) or b"{}").decode()
        room = sequence.request.settings.max_new_tokens - 1 - len(bare)
        words = _MARKER.sub(" ", said).strip()[:_CALL_WORDS]
        if room < len(words):
            sequence.cut_short()
        whole = completion(grammar, said=words[:room]) if room > 0 else None
        return whole.decode() if whole is not None else bare

    @staticmethod
    def _call(said: str, sequence: Sequence) -> str:
        """The call that answers a message; empty where none does."""
        tools = sequence.request.settings.tools
        if tools is None:
            return ""
        named = [tool for tool in tools.tools if _named(tool[0], said)]
        if not named and not tools.required:
            return ""
        from services.common.tools.grammar import completion

        chosen = replace(tools, tools=tuple(named[:1] or tools.tools[:1]))
        call = completion(chosen.grammar, said=said.strip()[:_CALL_WORDS])
        return call.decode() if call is not None else ""


def _named(tool: str, said: str) -> bool:
    words = re.split(r"[_-]", tool.casefold())
    return any(len(word) >= _NAMING and word in said.casefold() for word in words)
