"""Turns from the caller's side: accept a message, revise, edit, retry, attach, cancel; and follow what comes.

The order of things in an accept: the write, then the stream is subscribed, then the caller hears `accepted`, and
only then the turn is sent on its way. All of it but the hearing happens in one thread of the pool.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from antiphon.v1 import conversation_pb2 as pb

from services.common import metrics
from services.common.errors import FailedPrecondition, OutOfRange
from services.common.store import Accepted, Document, NewTurn, Outlook, Request, Store, TurnLimits
from services.common.store.requests import first_answer
from services.common.store.takeovers import Mode, mode_of
from services.gateway.dispatch import Dispatch
from services.gateway.load import Admitted, Load
from services.gateway.mapping.events import accepted_message, event_message
from services.gateway.quotas import Quotas
from services.gateway.replay import as_of_round, current_draft, events_of
from services.gateway.settings import GatewaySettings
from services.gateway.streams import ENDS, Hub, Stream
from services.gateway.threads import Answer, Pools

SETTLE_SECONDS = 0.04  # a cancel is answered within a tenth of a second


@dataclass(frozen=True)
class Place:
    """Where a client says it stands."""

    round: int
    attempt: int
    offset: int
    writer: str = ""


@dataclass(frozen=True)
class Followed:
    """A turn and the stream that was subscribed before anything could be said about it."""

    accepted: Accepted
    stream: Stream


class Talk:
    """What ConversationService does with turns; raises the errors of ``services.common.errors``."""

    def __init__(
        self,
        settings: GatewaySettings,
        store: Store,
        pools: Pools,
        hub: Hub,
        dispatch: Dispatch,
        load: Load,
        quotas: Quotas,
    ) -> None:
        self._settings = settings
        self._quotas = quotas
        self._store = store
        self._threads = pools.general
        self._turns = pools.turns
        self._cancels = pools.cancels
        self._hub = hub
        self._dispatch = dispatch
        self._load = load

    # -- beginning a stream ---------------------------------------------------------------------

    async def send(
        self, tenant: str, session_id: str, key: Request, new: Callable[[Outlook], NewTurn], limits: TurnLimits
    ) -> Followed:
        """Accept a message; ``new`` makes the turn of the open session it belongs to."""

        def write(admitted: Admitted) -> Accepted:
            outlook = self._store.outlooks.of_session(tenant, session_id)
            turn = new(outlook)
            if outlook.session["status"] != "open":
                known = self._store.turns.of_request(tenant, turn.request)
                if known is not None:
                    return self._store.turns.accepted_again(tenant, known)
            outlook.require_open()
            self._quotas.turn(tenant, turn.request, outlook.quotas)
            allowed = self._limits(tenant, outlook.quotas, limits, admitted)
            accepted = self._store.turns.accept_turn(tenant, turn, allowed, (outlook.newest_n, outlook.busy))
            return self._with_person(tenant, accepted)

        return await self._begin(tenant, key, write)

    def _with_person(self, tenant: str, accepted: Accepted) -> Accepted:
        """A message to a person: in shadow a draft of the bot is begun for them. The mode may have changed since it
        was read, so that the session is settled by what it is now."""
        if accepted.turn["status"] != "held":
            return accepted
        self._dispatch.settled(self._store.takeovers.settle(tenant, accepted.turn["session"]))
        return accepted

    def _limits(self, tenant: str, quotas: Mapping[str, Any], limits: TurnLimits, admitted: Admitted) -> TurnLimits:
        """The tenant's quota in place of the server's default, and whether it has to be counted."""
        allowed = int(quotas.get("open_turns") or limits.open_per_tenant)
        known = self._load.allow(tenant, allowed)
        return replace(limits, open_per_tenant=allowed, count=admitted.near or not known)

    async def reopen(
        self, tenant: str, turn_id: str, key: Request, write: Callable[[], Accepted], limits: TurnLimits
    ) -> Followed:
        """Begin a new round of a turn, in a session that takes turns, by a write that returns it reopened."""

        def checked(admitted: Admitted) -> Accepted:
            session, turn = self._session_of(tenant, turn_id)
            if mode_of(session) != "bot" and key.id not in (turn.get("revision_requests") or ()):
                raise FailedPrecondition("a person answers in this session", reason="SESSION_TAKEN_OVER")
            quotas = self._quotas.of(tenant)
            self._quotas.turn(tenant, key, quotas)
            self._store.turns.check_open(tenant, key, self._limits(tenant, quotas, limits, admitted))
            return write()

        return await self._begin(tenant, key, checked)

    async def edit(
        self,
        tenant: str,
        turn_id: str,
        key: Request,
        new: Callable[[Outlook, Document], NewTurn],
        limits: TurnLimits,
    ) -> Followed:
        """Accept ``new(outlook, old turn)``, which replaces the session's last turn: storing it takes that one out."""

        def write(admitted: Admitted) -> Accepted:
            known = self._store.turns.of_request(tenant, key)
            if known is not None:
                return self._store.turns.accepted_again(tenant, known)
            old = self._store.turns.get(tenant, turn_id)
            outlook = self._store.outlooks.of_session(tenant, old["session"])
            outlook.require_open()
            self._quotas.turn(tenant, key, outlook.quotas)
            turn = replace(new(outlook, old), follows=old["n"])
            allowed = self._limits(tenant, outlook.quotas, limits, admitted)
            return self._with_person(tenant, self._store.turns.accept_turn(tenant, turn, allowed))

        return await self._begin(tenant, key, write)

    def _session_of(self, tenant: str, turn_id: str) -> tuple[Document, Document]:
        turn = self._store.turns.get(tenant, turn_id)
        return self._store.sessions.get_open(tenant, turn["session"]), turn

    async def _begin(self, tenant: str, key: Request, write: Callable[[Admitted], Accepted]) -> Followed:
        admitted = self._load.admit(tenant, key)

        def work(answer: Answer[Accepted, Followed]) -> None:
            accepted = write(admitted)
            answer.give(accepted)
            self._dispatch.accepted(accepted)

        opened: list[Stream] = []

        def subscribe(accepted: Accepted) -> Followed:
            stream = self._hub.open(tenant, accepted.turn["_id"])
            opened.append(stream)
            if accepted.created:
                stream.begin(accepted.turn["round"])
            return Followed(accepted, stream)

        created = False
        try:
            followed = await self._turns.run_until_answered(work, subscribe)
            created = followed.accepted.created
            return followed
        except BaseException:  # the caller went in the very moment of the answer
            for stream in opened:
                self._hub.close(stream)
            raise
        finally:
            admitted.answered(created=created)

    # -- following ------------------------------------------------------------------------------

    async def follow(self, followed: Followed, *, wait: bool) -> AsyncGenerator[pb.TurnEvent, None]:
        """The turn's events from `accepted` to its end; with ``wait`` the end alone."""
        accepted, stream = followed.accepted, followed.stream
        since = time.monotonic() if accepted.created else None
        try:
            if accepted.round is not None and accepted.round < accepted.turn["round"]:
                stream.begin(accepted.round)  # a round that others followed: what it came to, told from the document
                for event in events_of(as_of_round(accepted.turn, accepted.round)):
                    stream.take(event)
            elif not accepted.created:
                await self._catch_up(stream, accepted.turn["tenant"], None)
            if not wait:
                up = self._load.generator_up
                yield accepted_message(accepted.turn, generator_up=up, repeated=not accepted.created)
                if accepted.turn["status"] == "waiting":
                    stream.put("queued", {"place": accepted.position})
            async with aclosing(self._until_end(stream, wait, since)) as messages:
                async for message in messages:
                    yield message
        finally:
            self._hub.close(stream)
            if accepted.created and stream.ended:
                self._load.ended(accepted.turn["tenant"])

    async def attach(
        self, tenant: str, turn: str, place: Place | None, *, wait: bool
    ) -> AsyncGenerator[pb.TurnEvent, None]:
        """Follow a turn from a position on: subscribe, redirect its events here, then read it."""
        stream = self._hub.open(tenant, turn)
        try:
            document = await self._catch_up(stream, tenant, place)
            if not wait:
                yield accepted_message(document, generator_up=self._load.generator_up, repeated=False)
            async with aclosing(self._until_end(stream, wait)) as messages:
                async for message in messages:
                    yield message
        finally:
            self._hub.close(stream)

    async def _catch_up(self, stream: Stream, tenant: str, place: Place | None) -> Document:
        turn = await self._threads.run(self._store.turns.set_reply_to, tenant, stream.turn, self._dispatch.reply_to)
        if place is None:
            stream.begin(turn["round"])
        else:
            _check_place(turn, place)
            stream.begin(place.round, place.attempt, place.offset, place.writer)
        for event in events_of(turn):
            stream.take(event)
        if turn.get("open") and turn["attempt"] > 0:
            stream.want_snapshot()
        return turn

    async def _until_end(
        self, stream: Stream, wait: bool, since: float | None = None
    ) -> AsyncGenerator[pb.TurnEvent, None]:
        """What comes, to the end; the first words are timed from ``since``."""
        while True:
            item = await stream.next()
            if item.kind == "delta" and since is not None:
                metrics.FIRST_DELTA_SECONDS.observe(time.monotonic() - since)
                since = None
            if not wait or item.kind in ENDS:
                yield event_message(stream.turn, item)
            if item.kind in ENDS:
                return

    # -- cancelling -----------------------------------------------------------------------------

    async def cancel(self, tenant: str, turn_id: str, key: Request) -> tuple[str, Document]:
        """Cancel an open turn, once per request: how the turn stood, ``now`` where this request has ended it, and the
        turn right after."""

        def work(answer: Answer[tuple[str, Document, bool], tuple[str, Document, bool]]) -> None:
            cancelled = self._store.turns.cancel_turn(tenant, turn_id, request=key)
            if cancelled is None:
                answer.give((*self._stood(tenant, turn_id, key), False))
                return
            answer.give(("now", cancelled, True))
            self._dispatch.cancelled(cancelled)

        def arrive(given: tuple[str, Document, bool]) -> tuple[str, Document, bool]:
            outcome, turn, won = given
            streamed = self._hub.text_of(turn_id) if won else ""
            return outcome, {**turn, "partial": max(turn.get("partial") or "", streamed, key=len) or None}, won

        outcome, turn, won = await self._cancels.run_until_answered(work, arrive)
        return outcome, (await self._settled(tenant, turn) if won else turn)

    def _stood(self, tenant: str, turn_id: str, key: Request) -> tuple[str, Document]:
        """What a cancel that ended nothing is answered: what it was answered before, else how the turn has ended."""
        while True:
            turn = self._store.turns.get(tenant, turn_id)
            known = first_answer(turn, key)
            if known is not None:
                return known["outcome"], turn
            if turn.get("open"):  # a new round began meanwhile; the caller's wish was the one before
                return "completed", turn
            if self._store.turns.refused_cancel(tenant, turn, key):
                return turn["status"], turn

    async def _settled(self, tenant: str, turn: Document) -> Document:
        """A turn cancelled just now, with the text that it got to: what this gateway has streamed of it, else what its
        engine stores within SETTLE_SECONDS."""
        until = time.monotonic() + SETTLE_SECONDS
        while turn["attempt"] > 0 and not turn.get("partial") and time.monotonic() < until:
            await asyncio.sleep(SETTLE_SECONDS / 2)
            turn = await self._cancels.run(self._store.turns.get, tenant, turn["_id"])
            if current_draft(turn).get("finish_reason"):
                break
        return turn

    async def change_mode(
        self, tenant: str, session_id: str, key: Request, mode: Mode, expected: int | None, holder: str
    ) -> Document:
        """Give a session to a person, or back to the bot, and bring its turns in accord with that."""

        def write() -> Document:
            takeovers = self._store.takeovers
            session = takeovers.change(tenant, session_id, key, mode, expected_revision=expected, holder=holder)
            self._dispatch.settled(takeovers.settle(tenant, session_id))
            return session

        return await self._cancels.run(write)

    async def post_reply(self, tenant: str, turn_id: str, key: Request, text: str, author: str) -> Document:
        """Answer in the assistant's place; a draft in work is cancelled first."""

        def write() -> Document:
            _, turn = self._session_of(tenant, turn_id)
            if turn.get("open"):
                self._store.rounds.check_reply(tenant, turn)
                self._store.turns.cancel_turn(tenant, turn_id, reason="taken_over")
            replied = self._store.rounds.post_reply(tenant, turn_id, key, text, author)
            for earlier in self._store.takeovers.answered_together(tenant, replied):
                self._dispatch.ended(earlier)
            self._dispatch.taken_over(replied)
            return replied

        return await self._threads.run(write)


def _check_place(turn: Document, place: Place) -> None:
    """Raises OutOfRange where the client claims a round or an attempt that has not been."""
    if (place.round, place.attempt) > (turn["round"], turn["attempt"]):
        raise OutOfRange(f"position {place.round}/{place.attempt}/{place.offset} is beyond the turn's")
