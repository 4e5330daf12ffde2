"""Bodies of requests over HTTP, right but for what is drawn at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

CHAT: dict[str, Any] = {"model": "antiphon", "messages": [{"role": "user", "content": "hi"}]}
RESPONSE: dict[str, Any] = {"model": "antiphon", "input": "hi"}
PARAMETERS = (
    "model", "messages", "input", "instructions", "stream", "stream_options", "max_tokens", "temperature", "top_p",
    "seed", "stop", "user", "metadata", "response_format", "antiphon", "n", "tools", "tool_choice",
    "previous_response_id", "conversation", "background", "text", "store", "rating", "comment", "edit",
    "constraints", "made_up",
)  # fmt: skip
KEYS = (
    "role", "content", "type", "text", "id", "format", "kind", "name", "function", "parameters", "arguments", "call_id",
    "output", "tool_calls", "tool_call_id", "properties", "anyOf", "$ref", "required",
)  # fmt: skip
texts = st.text(st.characters(), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.sampled_from(["user", "text", "message", "tool", "function", "function_call"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
changes = st.dictionaries(st.sampled_from(PARAMETERS), values, max_size=4)
