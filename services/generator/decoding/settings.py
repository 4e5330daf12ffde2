"""How one draft is decoded: what a turn asks for over the worker's defaults."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.constraints import Constraint
from services.common.reply_format import reply_format
from services.common.tools.calls import call_due
from services.generator.decoding.json_object import JsonObject
from services.generator.decoding.tool_calls import CallableTools
from services.generator.settings import GeneratorSettings


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How one draft is decoded; it is data, and belongs in the manifest.

    Zero `temperature` is greedy. A draw is among the `top_k` likeliest tokens (0: all), of these among those at least
    `min_p` as likely as the likeliest, of these among the likeliest that have `top_p` together. `seed` makes sampling
    repeatable for the sequence whatever its company. `stop` are texts that end the draft and are cut from it; the
    template's end ids always end it. `forbid` words never appear; `include` words are boosted, more as the draft grows
    without them; `constraints` shape the draft (see `services.generator.decoding`). `refuse` are values that the draft
    must not tell, by the first token that tells them from the texts in `allow`. `tools` are those that the draft may or
    must call. `form` is the JSON object that the draft is, unless it is a call. `scored` asks for the draft's
    log-likelihood.
    """

    max_new_tokens: int = 256
    min_new_tokens: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    scored: bool = False
    refuse: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    tools: CallableTools | None = None
    form: JsonObject | None = None

    def __post_init__(self) -> None:
        """Refuse values that have no meaning.

        Raises:
            ValueError: names the field.
        """
        if self.max_new_tokens < 1:
            raise ValueError("max_new_tokens must be at least 1")
        if self.temperature < 0:
            raise ValueError("temperature must not be negative")
        if not 0 < self.top_p <= 1:
            raise ValueError("top_p must be in (0, 1]")
        if self.top_k < 0:
            raise ValueError("top_k must not be negative")
        if not 0 <= self.min_p < 1:
            raise ValueError("min_p must be in [0, 1)")
        if self.repetition_penalty <= 0:
            raise ValueError("repetition_penalty must be positive")

    def to_json(self) -> dict[str, Any]:
        """The settings as a turn asks for them and a manifest names them."""
        return {
            "max_tokens": self.max_new_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty,
            "stop": list(self.stop),
            "constrained": bool(self.constraints),
        }


def decode_settings(turn: Mapping[str, Any], worker: GeneratorSettings) -> DecodeSettings:
    """The turn's own settings over the worker's defaults. The seed is a function of turn and round, so that another
    attempt writes the same."""
    own = turn.get("settings") or {}
    digest = hashlib.sha256(f"{turn['_id']}:{turn['round']}".encode()).digest()
    return DecodeSettings(
        max_new_tokens=int(own.get("max_tokens") or worker.reply_tokens),
        temperature=float(own.get("temperature", worker.temperature)),
        top_p=float(own.get("top_p", 1.0)),
        top_k=int(own.get("top_k", 0)),
        min_p=float(own.get("min_p", 0.0)),
        repetition_penalty=float(own.get("repetition_penalty", worker.repetition_penalty)),
        seed=int(own.get("seed", int.from_bytes(digest[:4], "big"))),
        stop=tuple(own.get("stop", ())),
        tools=callable_tools(turn),
        form=json_object(turn),
    )


def json_object(turn: Mapping[str, Any]) -> JsonObject | None:
    """The JSON object that the turn's reply is held to be; None where it is words."""
    chosen = reply_format(turn)
    if chosen is None:
        return None
    return JsonObject(str(chosen.get("schema") or ""), bool(chosen.get("strict")), str(chosen.get("name") or ""))


def callable_tools(turn: Mapping[str, Any]) -> CallableTools | None:
    """The tools that the turn's reply may call; None where it may call none."""
    if not call_due(turn):
        return None
    offer = turn["offer"]
    wanted = [tool for tool in offer["tools"] if not offer.get("name") or tool["name"] == offer["name"]]
    tools = tuple((tool["name"], tool.get("parameters") or "", bool(tool.get("strict"))) for tool in wanted)
    described = tuple(tool.get("description") or "" for tool in wanted)
    return CallableTools(tools, offer.get("choice") == "required", described)
