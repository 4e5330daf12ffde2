"""Tools that a turn offers and results that it brings: what they must look like, as a turn keeps them, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from antiphon.v1 import conversation_pb2 as pb

from services.common.drafts import chosen_draft
from services.common.errors import InvalidArgument
from services.common.store import Document
from services.common.tools.calls import NAME, call_text
from services.common.tools.grammar import json_fault, schema_fault
from services.gateway import validation as check

MAX_TOOLS = 128
MAX_DESCRIPTION = 4_000
MAX_PARAMETERS = 32_000
MAX_OFFER = 128_000
MAX_CALLS = 128
CHOICES: dict[int, str] = {
    pb.TOOL_CHOICE_UNSPECIFIED: "auto",
    pb.TOOL_CHOICE_AUTO: "auto",
    pb.TOOL_CHOICE_NONE: "none",
    pb.TOOL_CHOICE_REQUIRED: "required",
}
_CHOICES: dict[str, pb.ToolChoice.ValueType] = {
    "auto": pb.TOOL_CHOICE_AUTO,
    "none": pb.TOOL_CHOICE_NONE,
    "required": pb.TOOL_CHOICE_REQUIRED,
}


def offer_json(offer: pb.ToolOffer) -> Document:
    """An offer of tools as a turn keeps it. Raises InvalidArgument, naming the field."""
    if len(offer.tools) > MAX_TOOLS:
        raise InvalidArgument("offer.tools", f"{len(offer.tools)} tools, at most {MAX_TOOLS} are taken")
    if sum(len(tool.description) + len(tool.parameters) for tool in offer.tools) > MAX_OFFER:
        raise InvalidArgument("offer.tools", f"has more than {MAX_OFFER} characters in all")
    check.choice("offer.choice", pb.ToolChoice, offer.choice)
    tools = [_tool(f"offer.tools[{index}]", tool) for index, tool in enumerate(offer.tools)]
    names = [tool["name"] for tool in tools]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidArgument(f"offer.tools[{index}].name", f"{name} is there already")
    choice = CHOICES[offer.choice]
    if choice == "required" and not tools:
        raise InvalidArgument("offer.choice", "there is no tool to call")
    if offer.name and choice != "required":
        raise InvalidArgument("offer.name", "goes with choice required")
    if offer.name and offer.name not in names:
        raise InvalidArgument("offer.name", "is none of the tools")
    return {"tools": tools, "choice": choice, "name": offer.name}


def _tool(field: str, tool: pb.Tool) -> Document:
    if not NAME.fullmatch(tool.name):
        raise InvalidArgument(f"{field}.name", "must be 1 to 64 of a-z, A-Z, 0-9, _ and -")
    check.words(f"{field}.description", tool.description, MAX_DESCRIPTION, needed=False)
    check.words(f"{field}.parameters", tool.parameters, MAX_PARAMETERS, needed=False)
    fault = json_fault(tool.parameters) or schema_fault(tool.parameters, strict=tool.strict)
    if fault:
        raise InvalidArgument(f"{field}.parameters", fault)
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        **({"strict": True} if tool.strict else {}),
    }


def offer_message(document: Mapping[str, Any] | None) -> pb.ToolOffer | None:
    """The offer that a turn keeps; None where it has none."""
    if not document:
        return None
    return pb.ToolOffer(
        tools=[
            pb.Tool(
                name=tool["name"],
                description=tool.get("description") or "",
                parameters=tool.get("parameters") or "",
                strict=bool(tool.get("strict")),
            )
            for tool in document["tools"]
        ],
        choice=_CHOICES[document.get("choice") or "auto"],
        name=document.get("name") or "",
    )


def results_json(field: str, results: Iterable[pb.ToolResult], max_text: int) -> list[Document]:
    """Results of tools as a turn keeps them. Raises InvalidArgument, naming the field."""
    given = list(results)
    if len(given) > MAX_CALLS:
        raise InvalidArgument(field, f"{len(given)} results, at most {MAX_CALLS} are taken")
    kept: list[Document] = []
    for index, result in enumerate(given):
        check.identifier(f"{field}[{index}].call_id", result.call_id)
        if any(result.call_id == other["call_id"] for other in kept):
            raise InvalidArgument(f"{field}[{index}].call_id", "is answered already")
        check.words(f"{field}[{index}].output", result.output, max_text, needed=False)
        kept.append({"call_id": result.call_id, "output": result.output})
    if sum(len(result["output"]) for result in kept) > max_text:
        raise InvalidArgument(field, f"has more than {max_text} characters in all")
    return kept


def check_answers(field: str, results: Sequence[Document], calls: Iterable[Mapping[str, Any]]) -> None:
    """Raises InvalidArgument for a result that answers none of the calls."""
    known = {call["id"] for call in calls}
    for index, result in enumerate(results):
        if result["call_id"] not in known:
            raise InvalidArgument(f"{field}[{index}].call_id", "is no call of the reply before")


def calls_of(turn: Document | None) -> list[Document]:
    """The calls that a turn's reply is."""
    draft = chosen_draft(turn) if turn is not None else None
    return list((draft or {}).get("tool_calls") or ())


def calls_json(field: str, calls: Iterable[pb.ToolCall], max_text: int) -> list[Document]:
    """Calls of a history from elsewhere. Raises InvalidArgument, naming the field."""
    given = list(calls)
    if len(given) > MAX_CALLS:
        raise InvalidArgument(field, f"{len(given)} calls, at most {MAX_CALLS} are taken")
    kept: list[Document] = []
    for index, call in enumerate(given):
        check.identifier(f"{field}[{index}].id", call.id)
        if any(call.id == other["id"] for other in kept):
            raise InvalidArgument(f"{field}[{index}].id", "is there already")
        if not NAME.fullmatch(call.name):
            raise InvalidArgument(f"{field}[{index}].name", "must be 1 to 64 of a-z, A-Z, 0-9, _ and -")
        check.words(f"{field}[{index}].arguments", call.arguments, max_text)
        if fault := json_fault(call.arguments):
            raise InvalidArgument(f"{field}[{index}].arguments", fault)
        kept.append({"id": call.id, "name": call.name, "arguments": call.arguments})
    return kept


def spoken(text: str, calls: Iterable[Mapping[str, Any]]) -> str:
    """A reply from elsewhere as its text: what it says, then what it calls."""
    return "\n".join(filter(None, [text, *(call_text(call["name"], call["arguments"]) for call in calls)]))


def call_messages(calls: Iterable[Mapping[str, Any]]) -> list[pb.ToolCall]:
    """A draft's calls."""
    return [pb.ToolCall(id=call["id"], name=call["name"], arguments=call["arguments"]) for call in calls]
