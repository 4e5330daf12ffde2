"""Function tools as OpenAI's two APIs write them, and the contract's offer, calls and results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from antiphon.v1.conversation_pb2 import (
    TOOL_CHOICE_AUTO,
    TOOL_CHOICE_NONE,
    TOOL_CHOICE_REQUIRED,
    Draft,
    Tool,
    ToolCall,
    ToolChoice,
    ToolOffer,
    ToolResult,
)

from services.common.tools.calls import OPENING, call_id, may_call, read_call
from services.web.errors import Unsupported
from services.web.openai.body import Body, json_text, refuse

MAX_TOOLS = 128
MAX_CALL_ID = 128
CHOICES: dict[str, ToolChoice.ValueType] = {
    "none": TOOL_CHOICE_NONE,
    "auto": TOOL_CHOICE_AUTO,
    "required": TOOL_CHOICE_REQUIRED,
}
_CHOICE_NAMES = {value: name for name, value in CHOICES.items()}


@dataclass(frozen=True)
class Offered:
    """The tools of a request, and its names for the contract's fields that they went into."""

    offer: ToolOffer = field(default_factory=ToolOffer)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def callable(self) -> bool:
        """Whether the reply may be a call."""
        return may_be_called(self.offer)


def may_be_called(offer: ToolOffer) -> bool:
    """Whether a reply that is offered these may be a call."""
    return bool(offer.tools) and offer.choice != TOOL_CHOICE_NONE


def same_offer(one: ToolOffer, other: ToolOffer) -> bool:
    """Whether a reply may call the same under both."""
    if list(one.tools) != list(other.tools):
        return False
    return not one.tools or (one.choice, one.name) == (other.choice, other.name)


def read_offer(body: Body, *, nested: bool) -> Offered:
    """The tools of a body; ``nested``: each with its function in an object of its own, as chat completions have it.

    Raises WebError, naming the parameter.
    """
    body.flag("parallel_tool_calls")  # a reply calls one at most, whatever is asked
    offer = ToolOffer()
    names = {"offer.tools": "tools", "offer.choice": "tool_choice"}
    for index, given in enumerate(body.objects("tools", MAX_TOOLS)):
        if given.text("type", needed=True) != "function":
            raise Unsupported(given.name("type"), "only function tools are called")
        function = given.object("function") if nested else given
        given.check_known(("type", "function") if nested else ("type", *_FUNCTION))
        if nested:
            function.check_known(_FUNCTION)
        offer.tools.append(_tool(function))
        for key in ("name", "description", "parameters"):
            names[f"offer.tools[{index}].{key}"] = function.name(key)
    _choose(body, offer, names, nested=nested)
    return Offered(offer, names)


_FUNCTION = ("name", "description", "parameters", "strict")


def _tool(function: Body) -> Tool:
    if function.raw("parameters") is not None:
        function.object("parameters")
    parameters = function.raw("parameters")
    return Tool(
        name=function.text("name", needed=True),
        description=function.text("description"),
        parameters="" if parameters is None else json_text(function.name("parameters"), parameters),
        strict=function.flag("strict"),
    )


def _choose(body: Body, offer: ToolOffer, names: dict[str, str], *, nested: bool) -> None:
    choice = body.raw("tool_choice")
    if choice is None or isinstance(choice, str):
        word = body.text("tool_choice", "auto")
        if word not in CHOICES:
            refuse("tool_choice", f"must be one of {', '.join(CHOICES)}, or name a function")
        offer.choice = CHOICES[word]
        if word == "required" and not offer.tools:
            refuse("tool_choice", "there is no tool to call")
        return
    given = body.object("tool_choice")
    if given.text("type", needed=True) != "function":
        raise Unsupported(given.name("type"), "only a function can be chosen")
    function = given.object("function") if nested else given
    offer.choice, offer.name = TOOL_CHOICE_REQUIRED, function.text("name", needed=True)
    names["offer.name"] = function.name("name")
    if offer.name not in [tool.name for tool in offer.tools]:
        refuse(function.name("name"), "is none of the tools")


# -- calls and results in messages ----------------------------------------------------------------


def read_calls(message: Body) -> list[ToolCall]:
    """The calls of an assistant's message in a chat. Raises WebError."""
    calls = []
    for given in message.objects("tool_calls", MAX_TOOLS):
        if given.text("type", "function") != "function":
            raise Unsupported(given.name("type"), "only function tools are called")
        calls.append(read_call_item(given.object("function"), given, "id"))
    return calls


def read_call_item(function: Body, call: Body, id: str) -> ToolCall:
    """A call: its name and arguments, and its id under the name ``id``. Raises WebError."""
    arguments = function.text("arguments") or "{}"
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        refuse(function.name("arguments"), "is no JSON")
    return ToolCall(
        id=call.text(id, needed=True, most=MAX_CALL_ID), name=function.text("name", needed=True), arguments=arguments
    )


def read_result(message: Body, id: str, text: Callable[[Body], str]) -> ToolResult:
    """What a tool answered, and the id of the call under the name ``id``. Raises WebError."""
    return ToolResult(call_id=message.text(id, needed=True, most=MAX_CALL_ID), output=text(message))


# -- replies --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownCall:
    """A call as far as it is written; ``whole``: to its end."""

    id: str
    name: str
    arguments: str
    whole: bool


def shown_call(turn_id: str, draft: Draft, *, callable: bool) -> ShownCall | None:
    """The call that a draft is; None where it speaks, or does not say yet what it calls."""
    for call in draft.tool_calls:
        return ShownCall(call.id, call.name, call.arguments, True)
    written = read_call(draft.text) if callable else None
    if written is None:
        return None
    return ShownCall(call_id(turn_id, draft.round), written.name, written.arguments, False)


def spoken_text(draft: Draft, *, callable: bool) -> str:
    """What a draft says in words; nothing where it is a call, or began one."""
    return "" if draft.tool_calls or (callable and draft.text.startswith(OPENING)) else draft.text


@dataclass(frozen=True)
class Piece:
    """What is new to a reader: ``words``, or of a call its tool's ``name``, once, and more of its ``arguments``."""

    words: str = ""
    name: str = ""
    arguments: str = ""


def grown(before: str, after: str, *, callable: bool) -> Iterator[Piece]:
    """What a reader who has a reply's text as far as ``before`` lacks of ``after``, which begins with it."""
    if not callable or not may_call(after):
        yield Piece(words=after if callable and may_call(before) else after[len(before) :])
        return
    known, call = read_call(before), read_call(after)
    if call is not None:
        if known is None:
            yield Piece(name=call.name)
        if arguments := call.arguments[len(known.arguments) if known else 0 :]:
            yield Piece(arguments=arguments)


def held_back(text: str, *, callable: bool) -> str:
    """What of an ended reply `grown` has kept from its reader, since it might have become a call."""
    return text if callable and OPENING.startswith(text) and text != OPENING else ""


def tools_shown(offer: ToolOffer) -> dict[str, Any]:
    """The tools and the choice among them as a response repeats them."""
    tools = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description or None,
            "parameters": json.loads(tool.parameters) if tool.parameters else None,
            "strict": tool.strict,
        }
        for tool in offer.tools
    ]
    choice: Any = {"type": "function", "name": offer.name} if offer.name else _CHOICE_NAMES.get(offer.choice, "auto")
    return {"tools": tools, "tool_choice": choice if tools else "none", "parallel_tool_calls": False}
