"""What is sent to a server of chat completions and what its stream says, in each dialect.

Only the fields that are named here are ever sent: a server that does not know one may refuse the request, and one that
knows it may do with it what nobody has tried.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.common.tools.calls import HEAD, MIDDLE, TAIL
from services.generator.decoding.json_object import JsonObject
from services.generator.decoding.settings import DecodeSettings
from services.generator.decoding.tool_calls import CallableTools
from services.generator.engine.draft_engine import Ability
from services.generator.engine.request import FinishReason
from services.generator.engine.upstream.shaping import Means, shaping

Dialect = Literal["llama.cpp", "vllm", "openai"]
_NO_ARGUMENTS = '{"type": "object", "properties": {}}'
_STOPS = 4
"""Stop strings that OpenAI's interface takes; all of them are looked for here too."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one event of a stream adds; `usage` is (prompt, reused, completion) where the server tells, `likelihoods`
    the tokens' log-probabilities where they were asked for."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: tuple[int, int, int] | None = None
    likelihoods: tuple[float, ...] = ()


class UnreadableStream(ValueError):
    """A stream says what no chat completion says."""


def chat_body(
    model: str,
    messages: Sequence[dict[str, str]],
    settings: DecodeSettings,
    dialect: Dialect,
    abilities: frozenset[Ability],
    means: frozenset[Means],
) -> dict[str, Any]:
    """The request for a streamed reply."""
    body: dict[str, Any] = {
        "model": model,
        "messages": list(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": settings.max_new_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
    }
    if "seeds" in abilities:
        body["seed"] = settings.seed % 2**31
    if settings.stop:
        body["stop"] = list(settings.stop[:_STOPS])
    if "sampling" in abilities:
        penalty = "repeat_penalty" if dialect == "llama.cpp" else "repetition_penalty"
        body |= {"top_k": settings.top_k, "min_p": settings.min_p, penalty: settings.repetition_penalty}
    if settings.scored and "scores" in abilities:
        body["logprobs"] = True
    if dialect == "llama.cpp":
        body["cache_prompt"] = True
    if settings.tools is not None:
        return body | tools_fields(settings.tools)
    if settings.form is not None:
        return body | format_fields(settings.form) | shaping(replace(settings, constraints=()), means)
    return body | shaping(settings, means)


def tools_fields(tools: CallableTools) -> dict[str, Any]:
    """The fields that offer tools, which the server's own template puts into words."""
    described = zip(tools.tools, tools.descriptions or ("",) * len(tools.tools), strict=True)
    functions = [
        {"name": name, "description": description, "parameters": json.loads(parameters or _NO_ARGUMENTS)}
        for (name, parameters, _), description in described
    ]
    return {
        "tools": [{"type": "function", "function": function} for function in functions],
        "tool_choice": "required" if tools.required else "auto",
        "parallel_tool_calls": False,
    }


def format_fields(form: JsonObject) -> dict[str, Any]:
    """The fields that ask for a JSON object."""
    if not form.schema:
        return {"response_format": {"type": "json_object"}}
    held = {"name": form.name or "reply", "schema": json.loads(form.schema), "strict": form.strict}
    return {"response_format": {"type": "json_schema", "json_schema": held}}


class StreamReader:
    """Reads the lines of one stream of server-sent events."""

    def __init__(self) -> None:
        self._utf16 = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._spoken = False
        self._called = False
        self.complete = False
        """Whether the server said that the reply has ended."""

    def read(self, line: str) -> Chunk | None:
        """What a line adds; None for a line that adds nothing. Raises UnreadableStream."""
        if not line.startswith("data:"):
            return None
        data = line[5:].strip()
        if data == "[DONE]":
            self.complete = True
            return None
        try:
            event = json.loads(data)
        except ValueError as error:
            raise UnreadableStream("an event is no JSON") from error
        if not isinstance(event, dict) or "error" in event:
            raise UnreadableStream("an event tells of an error" if isinstance(event, dict) else "an event is no object")
        try:
            return self._chunk(event)
        except (TypeError, KeyError, AttributeError, IndexError, ValueError) as error:
            raise UnreadableStream("an event has another shape than a chat completion's") from error

    def _chunk(self, event: dict[str, Any]) -> Chunk:
        usage = event.get("usage") or None
        counts = None
        if usage is not None:
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            counts = (int(usage["prompt_tokens"]), int(cached), int(usage.get("completion_tokens") or 0))
        choices = event.get("choices") or []
        if not choices:
            return Chunk(usage=counts)
        delta = choices[0].get("delta") or {}
        reason = choices[0].get("finish_reason")
        text = self._call(delta.get("tool_calls") or (), ended=reason in ("stop", "tool_calls"))
        if not self._called:
            text = delta.get("content") or ""
            self._spoken = self._spoken or bool(text.strip())
        if reason is not None:
            self.complete = True
        finish: FinishReason | None = None if reason is None else "length" if reason == "length" else "stop"
        told = (choices[0].get("logprobs") or {}).get("content") or ()
        return Chunk(self._whole(text), finish, counts, tuple(float(token["logprob"]) for token in told))

    def _call(self, pieces: Sequence[dict[str, Any]], *, ended: bool) -> str:
        """More of the call as a reply's text has it: the first one, and none after words. What stands in a reply beside
        its call is left out."""
        text = ""
        for piece in pieces:
            function = piece.get("function") or {}
            if self._spoken or (piece.get("index") or 0) > 0:
                continue
            if not self._called and function.get("name"):
                self._called = True
                text += HEAD + str(function["name"]) + MIDDLE
            text += str(function.get("arguments") or "") if self._called else ""
        return text + (TAIL if self._called and ended else "")

    def _whole(self, text: str) -> str:
        """Whole code points: half of a surrogate pair waits for the other half."""
        return self._utf16.decode(text.encode("utf-16-le", "surrogatepass"))
