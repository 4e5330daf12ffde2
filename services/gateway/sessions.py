"""The session RPCs of ConversationService."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from antiphon.v1 import conversation_pb2 as pb

from services.common.errors import InvalidArgument, PermissionDenied
from services.common.store import Document, Request, Store
from services.common.store.takeovers import Mode
from services.common.store.turns import Exchange
from services.common.tools.calls import results_text
from services.gateway import tools
from services.gateway import validation as check
from services.gateway.access import may_see, selection
from services.gateway.auth import caller, sees_suggestions, whose
from services.gateway.dispatch import Dispatch
from services.gateway.mapping.sessions import MODES, POLICIES, STATUSES, session_message
from services.gateway.mapping.turns import turn_message
from services.gateway.quotas import Quotas
from services.gateway.settings import GatewaySettings
from services.gateway.talk import Talk
from services.gateway.threads import Threads
from services.gateway.watching import Seen, Watching

MAX_SYSTEM_TEXT = 8_000
MAX_NOTE = 1_000
MOST_SHOWN = 400  # code points of a text in work that a watcher is shown
Context = Any


class SessionRpcs:
    """A mixin of ConversationService: sessions are made, read, changed, listed, ended and erased."""

    _settings: GatewaySettings
    _store: Store
    _threads: Threads
    _dispatch: Dispatch
    _quotas: Quotas
    _talk: Talk
    _watching: Watching

    async def CreateSession(self, request: pb.CreateSessionRequest, context: Context) -> pb.CreateSessionResponse:
        key = check.request_of("CreateSession", request)
        who = caller()
        user = check.words("user_id", request.user_id or who.user, check.MAX_USER)
        if who.user and user != who.user:
            raise PermissionDenied("an end user's credential is for its own user alone", reason="OTHER_USER")
        check.words("schema_name", request.schema_name, check.MAX_ID, needed=False)
        check.choice("policy", pb.DoubleTextingPolicy, request.policy)
        check.words("system_text", request.system_text, MAX_SYSTEM_TEXT, needed=False)
        fields: Document = {
            "user": user,
            "owner": who.key,
            "policy": POLICIES.get(request.policy, "enqueue"),
            "labels": check.labels("labels", request.labels),
            **_meant(request.labels),
            "system_text": request.system_text,
        }
        history = self._history(request)
        session = await self._threads.run(self._create, caller().tenant, key, request.schema_name, fields, history)
        return pb.CreateSessionResponse(session=session)

    def _history(self, request: pb.CreateSessionRequest) -> list[Exchange]:
        """What user and assistant said in turns."""
        given = request.history
        if len(given) > self._settings.max_history:
            raise InvalidArgument("history", f"{len(given)} messages, at most {self._settings.max_history} are taken")
        most = self._settings.max_text
        calls = [tools.calls_json(f"history[{at}].tool_calls", one.tool_calls, most) for at, one in enumerate(given)]
        results = [
            tools.results_json(f"history[{at}].tool_results", one.tool_results, most) for at, one in enumerate(given)
        ]
        for index, one in enumerate(given):
            check.words(f"history[{index}].text", one.text, most, needed=not (calls[index] or results[index]))
            self._check_side(index, calls, results)
            expected = pb.SPEAKER_ASSISTANT if index % 2 else pb.SPEAKER_USER
            if one.speaker != expected:
                who = "the assistant" if index % 2 else "the user"
                raise InvalidArgument(f"history[{index}].speaker", f"must be {who}: they take turns, the user first")
        if len(given) % 2:
            raise InvalidArgument("history", "ends with the user; send that message with SendTurn")
        return [
            Exchange(
                results_text(results[index], given[index].text) if results[index] else given[index].text,
                tools.spoken(given[index + 1].text, calls[index + 1]),
                calls[index + 1],
                results[index],
            )
            for index in range(0, len(given), 2)
        ]

    @staticmethod
    def _check_side(index: int, calls: list[list[Document]], results: list[list[Document]]) -> None:
        """Raises InvalidArgument for calls of the user's and for results that answer no call."""
        if calls[index] and not index % 2:
            raise InvalidArgument(f"history[{index}].tool_calls", "are the assistant's")
        if results[index] and index % 2:
            raise InvalidArgument(f"history[{index}].tool_results", "are the user's to bring")
        if results[index]:
            tools.check_answers(f"history[{index}].tool_results", results[index], calls[index - 1] if index else [])

    def _create(
        self, tenant: str, key: Request, schema_name: str, fields: Document, history: list[Exchange]
    ) -> pb.Session:
        if schema_name:
            schema = self._store.schemas.get(tenant, schema_name)
            fields = {**fields, "schema": f"{schema['name']}@{schema['revision']}"}
        self._store.erasures.refuse_erased(tenant, fields["user"])
        self._quotas.session(tenant, key)
        session = self._store.sessions.create(tenant, key, fields, self._store.versions.resolve)
        if history:
            self._store.turns.seed(tenant, session, history)
        return self._shown(session)

    async def GetSession(self, request: pb.GetSessionRequest, context: Context) -> pb.GetSessionResponse:
        session_id = check.identifier("session_id", request.session_id)
        tenant = caller().tenant
        session = await self._threads.run(lambda: self._shown(self._store.sessions.get(tenant, session_id)))
        return pb.GetSessionResponse(session=session)

    async def UpdateSession(self, request: pb.UpdateSessionRequest, context: Context) -> pb.UpdateSessionResponse:
        key = check.request_of("UpdateSession", request)
        session_id = check.identifier("session_id", request.session_id)
        check.choice("policy", pb.DoubleTextingPolicy, request.policy)
        changed = check.labels("labels", request.labels)
        policy = POLICIES.get(request.policy, "")

        def changes(session: Document) -> Document:
            fields: Document = {"policy": policy} if policy else {}
            if changed:
                merged = {one["key"]: one["value"] for one in [*(session.get("labels") or ()), *changed]}
                kept = {key: value for key, value in merged.items() if value}
                fields |= {"labels": check.labels("labels", kept), **_meant(kept)}
            return fields

        tenant = caller().tenant
        session = await self._threads.run(
            lambda: self._shown(self._store.sessions.update(tenant, session_id, key, changes))
        )
        return pb.UpdateSessionResponse(session=session)

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        size = check.page_size(request.page_size)
        check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        check.words("user_id", request.user_id, check.MAX_USER, needed=False)
        check.choice("status", pb.SessionStatus, request.status)
        for index, mode in enumerate(request.modes):
            check.choice(f"modes[{index}]", pb.SessionMode, mode)
        modes = sorted({MODES[mode] for mode in request.modes if mode})
        tenant, among = caller().tenant, selection(caller(), whose())

        def read() -> list[pb.Session]:
            found = self._store.sessions.page(
                tenant,
                among=among,
                user=request.user_id,
                status=STATUSES.get(request.status, ""),
                modes=modes,
                handoff_asked=request.handoff_asked,
                before=request.page_token,
                limit=size,
            )
            whole = request.with_last_turn
            last = self._store.turns.last_of(tenant, [session["_id"] for session in found], whole=whole)
            messages = [session_message(session, last.get(session["_id"])) for session in found]
            for message in messages:
                if whole and message.id in last:
                    message.last_turn.CopyFrom(turn_message(last[message.id]))
            return messages

        sessions = await self._threads.run(read)
        following = sessions[-1].id if len(sessions) == size else ""
        return pb.ListSessionsResponse(sessions=sessions, next_page_token=following)

    async def WatchTenant(
        self, request: pb.WatchTenantRequest, context: Context
    ) -> AsyncIterator[pb.WatchTenantResponse]:
        session_id = check.identifier("session_id", request.session_id) if request.session_id else ""
        tenant, end_user = caller().tenant, caller().role == "end_user"
        if session_id:
            await self._threads.run(self._store.sessions.get, tenant, session_id)
        with self._watching.watch(tenant, session_id, end_user=end_user) as watcher:
            while not watcher.closed:
                seen = await watcher.next()
                if seen.anew:
                    yield pb.WatchTenantResponse(begun=pb.WatchBegun())
                for response in await self._threads.run(self._told, seen):
                    yield response
                if not seen.anew and not len(seen):
                    yield pb.WatchTenantResponse()

    def _told(self, seen: Seen) -> list[pb.WatchTenantResponse]:
        """What this call's credential may hear of what a watcher has seen."""
        who, allowed = caller(), whose()
        sessions = self._store.sessions.read(who.tenant, seen.changed | seen.grown.keys())
        visible = {session["_id"]: session for session in sessions if may_see(session, who, allowed)}
        changed = [name for name in visible if name in seen.changed]
        last = self._store.turns.last_of(who.tenant, changed, whole=True)
        responses = []
        for name in changed:
            message = session_message(visible[name], last.get(name))
            if name in last:
                message.last_turn.CopyFrom(turn_message(last[name]))
            responses.append(pb.WatchTenantResponse(session=message))
        for name, change in seen.grown.items():
            if name in visible and (sees_suggestions() or not change.shadow):
                text = change.text or ""
                progress = pb.TextProgress(
                    session_id=name, turn_id=change.turn, length=len(text), end=text[-MOST_SHOWN:], shadow=change.shadow
                )
                responses.append(pb.WatchTenantResponse(progress=progress))
        return responses

    async def Takeover(self, request: pb.TakeoverRequest, context: Context) -> pb.TakeoverResponse:
        key = check.request_of("Takeover", request)
        author = check.words("author", request.author, check.MAX_USER, needed=False) or caller().key
        session = await self._change_mode(request, key, "shadow" if request.shadow else "human", author)
        return pb.TakeoverResponse(session=session)

    async def Return(self, request: pb.ReturnRequest, context: Context) -> pb.ReturnResponse:
        key = check.request_of("Return", request)
        return pb.ReturnResponse(session=await self._change_mode(request, key, "bot", ""))

    async def _change_mode(
        self, request: pb.TakeoverRequest | pb.ReturnRequest, key: Request, mode: Mode, holder: str
    ) -> pb.Session:
        session_id = check.identifier("session_id", request.session_id)
        expected = request.expected_mode_revision if request.HasField("expected_mode_revision") else None
        if expected is not None:
            check.between("expected_mode_revision", expected, 0, check.MAX_INT64)
        session = await self._talk.change_mode(caller().tenant, session_id, key, mode, expected, holder)
        return await self._threads.run(self._shown, session)

    async def Handoff(self, request: pb.HandoffRequest, context: Context) -> pb.HandoffResponse:
        key = check.request_of("Handoff", request)
        session_id = check.identifier("session_id", request.session_id)
        note, tenant = check.words("note", request.note, MAX_NOTE, needed=False), caller().tenant
        session = await self._threads.run(lambda: self._shown(self._store.takeovers.ask(tenant, session_id, key, note)))
        return pb.HandoffResponse(session=session)

    async def EndSession(self, request: pb.EndSessionRequest, context: Context) -> pb.EndSessionResponse:
        key = check.request_of("EndSession", request)
        session_id = check.identifier("session_id", request.session_id)
        tenant = caller().tenant

        def end() -> pb.EndSessionResponse:
            session = self._store.sessions.end(tenant, session_id, key)
            self._cancel_open(tenant, session_id)
            cancelled = self._store.turns.cancelled_by_end(tenant, session_id)
            return pb.EndSessionResponse(session=self._shown(session), cancelled_turns=cancelled)

        return await self._threads.run(end)

    async def EraseSession(self, request: pb.EraseSessionRequest, context: Context) -> pb.EraseSessionResponse:
        check.request_of("EraseSession", request)
        session_id = check.identifier("session_id", request.session_id)
        tenant = caller().tenant

        def erase() -> pb.EraseSessionResponse:
            self._store.sessions.erase(tenant, session_id)
            self._cancel_open(tenant, session_id)
            self._store.feedback.delete_session(tenant, session_id)
            return pb.EraseSessionResponse(erased_turns=self._store.turns.delete_session(tenant, session_id))

        return await self._threads.run(erase)

    def _cancel_open(self, tenant: str, session_id: str) -> None:
        """Cancel all open turns of a session that takes no more. The last goes first, so that none is promoted
        meanwhile."""
        for turn in self._store.turns.open_of(tenant, session_id):
            ended = self._store.turns.cancel_turn(tenant, turn, reason="session_ended")
            if ended is not None:
                self._dispatch.cancelled(ended)
        self._dispatch.forget_session(tenant, session_id)

    def _shown(self, session: Document) -> pb.Session:
        last = self._store.turns.last_of(session["tenant"], [session["_id"]])
        return session_message(session, last.get(session["_id"]))


def _meant(labels: Mapping[str, str]) -> Document:
    """What two labels mean: ``access``, words with commas, which documents of limited access the session's turns may
    find; ``agent``, whom it is handed to. Raises PermissionDenied (LABEL_NOT_GRANTED)."""
    access = sorted({one.strip() for one in labels.get("access", "").split(",") if one.strip()})
    if not caller().granted(access):
        missing = ", ".join(one for one in access if not caller().granted([one]))
        raise PermissionDenied(f"the credential was not granted access to {missing}", reason="LABEL_NOT_GRANTED")
    return {"access": access, "agent": labels.get("agent", "")}
