"""A conversation as clients send it whole each time, and as the contract has it: system text, history, last message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from antiphon.v1.conversation_pb2 import SPEAKER_ASSISTANT, SPEAKER_USER, HistoryMessage, ToolCall, ToolResult

from services.common.tools.calls import results_text
from services.web.errors import Unsupported
from services.web.openai.body import Body, checked_text, refuse
from services.web.openai.tools import read_call_item, read_calls, read_result

_SYSTEM = ("system", "developer")
_TEXT_PARTS = ("text", "input_text", "output_text")
GAP = "\n\n"
OPENED = "You opened the conversation with these words:"


@dataclass
class Message:
    """Who said what, and which of the request's messages says so."""

    role: str
    text: str
    name: str
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    result_names: list[str] = field(default_factory=list)

    @property
    def whole(self) -> str:
        """The text as a turn keeps it: what tools answered stands before the words."""
        results = [{"output": result.output} for result in self.results]
        return results_text(results, self.text) if results else self.text

    @property
    def empty(self) -> bool:
        """Whether nothing is said, called or answered."""
        return not (self.text.strip() or self.calls or self.results)


@dataclass
class Conversation:
    """What a request's messages come to. ``history`` begins with the user, alternates and ends with the assistant."""

    system_text: str = ""
    history: list[Message] = field(default_factory=list)
    last: Message = field(default_factory=lambda: Message("user", "", ""))

    @property
    def user_texts(self) -> list[str]:
        """All that the user has said, the last message too."""
        return [message.whole for message in self.history if message.role == "user"] + [self.last.whole]

    def history_messages(self) -> list[HistoryMessage]:
        """The history as CreateSession takes it."""
        speakers = {"user": SPEAKER_USER, "assistant": SPEAKER_ASSISTANT}
        return [
            HistoryMessage(
                speaker=speakers[message.role],
                text=message.text,
                tool_calls=message.calls,
                tool_results=message.results,
            )
            for message in self.history
        ]

    def params(self) -> dict[str, str]:
        """The request's names for the contract's fields that its messages went into."""
        names = {f"history[{index}].text": message.name for index, message in enumerate(self.history)}
        for place, message in [*((f"history[{i}].", one) for i, one in enumerate(self.history)), ("", self.last)]:
            names[f"{place}tool_results"] = names[f"{place}tool_calls"] = message.name
            for index, name in enumerate(message.result_names):
                names[f"{place}tool_results[{index}].call_id"] = name
                names[f"{place}tool_results[{index}].output"] = message.name
            for index in range(len(message.calls)):
                for key in ("id", "name", "arguments"):
                    names[f"{place}tool_calls[{index}].{key}"] = message.name
        return {**names, "text": self.last.name, "history": self.last.name.partition("[")[0]}


def read_messages(bodies: Iterable[Body], param: str) -> Conversation:
    """The conversation of a list of messages. Raises WebError, naming the message that does not fit."""
    conversation = Conversation()
    spoken: list[Message] = []
    system: list[str] = []
    for body in bodies:
        if (item := _tool_item(body)) is not None:
            spoken.append(item)
            continue
        role = body.text("role", needed=True)
        text = content_text(body)
        if role in _SYSTEM:
            system.append(text)
        elif role in ("user", "assistant"):
            calls = read_calls(body) if role == "assistant" else []
            _check_assistant(body)
            spoken.append(Message(role, text, body.name("tool_calls" if calls else "content"), calls))
        elif role == "tool":
            result = read_result(body, "tool_call_id", lambda _, text=text: text)  # type: ignore[misc]
            spoken.append(_result_message(result, body.name("tool_call_id")))
        elif role == "function":
            raise Unsupported(body.name("role"), "what tools answer has the role tool")
        else:
            refuse(body.name("role"), "must be system, developer, user, assistant or tool")
    merged = _merged(spoken)
    if merged and merged[0].role == "assistant":  # the contract's conversations begin with the user
        if merged[0].calls:
            refuse(merged[0].name, "must come after a message of the user")
        system.append(f"{OPENED}\n{merged.pop(0).text}")
    conversation.system_text = GAP.join(text for text in system if text.strip())
    if not merged or merged[-1].role != "user":
        refuse(param, "must end with a message of the user")
    if merged[-1].empty:
        refuse(merged[-1].name, "is empty")
    conversation.last = merged.pop()
    conversation.history = merged
    return conversation


def _check_assistant(body: Body) -> None:
    for name in ("function_call", "audio"):
        if body.raw(name):
            raise Unsupported(body.name(name))


def _tool_item(body: Body) -> Message | None:
    """An item of a response's input that is a call, or what came of one; None for any other."""
    kind = body.text("type")
    if kind == "function_call":
        return Message("assistant", "", body.name("call_id"), [read_call_item(body, body, "call_id")])
    if kind == "function_call_output":
        result = read_result(body, "call_id", lambda item: content_text(item, "output"))
        return _result_message(result, body.name("call_id"))
    return None


def _result_message(result: ToolResult, name: str) -> Message:
    return Message("user", "", name, results=[result], result_names=[name])


def content_text(body: Body, key: str = "content") -> str:
    """The text of a message's content: a string, or parts of text."""
    content = body.raw(key)
    if content is None or isinstance(content, str):
        return body.text(key)
    if not isinstance(content, list):
        refuse(body.name(key), "must be a string or a list of parts", "invalid_type")
    return GAP.join(_part_text(part) for part in body.objects(key))


def _part_text(part: Body) -> str:
    kind = part.text("type", needed=True)
    if kind == "refusal":
        return part.text("refusal", needed=True)
    if kind not in _TEXT_PARTS:
        raise Unsupported(part.name("type"), "only text is read")
    return checked_text(part.name("text"), _needed(part, "text"))


def _needed(body: Body, key: str) -> Any:
    value = body.raw(key)
    if value is None:
        refuse(body.name(key), "is needed", "missing_required_parameter")
    return value


def _merged(spoken: Iterable[Message]) -> list[Message]:
    """Messages in turns: what one speaker says twice in a row is one message; a reply without words is none."""
    merged: list[Message] = []
    for message in spoken:
        if message.role == "assistant" and message.empty:
            continue
        if merged and merged[-1].role == message.role:
            merged[-1] = _joined(merged[-1], message)
        else:
            merged.append(message)
    return merged


def _joined(before: Message, after: Message) -> Message:
    if after.results and before.text:
        refuse(after.name, "must come right after the call")
    if after.text and before.calls:
        refuse(after.name, "must come after what the tools answered")
    return Message(
        before.role,
        GAP.join(filter(None, (before.text, after.text)))
        if before.calls or before.results or after.calls
        else before.text + GAP + after.text,
        after.name,
        [*before.calls, *after.calls],
        [*before.results, *after.results],
        [*before.result_names, *after.result_names],
    )
