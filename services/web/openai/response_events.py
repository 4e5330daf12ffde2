"""The events of a streamed response, numbered so that any replica can go on after any of them.

A delta's number is made of the attempt that wrote it and of the code points that stand before its end; what comes
before and after the text has fixed places around it. So a number says where its reader stands, and nothing has to be
kept about readers. Numbers rise and have gaps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from antiphon.errors import CallError
from antiphon.v1.conversation_pb2 import Draft, TurnEvent
from google.protobuf.json_format import MessageToDict

from services.web.errors import error_body
from services.web.openai.body import refuse
from services.web.openai.events import DONE, data
from services.web.openai.response_id import ResponseId
from services.web.openai.response_shown import Asked, function_call, output_message, response_object, text_part
from services.web.openai.steady import Diverged, SteadyText
from services.web.openai.tools import grown, held_back, shown_call, spoken_text

CREATED, IN_PROGRESS, ITEM, PART = range(4)
ATTEMPT = 10**9  # more code points than a reply has
MAX_NUMBER = 2**53 - 1  # what a number of JavaScript holds


@dataclass(frozen=True)
class Reader:
    """How far a reader has come: the number of the last event it has; -1 where it has none."""

    after: int = -1

    @property
    def offset(self) -> int:
        """Code points of the text that it has."""
        return max(0, self.after % ATTEMPT - PART) if self.after > PART else 0

    @property
    def attempt(self) -> int:
        """The attempt that wrote what it has."""
        return max(0, self.after) // ATTEMPT + 1


def read_reader(starting_after: str | None) -> Reader:
    """The reader of a query's ``starting_after``. Raises WebError."""
    if starting_after is None:
        return Reader()
    number = (
        starting_after if starting_after.isascii() and starting_after.isdecimal() and len(starting_after) <= 20 else ""
    )
    if not number or int(number) > MAX_NUMBER:
        refuse("starting_after", "must be the sequence_number of an event")
    return Reader(int(number))


class ResponseEvents:
    """Writes the events of one response that come after what its reader has."""

    def __init__(self, id: ResponseId, asked: Asked, created: int, reader: Reader | None = None) -> None:
        """``created``: seconds since 1970."""
        self._id = id
        self._asked = asked
        self._created = created
        self._reader = reader or Reader()
        self._text = SteadyText(self._reader.offset, self._reader.attempt)
        self._opened = False
        self._offset = self._reader.offset
        self._known: dict[str, Any] = {}

    async def written(self, events: AsyncIterator[TurnEvent]) -> AsyncGenerator[bytes, None]:
        """Of a turn under way."""
        for number, kind in ((CREATED, "response.created"), (IN_PROGRESS, "response.in_progress")):
            for told in self._event(number, kind, response=self._response("in_progress")):
                yield told
        try:
            closing: Any = events
            async with aclosing(closing):
                async for event in events:
                    for answer in self._take(event):
                        yield answer
        except Diverged:
            yield self._error(self._text.diverged())
        except CallError as error:
            yield self._error(error)
        yield DONE

    def of_draft(self, draft: Draft, status: str, attempt: int, more: dict[str, Any]) -> Iterator[bytes]:
        """Of a response that has ended: what its reader lacks of it."""
        self._known = more
        for number, kind in ((CREATED, "response.created"), (IN_PROGRESS, "response.in_progress")):
            yield from self._event(number, kind, response=self._response("in_progress"))
        base = ATTEMPT * max(0, attempt - 1)
        if self._reader.offset and self._reader.attempt < attempt:
            yield self._error(self._text.diverged())
        else:
            rest = draft.text[self._offset :]
            yield from self._delta(rest, base, draft.text)
            yield from self._end(draft, status, base)
        yield DONE

    def _take(self, event: TurnEvent) -> Iterator[bytes]:
        kind = event.WhichOneof("event")
        base = ATTEMPT * max(0, event.position.attempt - 1)
        yield from self._delta(self._text.take(event), base, self._text.text)
        if kind == "understood":
            self._known[kind] = MessageToDict(event.understood, preserving_proto_field_name=True)
        elif kind == "state":
            self._known[kind] = MessageToDict(event.state.state, preserving_proto_field_name=True)
        elif kind == "completed":
            yield from self._end(event.completed.draft, "completed", base)
        elif kind == "cancelled":
            yield from self._end(event.cancelled.draft, "cancelled", base)
        elif kind == "failed":
            failed = response_object(self._id, self._asked, "failed", self._created, error=event.failed.error)
            yield from self._event(base + PART + self._offset + 1, "response.failed", response=failed)

    def _delta(self, words: str, base: int, text: str) -> Iterator[bytes]:
        """More of a reply's ``text``, of which ``words`` are new."""
        if not words:
            return
        before, self._offset = self._offset, self._offset + len(words)
        number = base + PART + self._offset
        for piece in grown(text[:before], text[: self._offset], callable=self._asked.callable):
            if piece.words:
                yield from self._open()
                fields = {**self._place(), "delta": piece.words, "logprobs": []}
                yield from self._event(number, "response.output_text.delta", **fields)
                continue
            yield from self._open(text[: self._offset])
            if piece.arguments:
                fields = {"item_id": self._id.call_item_id, "output_index": 0, "delta": piece.arguments}
                yield from self._event(number, "response.function_call_arguments.delta", **fields)

    def _open(self, call: str = "") -> Iterator[bytes]:
        """The item's beginning: of a call whose text begins so, else of a message."""
        if self._opened:
            return
        self._opened = True
        begun = shown_call(self._id.turn_id, Draft(text=call, round=self._id.round), callable=True) if call else None
        if begun is not None:
            item = function_call(self._id, replace(begun, arguments=""), in_progress=True)
            yield from self._event(ITEM, "response.output_item.added", output_index=0, item=item)
        else:
            item = {**output_message(self._id, Draft()), "status": "in_progress", "content": []}
            yield from self._event(ITEM, "response.output_item.added", output_index=0, item=item)
            yield from self._event(PART, "response.content_part.added", **self._place(), part=text_part("", []))

    def _end(self, draft: Draft, status: str, base: int) -> Iterator[bytes]:
        """The end's events, whatever the reader has of the text: a part that was opened is closed."""
        number = base + PART + len(draft.text)
        call = shown_call(self._id.turn_id, draft, callable=self._asked.callable)
        if call is not None:
            yield from self._open(draft.text)
            item = function_call(self._id, call)
            fields = {"item_id": item["id"], "output_index": 0, "name": call.name, "arguments": call.arguments}
            yield from self._event(number + 1, "response.function_call_arguments.done", **fields)
            yield from self._event(number + 3, "response.output_item.done", output_index=0, item=item)
        elif spoken_text(draft, callable=self._asked.callable):
            yield from self._open()
            if words := held_back(draft.text, callable=self._asked.callable):
                fields = {**self._place(), "delta": words, "logprobs": []}
                yield from self._event(number, "response.output_text.delta", **fields)
            item = output_message(self._id, draft)
            part = item["content"][0]
            for index, annotation in enumerate(part["annotations"]):
                number += 1
                fields = {**self._place(), "annotation_index": index, "annotation": annotation}
                yield from self._event(number, "response.output_text.annotation.added", **fields)
            yield from self._event(
                number + 1, "response.output_text.done", **self._place(), text=draft.text, logprobs=[]
            )
            yield from self._event(number + 2, "response.content_part.done", **self._place(), part=part)
            yield from self._event(number + 3, "response.output_item.done", output_index=0, item=item)
        response = self._response(status, draft)
        kind = "response.completed" if response["status"] == "completed" else "response.incomplete"
        yield from self._event(number + 4, kind, response=response)

    def _response(self, status: str, draft: Draft | None = None) -> dict[str, Any]:
        return response_object(self._id, self._asked, status, self._created, draft, more=self._known)

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._id.message_id, "output_index": 0, "content_index": 0}

    def _event(self, number: int, kind: str, **fields: Any) -> Iterator[bytes]:
        if number > self._reader.after:
            yield data({"type": kind, "sequence_number": number, **fields}, kind)

    @staticmethod
    def _error(error: Exception) -> bytes:
        told = error_body(error)[1]["error"]
        event = {"type": "error", "code": told["code"], "message": told["message"], "param": told["param"]}
        # OpenAI's clients read the fields themselves, those of Open Responses the object
        return data({**event, "error": told, "sequence_number": MAX_NUMBER}, "error")
