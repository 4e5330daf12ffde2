"""A conversation as clients send it whole each time, and as the contract has it: system text, history, last message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from antiphon.v1.conversation_pb2 import SPEAKER_ASSISTANT, SPEAKER_USER, HistoryMessage

from services.web.errors import Unsupported
from services.web.openai.body import Body, checked_text, refuse

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


@dataclass
class Conversation:
    """What a request's messages come to. ``history`` begins with the user, alternates and ends with the assistant."""

    system_text: str = ""
    history: list[Message] = field(default_factory=list)
    last: Message = field(default_factory=lambda: Message("user", "", ""))

    @property
    def user_texts(self) -> list[str]:
        """All that the user has said, the last message too."""
        return [message.text for message in self.history if message.role == "user"] + [self.last.text]

    def history_messages(self) -> list[HistoryMessage]:
        """The history as CreateSession takes it."""
        speakers = {"user": SPEAKER_USER, "assistant": SPEAKER_ASSISTANT}
        return [HistoryMessage(speaker=speakers[message.role], text=message.text) for message in self.history]

    def params(self) -> dict[str, str]:
        """The request's names for the contract's fields that its messages went into."""
        names = {f"history[{index}].text": message.name for index, message in enumerate(self.history)}
        return {**names, "text": self.last.name, "history": self.last.name.partition("[")[0]}


def read_messages(bodies: Iterable[Body], param: str) -> Conversation:
    """The conversation of a list of messages. Raises WebError, naming the message that does not fit."""
    conversation = Conversation()
    spoken: list[Message] = []
    system: list[str] = []
    for body in bodies:
        role = body.text("role", needed=True)
        text = content_text(body)
        if role in _SYSTEM:
            system.append(text)
        elif role in ("user", "assistant"):
            if role == "assistant":
                _check_assistant(body)
            spoken.append(Message(role, text, body.name("content")))
        elif role in ("tool", "function"):
            raise Unsupported(body.name("role"), "tools are not called here")
        else:
            refuse(body.name("role"), "must be system, developer, user or assistant")
    merged = _merged(spoken)
    if merged and merged[0].role == "assistant":  # the contract's conversations begin with the user
        system.append(f"{OPENED}\n{merged.pop(0).text}")
    conversation.system_text = GAP.join(text for text in system if text.strip())
    if not merged or merged[-1].role != "user":
        refuse(param, "must end with a message of the user")
    if not merged[-1].text.strip():
        refuse(merged[-1].name, "is empty")
    conversation.last = merged.pop()
    conversation.history = merged
    return conversation


def _check_assistant(body: Body) -> None:
    for name in ("tool_calls", "function_call", "audio"):
        if body.raw(name):
            raise Unsupported(body.name(name), "tools are not called here")


def content_text(body: Body) -> str:
    """The text of a message's content: a string, or parts of text."""
    content = body.raw("content")
    if content is None or isinstance(content, str):
        return body.text("content")
    if not isinstance(content, list):
        refuse(body.name("content"), "must be a string or a list of parts", "invalid_type")
    return GAP.join(_part_text(part) for part in body.objects("content"))


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
        if message.role == "assistant" and not message.text.strip():
            continue
        if merged and merged[-1].role == message.role:
            merged[-1] = Message(message.role, merged[-1].text + GAP + message.text, message.name)
        else:
            merged.append(message)
    return merged
