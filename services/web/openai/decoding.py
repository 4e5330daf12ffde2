"""Sampling parameters, as OpenAI names them, and the contract's settings."""

from __future__ import annotations

from antiphon.v1.common_pb2 import (
    REPLY_POLICY_FREE,
    REPLY_POLICY_GROUNDED,
    REPLY_POLICY_QUOTE,
    REPLY_POLICY_UNSPECIFIED,
    DecodingSettings,
    ReplyPolicy,
)

from services.web.openai.body import Body, checked_text, refuse

MAX_STOPS, MAX_STOP = 8, 200
MAX_TOKENS = 100_000
POLICIES: dict[str, ReplyPolicy.ValueType] = {
    "": REPLY_POLICY_UNSPECIFIED,
    "quote": REPLY_POLICY_QUOTE,
    "grounded": REPLY_POLICY_GROUNDED,
    "free": REPLY_POLICY_FREE,
}


def decoding_settings(body: Body, most_tokens: tuple[str, ...], reply_policy: str = "") -> DecodingSettings:
    """The settings that a body asks for. ``most_tokens`` are the names that the limit of tokens may have."""
    settings = DecodingSettings(reply_policy=POLICIES[reply_policy])
    for name in most_tokens:
        if (tokens := body.integer(name, 1, MAX_TOKENS)) is not None:
            settings.max_tokens = tokens
    if (temperature := body.number("temperature", 0, 2)) is not None:
        settings.temperature = temperature
    if (share := body.number("top_p", 0, 1)) is not None:
        if share == 0:
            refuse(body.name("top_p"), "must be above 0")
        settings.top_p = share
    if (seed := body.integer("seed", -(2**63), 2**63 - 1)) is not None:
        settings.seed = seed
    settings.stop.extend(_stops(body))
    return settings


def _stops(body: Body) -> list[str]:
    stop = body.raw("stop")
    if stop is None:
        return []
    texts = [stop] if isinstance(stop, str) else body.items("stop", MAX_STOPS)
    checked = [checked_text(body.name("stop"), text, most=MAX_STOP) for text in texts]
    if not all(checked):
        refuse(body.name("stop"), "holds an empty text")
    return checked


def reply_policy(body: Body) -> str:
    """How far the reply may leave the evidence: quote, grounded, free, or empty for the server's."""
    policy = body.text("reply_policy")
    if policy not in POLICIES:
        refuse(body.name("reply_policy"), f"must be one of {', '.join(filter(None, POLICIES))}")
    return policy
