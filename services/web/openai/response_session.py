"""Which session a response's turn goes to: a new one, a conversation, or that of the response before."""

from __future__ import annotations

import grpc
from antiphon import requests
from antiphon.errors import CallError
from antiphon.v1.conversation_pb2 import (
    SPEAKER_ASSISTANT,
    SPEAKER_USER,
    AcceptDraftRequest,
    CreateSessionRequest,
    Draft,
    GetSessionRequest,
    GetTurnRequest,
    HistoryMessage,
    ListTurnsRequest,
    Session,
    Turn,
)

from services.web.errors import WebError
from services.web.gateways import Gateways, Metadata
from services.web.openai.body import refuse
from services.web.openai.continuation import erase_quietly, hashed
from services.web.openai.models import model_not_found, schema_of
from services.web.openai.response_id import ResponseId, read_response_id
from services.web.openai.response_shown import draft_of_round, input_items
from services.web.openai.responses_request import ResponseRequest

PAGE = 500


class ResponseSession:
    """Finds or makes the session of one request. Raises CallError and WebError."""

    def __init__(self, gateways: Gateways, metadata: Metadata, request: ResponseRequest) -> None:
        self._gateways = gateways
        self._conversations = gateways.conversations
        # A session that this request alone has made; it goes where the turn is refused.
        self.fresh = ""
        self._metadata = metadata
        self._request = request

    async def find(self) -> tuple[str, Turn | None]:
        """The session's id, and the turn that the same request has made there before, where it has."""
        if self._request.session_id:
            await self._check_existing(self._request.session_id)
            return self._request.session_id, None
        if self._request.previous:
            return await self._after(self._previous())
        history = self._request.conversation.history_messages()
        return await self._create(history, self._request.named.user or self._own_user(), self._request.model), None

    def _own_user(self) -> str:
        """A name for whom the request does not name: repeated with its key, the same."""
        return f"anonymous-{hashed('user', self._request.named.key or requests.new_request_id())}"

    async def _check_existing(self, session_id: str) -> Session | None:
        """Raises WebError for what a conversation under way does not take."""
        if self._request.conversation.history:
            refuse("input", "in a conversation under way, only what the user says now")
        if not self._request.instructions:
            return None
        session = await self._session(session_id)
        if session.system_text != self._request.instructions:
            refuse("instructions", "a conversation keeps those that it was begun with")
        return session

    async def _session(self, session_id: str) -> Session:
        answer = await self._conversations.GetSession(GetSessionRequest(session_id=session_id), metadata=self._metadata)
        return answer.session

    def _previous(self) -> ResponseId:
        try:
            return read_response_id(self._request.previous)
        except WebError as error:
            raise self._unknown() from error

    # -- after a response -----------------------------------------------------------------------

    async def _after(self, previous: ResponseId) -> tuple[str, Turn | None]:
        try:
            answer = await self._conversations.GetTurn(
                GetTurnRequest(turn_id=previous.turn_id), metadata=self._metadata
            )
        except CallError as error:
            if error.code is grpc.StatusCode.NOT_FOUND:
                raise self._unknown() from error
            raise
        turn = answer.turn
        if previous.round > turn.position.round:
            raise self._unknown()
        session = await self._check_existing(turn.session_id) or await self._session(turn.session_id)
        if session.last_turn_number == turn.number:
            await self._choose(turn, previous.round)
            return session.id, None
        later = await self._turns(session.id)
        following = next((one for one in later if one.number > turn.number and not one.excluded), None)
        if following is None:  # what came after it was taken out again
            return session.id, None
        if self._made(following):
            return session.id, following
        return await self._branch(session, [one for one in later if one.number <= turn.number], previous), None

    @staticmethod
    def _unknown() -> WebError:
        return WebError("no such response", param="previous_response_id", code="previous_response_not_found")

    async def _choose(self, turn: Turn, round: int) -> None:
        """Go on from an earlier draft than the latest."""
        rounds = [draft.round for draft in turn.drafts]
        if rounds and round in rounds and round != max(rounds) and not turn.HasField("accepted_round"):
            await self._conversations.AcceptDraft(
                AcceptDraftRequest(turn_id=turn.id, round=round), metadata=self._metadata
            )

    def _made(self, turn: Turn) -> bool:
        """Whether this very request has made the turn: by its key, or as the official client repeats it."""
        named = self._request.named
        if named.key:
            return turn.request_id == self.request_id("turn")
        return named.retries > 0 and turn.text == self._request.conversation.last.whole

    async def _branch(self, session: Session, turns: list[Turn], previous: ResponseId) -> str:
        """Another way on from a response that was answered to already: a session with what was said up to it."""
        history: list[HistoryMessage] = []
        for turn in turns:
            if turn.excluded:
                continue
            accepted = turn.accepted_round if turn.HasField("accepted_round") else turn.position.round
            round = previous.round if turn.id == previous.turn_id else accepted
            draft = draft_of_round(turn, round)
            if draft is not None and draft.text.strip():
                history += _exchange(turn, draft)
        return await self._create(history, session.user_id, "", session)

    async def _turns(self, session_id: str) -> list[Turn]:
        turns: list[Turn] = []
        token = ""
        while True:
            page = await self._conversations.ListTurns(
                ListTurnsRequest(session_id=session_id, page_size=PAGE, page_token=token), metadata=self._metadata
            )
            turns += page.turns
            token = page.next_page_token
            if not token:
                return turns

    async def _create(self, history: list[HistoryMessage], user: str, model: str, like: Session | None = None) -> str:
        request = CreateSessionRequest(
            request_id=self.request_id("session"),
            user_id=user,
            schema_name=like.schema_name if like is not None else schema_of(model),
            system_text=like.system_text if like is not None else self._request.instructions,
            history=history,
        )
        try:
            answer = await self._conversations.CreateSession(request, metadata=self._metadata)
        except CallError as error:
            if error.code is grpc.StatusCode.NOT_FOUND and like is None:
                raise model_not_found(model) from error
            raise
        if not self._request.named.key:
            self.fresh = answer.session.id
        return answer.session.id

    async def undo(self) -> None:
        """Leave nothing behind of a request that was refused."""
        await erase_quietly(self._gateways, self.fresh, self._metadata)

    def request_id(self, what: str) -> str:
        """The request id that the request's Idempotency-Key stands for; a new one without a key."""
        key = self._request.named.key
        return hashed("key", what, key) if key else requests.new_request_id()


def _exchange(turn: Turn, draft: Draft) -> list[HistoryMessage]:
    """A turn and its draft as what was said elsewhere."""
    said = input_items(turn)[-1]
    words = said["content"][0]["text"] if said["type"] == "message" else ""
    spoken = "" if draft.tool_calls else draft.text
    return [
        HistoryMessage(speaker=SPEAKER_USER, text=words, tool_results=turn.tool_results),
        HistoryMessage(speaker=SPEAKER_ASSISTANT, text=spoken, tool_calls=draft.tool_calls),
    ]
