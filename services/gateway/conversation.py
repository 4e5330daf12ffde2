"""ConversationService: the turn RPCs; those of sessions are in ``sessions``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from antiphon.v1 import common_pb2
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import conversation_pb2_grpc as rpc

from services.common.clock import now
from services.common.errors import InvalidArgument
from services.common.store import Accepted, Document, NewTurn, Outlook, Request, Store, TurnLimits
from services.common.store.takeovers import mode_of
from services.common.tools.calls import results_text
from services.gateway import tools
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.dispatch import Dispatch
from services.gateway.mapping.activity import activity_message
from services.gateway.mapping.sessions import POLICIES
from services.gateway.mapping.turns import settings_json, turn_message
from services.gateway.quotas import Quotas
from services.gateway.reply_formats import check_format
from services.gateway.sessions import SessionRpcs
from services.gateway.settings import GatewaySettings
from services.gateway.talk import Followed, Place, Talk
from services.gateway.threads import Threads
from services.gateway.watching import Watching

Context = Any
MAX_TIMEOUT = 86_400.0
MOST_DAYS = 32
OUTCOMES: dict[str, pb.CancelOutcome.ValueType] = {
    "now": pb.CANCEL_OUTCOME_CANCELLED,
    "cancelled": pb.CANCEL_OUTCOME_ALREADY_CANCELLED,
    "completed": pb.CANCEL_OUTCOME_ALREADY_COMPLETED,
    "failed": pb.CANCEL_OUTCOME_ALREADY_FAILED,
}


class ConversationService(SessionRpcs, rpc.ConversationServiceServicer):
    """Validates, calls ``Talk`` and the store, answers."""

    def __init__(
        self,
        settings: GatewaySettings,
        store: Store,
        threads: Threads,
        dispatch: Dispatch,
        talk: Talk,
        quotas: Quotas,
        watching: Watching,
    ) -> None:
        self._settings = settings
        self._store = store
        self._threads = threads
        self._dispatch = dispatch
        self._talk = talk
        self._quotas = quotas
        self._watching = watching

    # -- streams --------------------------------------------------------------------------------

    async def SendTurn(self, request: pb.SendTurnRequest, context: Context) -> AsyncIterator[pb.SendTurnResponse]:
        key = check.request_of("SendTurn", request)
        session_id = check.identifier("session_id", request.session_id)
        results = tools.results_json("tool_results", request.tool_results, self._settings.max_text)
        text = check.words("text", request.text, self._settings.max_text, needed=not results)
        await self._check(request.settings)
        check.choice("policy", pb.DoubleTextingPolicy, request.policy)
        watermark = check.watermark("min_watermark", request.min_watermark)
        deadline = self._settings.turn_deadline_seconds
        if request.HasField("timeout"):
            deadline = check.seconds("timeout", request.timeout, MAX_TIMEOUT)
        extra: Document = {"without_knowledge": True} if request.without_knowledge else {}
        if request.HasField("offer"):
            extra["offer"] = await self._threads.run(tools.offer_json, request.offer)
        if results:
            extra |= {"tool_results": results, "without_knowledge": True}
            text = results_text(results, text)

        def new(outlook: Outlook) -> NewTurn:
            if results:
                self._check_answers(outlook, results, key)
            policy = POLICIES.get(request.policy) or outlook.session["policy"]
            settings = settings_json(request.settings)
            turn = self._new_turn(outlook, text, key, policy, settings, watermark, extra)
            return replace(turn, schema=None) if results else turn  # what tools say is not the user's wish

        followed = await self._talk.send(caller().tenant, session_id, key, new, self._limits(deadline))
        async with aclosing(self._talk.follow(followed, wait=request.wait_for_completion)) as events:
            async for event in events:
                yield pb.SendTurnResponse(event=event)

    async def ReviseTurn(self, request: pb.ReviseTurnRequest, context: Context) -> AsyncIterator[pb.ReviseTurnResponse]:
        key = check.request_of("ReviseTurn", request)
        turn = check.identifier("turn_id", request.turn_id)
        basis = request.WhichOneof("basis")
        if basis is None:
            raise InvalidArgument("basis", "give feedback, or resample for another draw")
        feedback = check.feedback(request.feedback, self._settings.max_text) if basis == "feedback" else None
        await self._check(request.settings)
        watermark = check.watermark("min_watermark", request.min_watermark)
        expected = request.expected_round if request.HasField("expected_round") else None
        settings = settings_json(request.settings)
        followed = await self._reopen(turn, key, expected, feedback, settings, watermark=watermark)
        async with aclosing(self._talk.follow(followed, wait=request.wait_for_completion)) as events:
            async for event in events:
                yield pb.ReviseTurnResponse(event=event)

    async def RetryTurn(self, request: pb.RetryTurnRequest, context: Context) -> AsyncIterator[pb.RetryTurnResponse]:
        key = check.request_of("RetryTurn", request)
        turn = check.identifier("turn_id", request.turn_id)
        await self._check(request.settings)
        followed = await self._reopen(turn, key, None, None, settings_json(request.settings), retry=True)
        async with aclosing(self._talk.follow(followed, wait=request.wait_for_completion)) as events:
            async for event in events:
                yield pb.RetryTurnResponse(event=event)

    async def EditTurn(self, request: pb.EditTurnRequest, context: Context) -> AsyncIterator[pb.EditTurnResponse]:
        key = check.request_of("EditTurn", request)
        turn_id = check.identifier("turn_id", request.turn_id)
        text = check.words("text", request.text, self._settings.max_text)
        await self._check(request.settings)
        watermark = check.watermark("min_watermark", request.min_watermark)
        settings = settings_json(request.settings)
        offer = await self._threads.run(tools.offer_json, request.offer) if request.HasField("offer") else None

        def new(outlook: Outlook, old: Document) -> NewTurn:
            merged = {**(old.get("settings") or {}), **settings}
            kept = {name: old[name] for name in ("offer", "tool_results", "without_knowledge") if old.get(name)}
            extra = {**kept, "replaces": turn_id, **({"offer": offer} if offer else {})}
            said = results_text(old["tool_results"], text) if old.get("tool_results") else text
            turn = self._new_turn(outlook, said, key, "rollback", merged, watermark, extra)
            return replace(turn, schema=None) if old.get("tool_results") else turn

        limits = self._limits(self._settings.turn_deadline_seconds)
        followed = await self._talk.edit(caller().tenant, turn_id, key, new, limits)
        async with aclosing(self._talk.follow(followed, wait=request.wait_for_completion)) as events:
            async for event in events:
                yield pb.EditTurnResponse(event=event)

    async def AttachTurn(self, request: pb.AttachTurnRequest, context: Context) -> AsyncIterator[pb.AttachTurnResponse]:
        turn = check.identifier("turn_id", request.turn_id)
        place = None
        if request.HasField("position"):
            given = request.position
            for name in ("round", "attempt", "offset"):
                check.between(f"position.{name}", getattr(given, name), 0, check.MAX_INT64)
            writer = check.identifier("position.writer", given.writer) if given.writer else ""
            place = Place(given.round, given.attempt, given.offset, writer)
        followed = self._talk.attach(caller().tenant, turn, place, wait=request.wait_for_completion)
        async with aclosing(followed) as events:
            async for event in events:
                yield pb.AttachTurnResponse(event=event)

    async def _check(self, settings: common_pb2.DecodingSettings) -> None:
        """Raises InvalidArgument for settings that no reply can be decoded by. Schemas are looked at off the loop."""
        check.decoding(settings)
        if settings.HasField("reply_format"):
            await self._threads.run(check_format, "settings.reply_format", settings.reply_format)

    def _new_turn(
        self,
        outlook: Outlook,
        text: str,
        key: Request,
        policy: str,
        settings: Document,
        watermark: int,
        extra: Document,
    ) -> NewTurn:
        session = outlook.session
        if session.get("system_text"):
            extra = {**extra, "system_text": session["system_text"]}
        access = [label for label in session.get("access") or () if caller().granted([label])]
        if access:
            extra = {**extra, "access": access}
        return NewTurn(
            session=session["_id"],
            text=text,
            request=key,
            policy=policy,
            reply_to=self._dispatch.reply_to,
            user=session["user"],
            version=self._store.versions.resolve(session["tenant"], session, outlook.pointer),
            schema=session.get("schema"),
            held=mode_of(session) != "bot",
            settings=settings,
            min_watermark=watermark,
            extra=extra,
        )

    def _check_answers(self, outlook: Outlook, results: list[Document], key: Request) -> None:
        """Raises InvalidArgument unless the results answer the last turn's call, or came by this request before."""
        session = outlook.session
        if self._store.turns.of_request(session["tenant"], key) is None:
            last = self._store.turns.last_of(session["tenant"], [session["_id"]], whole=True)
            tools.check_answers("tool_results", results, tools.calls_of(last.get(session["_id"])))

    def _limits(self, deadline: float) -> TurnLimits:
        return TurnLimits(self._settings.open_turns_per_tenant, deadline, self._settings.retry_after_seconds)

    async def _reopen(
        self,
        turn: str,
        key: Request,
        expected: int | None,
        feedback: Document | None,
        settings: Document,
        *,
        watermark: int = 0,
        retry: bool = False,
    ) -> Followed:
        tenant = caller().tenant
        limits = self._limits(self._settings.turn_deadline_seconds)

        def reopen() -> Accepted:
            reopened = self._store.rounds.reopen_for_revision(
                tenant,
                turn,
                request=key,
                expected_round=expected,
                feedback=feedback,
                reply_to=self._dispatch.reply_to,
                max_rounds=self._settings.max_rounds,
                settings=settings,
                min_watermark=watermark,
                deadline_seconds=self._settings.turn_deadline_seconds,
                retry=retry,
            )
            if feedback is not None:
                self._store.feedback.of_revision(tenant, key, reopened.turn, feedback)
            return reopened

        return await self._talk.reopen(tenant, turn, key, reopen, limits)

    # -- single answers -------------------------------------------------------------------------

    async def CancelTurn(self, request: pb.CancelTurnRequest, context: Context) -> pb.CancelTurnResponse:
        key = check.request_of("CancelTurn", request)
        outcome, turn = await self._talk.cancel(caller().tenant, check.identifier("turn_id", request.turn_id), key)
        return pb.CancelTurnResponse(outcome=OUTCOMES[outcome], turn=turn_message(turn))

    async def AcceptDraft(self, request: pb.AcceptDraftRequest, context: Context) -> pb.AcceptDraftResponse:
        key = check.request_of("AcceptDraft", request)
        turn_id = check.identifier("turn_id", request.turn_id)
        chosen = request.round if request.HasField("round") else None
        if chosen is not None:
            check.between("round", chosen, 0, check.MAX_INT64)
        tenant = caller().tenant

        def accept() -> Document:
            accepted = self._store.rounds.accept_draft(tenant, turn_id, chosen, key)
            self._store.feedback.of_acceptance(tenant, accepted)
            return accepted

        return pb.AcceptDraftResponse(turn=turn_message(await self._threads.run(accept)))

    async def PostReply(self, request: pb.PostReplyRequest, context: Context) -> pb.PostReplyResponse:
        key = check.request_of("PostReply", request)
        turn_id = check.identifier("turn_id", request.turn_id)
        text = check.words("text", request.text, self._settings.max_text)
        author = check.words("author", request.author, check.MAX_USER, needed=False)
        turn = await self._talk.post_reply(caller().tenant, turn_id, key, text, author)
        await self._threads.run(self._store.feedback.of_reply, turn, caller().key, caller().role)
        return pb.PostReplyResponse(turn=turn_message(turn))

    async def GetActivity(self, request: pb.GetActivityRequest, context: Context) -> pb.GetActivityResponse:
        until = check.time("end_time", request.end_time) if request.HasField("end_time") else now()
        since = until.replace(hour=0, minute=0, second=0, microsecond=0)
        if request.HasField("start_time"):
            since = check.time("start_time", request.start_time)
        if since >= until:
            raise InvalidArgument("end_time", "is not after start_time")
        if (until - since).days >= MOST_DAYS:
            raise InvalidArgument("start_time", f"more than {MOST_DAYS} days before end_time")
        figures = await self._threads.run(self._store.activity.between, caller().tenant, since, until)
        return activity_message(figures, since, until)

    async def GetTurn(self, request: pb.GetTurnRequest, context: Context) -> pb.GetTurnResponse:
        turn_id = check.identifier("turn_id", request.turn_id)
        tenant = caller().tenant

        def read() -> pb.Turn:
            turn = self._store.turns.get(tenant, turn_id)
            last = self._store.turns.last_of(tenant, [turn["session"]])
            return turn_message(turn, followed=turn["n"] < last.get(turn["session"], turn)["n"])

        return pb.GetTurnResponse(turn=await self._threads.run(read))

    async def ListTurns(self, request: pb.ListTurnsRequest, context: Context) -> pb.ListTurnsResponse:
        session_id = check.identifier("session_id", request.session_id)
        size = check.page_size(request.page_size)
        after = check.page_number("page_token", request.page_token)
        tenant = caller().tenant

        def read() -> list[pb.Turn]:
            self._store.sessions.get(tenant, session_id)
            found = self._store.turns.page(
                tenant, session_id, after_n=after, limit=size, newest_first=request.latest_first
            )
            last = self._store.turns.last_of(tenant, [session_id]).get(session_id)
            return [turn_message(turn, followed=last is not None and turn["n"] < last["n"]) for turn in found]

        turns = await self._threads.run(read)
        following = str(turns[-1].number) if len(turns) == size else ""
        return pb.ListTurnsResponse(turns=turns, next_page_token=following)
