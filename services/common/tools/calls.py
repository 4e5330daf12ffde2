"""How a call of a tool and what came of it stand in texts: the form that open models were trained on.

A reply that is a call is nothing but `call_text`, so that its text says all there is: a stream that breaks off, a
worker that goes on from another one's place and a history need no more than any other text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPENING = "<tool_call>"
HEAD = OPENING + '\n{"name": "'
MIDDLE = '", "arguments": '
TAIL = "}\n</tool_call>"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CALL = re.compile(re.escape(HEAD) + f"({NAME.pattern})" + re.escape(MIDDLE))


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as far as it is written: its tool, where its arguments begin in the text, in code points, and the
    arguments. `whole`: nothing of it is missing."""

    name: str
    start: int
    arguments: str
    whole: bool


def call_text(name: str, arguments: str) -> str:
    """A call as a reply's text."""
    return f"{HEAD}{name}{MIDDLE}{arguments}{TAIL}"


def read_call(text: str) -> WrittenCall | None:
    """The call that a text is, or that it begins; None where it is none or its tool's name is not yet there.

    Of a call in writing the arguments leave out what may be its tail already.
    """
    match = _CALL.match(text)
    if match is None:
        return None
    rest = text[match.end() :]
    if rest.endswith(TAIL):
        return WrittenCall(match[1], match.end(), rest.removesuffix(TAIL), whole=True)
    ending = next(length for length in range(len(TAIL), -1, -1) if rest.endswith(TAIL[:length]))
    return WrittenCall(match[1], match.end(), rest[: len(rest) - ending], whole=False)


def may_call(text: str) -> bool:
    """Whether a reply that begins so may be a call: it begins as one, or is too short to tell."""
    return text.startswith(OPENING) or OPENING.startswith(text)


def call_id(turn: str, round: int) -> str:
    """The id of the call that a draft is, the same in each of its attempts."""
    return "call_" + hashlib.sha256(f"{turn}:{round}".encode()).hexdigest()[:24]


def called(turn: Mapping[str, Any], round: int, text: str) -> list[dict[str, str]]:
    """The call that a finished text of a turn with tools is, as its draft keeps it; none where it speaks."""
    call = read_call(text) if offers(turn) else None
    if call is None or not call.whole or call.name not in {tool["name"] for tool in turn["offer"]["tools"]}:
        return []
    return [{"id": call_id(turn["_id"], round), "name": call.name, "arguments": call.arguments}]


def offers(turn: Mapping[str, Any]) -> bool:
    """Whether the turn's reply may call a tool."""
    offer = turn.get("offer") or {}
    return bool(offer.get("tools")) and offer.get("choice") != "none"


def call_due(turn: Mapping[str, Any]) -> bool:
    """Whether the turn's current round may be a call: not where feedback is about a reply that spoke."""
    if not offers(turn):
        return False
    about = turn["drafts"][turn["round"]].get("feedback")
    was_call = any(draft.get("tool_calls") for draft in turn["drafts"][: turn["round"]])
    return not about or was_call or turn["offer"].get("choice") == "required"


def results_text(results: Iterable[Mapping[str, str]], said: str = "") -> str:
    """What tools answered as a message's text, and what the user said after it."""
    parts = [f"<tool_response>\n{result['output']}\n</tool_response>" for result in results]
    return "\n".join([*parts, said] if said else parts)


def said(turn: Mapping[str, Any]) -> str:
    """What the user said in a turn: its text without what tools answered."""
    text, results = str(turn.get("text") or ""), turn.get("tool_results")
    return text.removeprefix(results_text(results)).removeprefix("\n") if results else text


def tools_text(tools: Sequence[Mapping[str, Any]]) -> str:
    """What the system text says of tools: the wording of Hermes and Qwen, which many models know."""
    described = [{"type": "function", "function": {"name": tool["name"], **_about(tool)}} for tool in tools]
    return (
        "# Tools\n\nYou may call one function to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
        + "\n".join(map(_compact, described))
        + "\n</tools>\n\nFor a function call, return a json object with function name and arguments within "
        "<tool_call></tool_call> XML tags:\n<tool_call>\n"
        '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
    )


def offer_hash(tools: Sequence[Mapping[str, Any]]) -> str:
    """A hash of all that is said of the tools."""
    return hashlib.sha256(_compact([dict(tool) for tool in tools]).encode()).hexdigest()[:16]


def _about(tool: Mapping[str, Any]) -> dict[str, Any]:
    described = {"description": tool["description"]} if tool.get("description") else {}
    return {**described, "parameters": json.loads(tool.get("parameters") or "{}")}


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
