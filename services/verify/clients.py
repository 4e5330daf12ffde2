"""Clients that do a seeded mix of what the contract offers, and write down what they are told.

They mend nothing: what breaks is asked for again with the same request id at the next gateway, as the contract says.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import grpc
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import (
    conversation_pb2_grpc,
    feedback_pb2,
    feedback_pb2_grpc,
    knowledge_pb2,
    knowledge_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
)

from services.verify.history import Asked, Cancelled, Corrected, Finding, History, Imported, Taught

PATIENCE = 90.0  # seconds of trying before a client gives up: more than any fault lasts
PAUSE = 0.1
AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 300),
    ("grpc.enable_retries", 0),
    ("grpc.keepalive_time_ms", 3_000),
    ("grpc.keepalive_timeout_ms", 2_000),
]
SCHEMA = """
services:
  - name: notes
    slots:
      - {name: first}
      - {name: second}
"""
POLICIES = (
    pb.DOUBLE_TEXTING_POLICY_ENQUEUE,
    pb.DOUBLE_TEXTING_POLICY_ENQUEUE,
    pb.DOUBLE_TEXTING_POLICY_INTERRUPT,
    pb.DOUBLE_TEXTING_POLICY_ROLLBACK,
    pb.DOUBLE_TEXTING_POLICY_REJECT,
)


class Refused(Exception):
    """A call was answered with a status that trying again does not change."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code


class Stubs:
    """The contract at every gateway; what breaks is tried at the next one."""

    def __init__(self, addresses: Sequence[str], key: str) -> None:
        self._channels = [grpc.insecure_channel(address, OPTIONS) for address in addresses]
        self._stubs = [
            {
                "conversation": conversation_pb2_grpc.ConversationServiceStub(channel),
                "feedback": feedback_pb2_grpc.FeedbackServiceStub(channel),
                "knowledge": knowledge_pb2_grpc.KnowledgeServiceStub(channel),
                "state": state_pb2_grpc.StateServiceStub(channel),
            }
            for channel in self._channels
        ]
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._next = itertools.count(random.randrange(len(addresses)))

    def call(self, service: str, method: str, request: Any) -> Any:
        """One answer. Raises Refused, TimeoutError."""
        return self._try(lambda stubs: getattr(stubs[service], method)(request, metadata=self._metadata, timeout=8.0))

    def follow(self, asked: Asked, method: str, request: Any, stop_after: int = 0) -> None:
        """A stream to its end; with ``stop_after`` it is left after so many events. Raises Refused, TimeoutError."""

        def read(stubs: dict[str, Any]) -> None:
            asked.opened()
            stream = getattr(stubs["conversation"], method)(request, metadata=self._metadata, timeout=PATIENCE)
            for number, response in enumerate(stream, 1):
                asked.hear(response.event)
                if stop_after and number >= stop_after and not asked.end:
                    stream.cancel()
                    return
            if not asked.end:
                raise TimeoutError("a stream ended without an end")

        self._try(read)

    def _try(self, call: Callable[[dict[str, Any]], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return call(self._stubs[next(self._next) % len(self._stubs)])
            except grpc.RpcError as error:
                code = error.code()
                if code not in AGAIN:
                    raise Refused(code, error.details() or "") from None
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{code.name} for {PATIENCE:g} s") from None
                time.sleep(PAUSE)

    def close(self) -> None:
        for channel in self._channels:
            channel.close()


class Client(threading.Thread):
    """One user: a session of their own at a time, one action after the other until the time is over."""

    def __init__(self, name: str, seed: int, stubs: Stubs, history: History, over: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._rng = random.Random(f"{seed}/{name}")
        self._stubs = stubs
        self._history = history
        self._over = over
        self._numbers = itertools.count(1)
        self._session = ""
        self._revision = 0
        self._last: Asked | None = None
        self._actions: tuple[tuple[int, Callable[[], None]], ...] = (
            (8, self.talk),
            (3, self.talk_twice),
            (3, self.leave_and_attach),
            (3, self.cancel),
            (2, self.revise),
            (2, self.edit),
            (1, self.accept),
            (2, self.teach),
            (1, self.correct),
            (1, self.bring_lines),
            (1, self.begin_anew),
        )

    def run(self) -> None:
        weights = [weight for weight, _ in self._actions]
        try:
            self.begin_anew()
            while not self._over.is_set():
                self._do(self._rng.choices(self._actions, weights)[0][1])
        except TimeoutError as error:
            self._history.add(Finding("lost", f"{self.name} cannot begin a session: {error}"))
        finally:
            self._stubs.close()

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Refused as refused:
            self._history.add(Finding("unexpected", f"{self.name}, {action.__name__}: {refused}"))
        except TimeoutError as error:
            self._history.add(Finding("lost", f"{self.name}, {action.__name__}: {error}"))

    # -- small parts ----------------------------------------------------------------------------

    def _id(self) -> str:
        return f"{self.name}-{next(self._numbers)}"

    def _words(self) -> str:
        name = self._id()
        return " ".join(f"{name}w{index}" for index in range(self._rng.randint(2, 40)))

    def _asked(self, kind: str, words: str, **more: Any) -> Asked:
        asked = Asked(kind, self._session, words, self._id(), **more)
        self._history.add(asked)
        return asked

    def _follow(self, asked: Asked, method: str, request: Any, stop_after: int = 0) -> None:
        try:
            self._stubs.follow(asked, method, request, stop_after)
        except Refused as refused:
            asked.refused = refused.code.name
            if refused.code is not grpc.StatusCode.FAILED_PRECONDITION:
                self._history.add(Finding("unexpected", f"{method}: {refused} [{asked}]"))
        except TimeoutError as error:
            asked.gave_up = str(error)

    def _send(self, asked: Asked, **more: Any) -> pb.SendTurnRequest:
        return pb.SendTurnRequest(session_id=self._session, text=asked.words, request_id=asked.request, **more)

    def _same(self, what: str, first: object, again: object) -> None:
        if first != again:
            self._history.add(Finding("unexpected", f"{what} repeated: {again} after {first}"))

    def _done(self) -> Asked | None:
        """A completed turn that is the last of the session, as far as this client knows."""
        return self._last if self._last is not None and self._last.end == "completed" else None

    # -- actions --------------------------------------------------------------------------------

    def begin_anew(self) -> None:
        """Another session; asked for twice it is one."""
        self._stubs.call("state", "PutSchema", state_pb2.PutSchemaRequest(name="notes", definition=SCHEMA))
        request = pb.CreateSessionRequest(user_id=self.name, request_id=self._id(), schema_name="notes")
        self._session = self._stubs.call("conversation", "CreateSession", request).session.id
        again = self._stubs.call("conversation", "CreateSession", request).session.id
        self._same("CreateSession", self._session, again)
        self._revision, self._last = 0, None

    def talk(self) -> None:
        """A message to its end, now and then asked for once more."""
        asked = self._asked("send", self._words())
        request = self._send(asked)
        self._follow(asked, "SendTurn", request)
        self._last = asked
        if asked.end and self._rng.random() < 0.2:
            again = Asked("send", self._session, asked.words, asked.request)
            self._follow(again, "SendTurn", request)
            self._same("SendTurn", (asked.turn, asked.end, asked.draft), (again.turn, again.end, again.draft))

    def talk_twice(self) -> None:
        """A second message while the first is answered, under each policy."""
        first, second = self._asked("send", self._words()), None
        thread = threading.Thread(target=self._follow, args=(first, "SendTurn", self._send(first)), daemon=True)
        thread.start()
        deadline = time.monotonic() + 5
        while not first.accepted and time.monotonic() < deadline and thread.is_alive():
            time.sleep(0.005)
        second = self._asked("send", self._words())
        self._follow(second, "SendTurn", self._send(second, policy=self._rng.choice(POLICIES)))
        thread.join(PATIENCE)
        self._last = second if second.end else first

    def leave_and_attach(self) -> None:
        """A stream that is left in the middle and attached to again at another gateway."""
        asked = self._asked("send", self._words())
        self._follow(asked, "SendTurn", self._send(asked), stop_after=self._rng.randint(1, 6))
        if asked.turn and not asked.end:
            self._follow(asked, "AttachTurn", pb.AttachTurnRequest(turn_id=asked.turn))
        self._last = asked

    def cancel(self) -> None:
        """A turn that is cancelled, twice with one request."""
        asked = self._asked("send", self._words())
        self._follow(asked, "SendTurn", self._send(asked), stop_after=self._rng.randint(1, 4))
        if not asked.turn or asked.end:
            return
        request = pb.CancelTurnRequest(turn_id=asked.turn, request_id=self._id())
        outcomes = [self._outcome(request) for _ in range(2)]
        self._same("CancelTurn", *outcomes)
        self._history.add(Cancelled(asked.turn, outcomes[0]))
        self._last = None

    def _outcome(self, request: pb.CancelTurnRequest) -> str:
        answer = self._stubs.call("conversation", "CancelTurn", request)
        return pb.CancelOutcome.Name(answer.outcome).removeprefix("CANCEL_OUTCOME_")

    def revise(self) -> None:
        """Another draft of the last turn."""
        last = self._done()
        if last is None:
            return
        asked = self._asked("revise", "")
        asked.number = last.number
        request = pb.ReviseTurnRequest(turn_id=last.turn, request_id=asked.request, resample=pb.Resample())
        self._follow(asked, "ReviseTurn", request)
        if asked.end and self._rng.random() < 0.3:
            again = Asked("revise", self._session, "", asked.request)
            self._follow(again, "ReviseTurn", request)
            self._same("ReviseTurn", (asked.turn, asked.draft), (again.turn, again.draft))

    def edit(self) -> None:
        """The last message, changed."""
        last = self._done()
        if last is None:
            return
        asked = self._asked("edit", self._words())
        request = pb.EditTurnRequest(turn_id=last.turn, text=asked.words, request_id=asked.request)
        self._follow(asked, "EditTurn", request)
        self._last = asked if asked.end else None

    def accept(self) -> None:
        """The last draft is good."""
        last = self._done()
        if last is not None:
            request = pb.AcceptDraftRequest(turn_id=last.turn, request_id=self._id())
            self._same(
                "AcceptDraft",
                *(self._stubs.call("conversation", "AcceptDraft", request).turn.accepted_round for _ in range(2)),
            )
            self._last = None

    def teach(self) -> None:
        """A fact, and a question that must have it."""
        entity = f"Widget{self._id().replace('-', 'n')}"
        request = knowledge_pb2.TeachFactRequest(entity=entity, slot="price", value="7 euros", request_id=self._id())
        answers = [self._stubs.call("knowledge", "TeachFact", request) for _ in range(self._rng.choice((1, 1, 2)))]
        fact, mark = answers[0].fact, answers[0].watermark
        self._same("TeachFact", (fact.id, fact.revision), (answers[-1].fact.id, answers[-1].fact.revision))
        self._history.add(Taught(request.request_id, fact.id, fact.revision))
        asked = self._asked("send", f"What is the price of {entity}?", fact=(fact.id, fact.revision))
        self._follow(asked, "SendTurn", self._send(asked, min_watermark=mark))
        self._last = asked

    def correct(self) -> None:
        """A correction of the state, twice with one request."""
        request = state_pb2.CorrectStateRequest(session_id=self._session, request_id=self._id())
        request.corrections.add(service="notes", slot=self._rng.choice(("first", "second")), value=self._id())
        revisions = [self._stubs.call("state", "CorrectState", request).snapshot.revision for _ in range(2)]
        self._same("CorrectState", *revisions)
        self._history.add(Corrected(request.request_id, self._session, revisions[0]))

    def bring_lines(self) -> None:
        """An import of good and bad lines, each chunk sent twice."""
        begun = feedback_pb2.OpenImportRequest(request_id=self._id())
        name = getattr(self._stubs.call("feedback", "OpenImport", begun), "import").id
        lines = [self._line() for _ in range(self._rng.randint(2, 12))]
        refused: set[int] = set()
        for first in range(0, len(lines), 4):
            items = [feedback_pb2.ImportItem(json=line) for line in lines[first : first + 4]]
            chunk = feedback_pb2.AppendImportRequest(import_id=name, first_line=first + 1, items=items)
            answers = [_lines(self._stubs.call("feedback", "AppendImport", chunk).refused) for _ in range(2)]
            self._same("AppendImport", *answers)
            refused |= answers[0]
        close = feedback_pb2.CloseImportRequest(import_id=name, total_lines=len(lines))
        self._stubs.call("feedback", "CloseImport", close)
        told = getattr(
            self._stubs.call("feedback", "GetImport", feedback_pb2.GetImportRequest(import_id=name)), "import"
        )
        counts = (told.stored, told.refused)
        self._history.add(Imported(name, len(lines), frozenset(refused), counts))

    def _line(self) -> str:
        if self._rng.random() < 0.3:
            return "{"
        return json.dumps({"prompt": self._words(), "reply": self._id(), "feedback": {"rating": 4}})


def _lines(refused: Iterable[Any]) -> set[int]:
    return {line.line for line in refused}
