"""Which session and which turn a chat completion belongs to: clients send the whole conversation each time.

- No session named: a new one, seeded with what was said before.
- A session named: the last message is its next turn, or another draft where it is the session's last message again.
- Another program's chat named: the session that was made for it, as long as both tell the same story; a changed last
  message replaces the turn; anything else (a branch, a task about the chat) is a session of its own.

With an ``Idempotency-Key`` a request makes one turn, however often it is sent. A request that the official client sends
again by itself follows the turn that it has made before.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import grpc
from antiphon import requests
from antiphon.errors import CallError, FailedPrecondition
from antiphon.follow import Follower
from antiphon.v1.conversation_pb2 import (
    DOUBLE_TEXTING_POLICY_UNSPECIFIED,
    TURN_STATUS_ACTIVE,
    TURN_STATUS_CANCELLED,
    TURN_STATUS_COMPLETED,
    TURN_STATUS_FAILED,
    TURN_STATUS_HELD,
    TURN_STATUS_WAITING,
    CreateSessionRequest,
    EraseSessionRequest,
    ListSessionsRequest,
    ListTurnsRequest,
    Turn,
    TurnEvent,
)

from services.web.gateways import Gateways, Metadata
from services.web.openai.chat_request import ChatRequest
from services.web.openai.models import model_not_found, schema_of
from services.web.openai.reply_formats import instead
from services.web.openai.tools import same_offer

OPEN = (TURN_STATUS_WAITING, TURN_STATUS_ACTIVE, TURN_STATUS_HELD)
BODY_LABEL = "http.body"
SPARE_TURNS = 8  # read beyond what the client knows of: turns that were replaced
MOST_TURNS = 500
# How Open WebUI begins what it asks about a chat: titles, tags, follow-up questions.
TASK = "### Task:"


@dataclass(frozen=True)
class Begun:
    """A turn that is followed: its session and its events from the first on."""

    session_id: str
    events: AsyncGenerator[TurnEvent, None]


class Continuation:
    """Begins the turn that one request is about. Raises CallError."""

    def __init__(self, gateways: Gateways, metadata: Metadata, request: ChatRequest, *, wait: bool) -> None:
        """``wait``: the end is the only event."""
        self._gateways = gateways
        self._metadata = metadata
        self._request = request
        self._wait = wait
        self._offer = request.tools.offer
        # A session that this request alone has made; it goes where the turn is refused.
        self.fresh = ""
        self._text = request.conversation.last.whole  # as a turn keeps it

    async def begin(self) -> Begun:
        """The turn, sent, revised, edited or found."""
        named = self._request.named
        if named.session:
            return await self._in_session(named.session)
        if named.chat and not self._text.startswith(TASK):
            return await self._in_chat()
        if named.retries and not named.key and (begun := await self._found_again()) is not None:
            return begun
        session_id = await self._create(seeded=True)
        return self._follow(session_id, self._send(session_id))

    # -- a session of the contract --------------------------------------------------------------

    async def _in_session(self, session_id: str) -> Begun:
        if self._request.named.key:
            return self._follow(session_id, self._send(session_id))
        texts = self._request.conversation.user_texts
        turns = await self._turns(session_id, 1 if len(texts) == 1 else len(texts) + SPARE_TURNS)
        same = bool(turns) and turns[-1].text == self._text
        if same and (len(texts) == 1 or [turn.text for turn in turns] == texts):
            return await self._again(session_id, turns[-1])
        return self._follow(session_id, self._send(session_id))

    # -- another program's chat -----------------------------------------------------------------

    async def _in_chat(self) -> Begun:
        session_id = await self._create(seeded=False)
        if self._request.named.key:
            return self._follow(session_id, self._send(session_id))
        texts = self._request.conversation.user_texts
        turns = await self._turns(session_id, len(texts) + SPARE_TURNS)
        said = [turn.text for turn in turns]
        if said == texts[:-1]:
            return self._follow(session_id, self._send(session_id))
        if said == texts:
            return await self._again(session_id, turns[-1])
        if len(said) == len(texts) and said[:-1] == texts[:-1]:
            return self._follow(session_id, self._edit(turns[-1]))
        session_id = await self._create(seeded=True)
        return self._follow(session_id, self._send(session_id))

    # -- the same message again -----------------------------------------------------------------

    async def _again(self, session_id: str, turn: Turn) -> Begun:
        """Another draft of a turn; the same one where the client only repeats its request."""
        if turn.status in OPEN or (self._request.named.retries and turn.status == TURN_STATUS_COMPLETED):
            return self._follow(session_id, requests.attach(turn.id, None, wait=self._wait))
        settings = instead(self._request.settings)
        if not same_offer(turn.offer, self._offer):
            return self._follow(session_id, self._edit(turn))
        if turn.status == TURN_STATUS_FAILED:
            follower = requests.retry(turn.id, settings=settings, wait=self._wait, request_id="")
            return await self._opened(session_id, follower, turn)
        if turn.status == TURN_STATUS_CANCELLED:
            return self._follow(session_id, self._edit(turn))
        follower = requests.revise(
            turn.id,
            None,
            expected_round=None,
            settings=settings,
            min_watermark=0,
            wait=self._wait,
            request_id="",
        )
        return await self._opened(session_id, follower, turn)

    async def _opened(self, session_id: str, follower: Follower, turn: Turn) -> Begun:
        """Follow another round; a turn that takes no more of them (ROUND_LIMIT, TURN_ACCEPTED) is said anew."""
        events = self._follow(session_id, follower).events
        try:
            first = await anext(events)
        except FailedPrecondition:
            return self._follow(session_id, self._edit(turn))

        async def all_events() -> AsyncGenerator[TurnEvent, None]:
            yield first
            async with aclosing(events):
                async for event in events:
                    yield event

        return Begun(session_id, all_events())

    async def _found_again(self) -> Begun | None:
        """The turn that the same body has made before, where the client says that it repeats itself."""
        user = self._user()
        page = await self._gateways.conversations.ListSessions(
            ListSessionsRequest(user_id=user, page_size=50), metadata=self._metadata
        )
        digest = self._digest()
        for session in page.sessions:
            if session.labels.get(BODY_LABEL) == digest:
                turns = await self._turns(session.id, 1)
                if (
                    turns
                    and turns[-1].text == self._text
                    and turns[-1].status
                    not in (
                        TURN_STATUS_FAILED,
                        TURN_STATUS_CANCELLED,
                    )
                ):
                    return self._follow(session.id, requests.attach(turns[-1].id, None, wait=self._wait))
                return self._follow(session.id, self._send(session.id))
        return None

    # -- calls ----------------------------------------------------------------------------------

    def _follow(self, session_id: str, follower: Follower) -> Begun:
        events: Any = self._gateways.follow(follower, self._metadata)
        return Begun(session_id, events)

    def _send(self, session_id: str) -> Follower:
        last = self._request.conversation.last
        return requests.send(
            session_id,
            last.text,
            settings=self._request.settings,
            policy=DOUBLE_TEXTING_POLICY_UNSPECIFIED,
            min_watermark=0,
            without_knowledge=self._request.without_knowledge,
            wait=self._wait,
            request_id=self._request_id("turn"),
            offer=self._offer if self._offer.tools else None,
            tool_results=last.results,
        )

    def _edit(self, turn: Turn) -> Follower:
        return requests.edit(
            turn.id,
            self._request.conversation.last.text,
            settings=instead(self._request.settings),
            min_watermark=0,
            wait=self._wait,
            request_id="",
            offer=self._offer,
        )

    async def _turns(self, session_id: str, count: int) -> Sequence[Turn]:
        """The session's latest turns that count, by number."""
        page = await self._gateways.conversations.ListTurns(
            ListTurnsRequest(session_id=session_id, latest_first=True, page_size=min(count, MOST_TURNS)),
            metadata=self._metadata,
        )
        return [turn for turn in reversed(page.turns) if not turn.excluded]

    async def _create(self, *, seeded: bool) -> str:
        """A session: new and seeded with the history, or the one that is always the same for a chat."""
        conversation, named = self._request.conversation, self._request.named
        request = CreateSessionRequest(
            user_id=self._user("" if seeded else named.chat),
            schema_name=schema_of(self._request.model),
            system_text=conversation.system_text,
        )
        if seeded:
            request.history.extend(conversation.history_messages())
            request.labels[BODY_LABEL] = self._digest()
            request.request_id = self._request_id("session")
        else:
            request.labels["chat"] = named.chat[:256]
            request.request_id = hashed("chat", named.chat, request.user_id, request.schema_name, request.system_text)
        try:
            answer = await self._gateways.conversations.CreateSession(request, metadata=self._metadata)
        except CallError as error:
            if error.code is grpc.StatusCode.NOT_FOUND:
                raise model_not_found(self._request.model) from error
            raise
        if seeded and not named.key:
            self.fresh = answer.session.id
        return answer.session.id

    async def undo(self) -> None:
        """Leave nothing behind of a request that was refused."""
        await erase_quietly(self._gateways, self.fresh, self._metadata)

    def _user(self, chat: str = "") -> str:
        """The user as the request names them; what nobody is named in gets a name of its own, a named chat its own."""
        return self._request.named.user or f"anonymous-{hashed('chat', chat) if chat else self._digest()}"

    def _digest(self) -> str:
        """What was said and asked for, in a word."""
        conversation = self._request.conversation
        said = [text for message in conversation.history for text in (message.role, message.whole)]
        settings = self._request.settings.SerializeToString(deterministic=True).hex()
        tools = self._offer.SerializeToString(deterministic=True).hex() if self._offer.tools else ""
        return hashed(self._request.model, settings, conversation.system_text, *said, self._text, tools)

    def _request_id(self, what: str) -> str:
        """The request id that an Idempotency-Key stands for; a new one without a key."""
        key = self._request.named.key
        return hashed("key", what, key) if key else requests.new_request_id()


async def erase_quietly(gateways: Gateways, session_id: str, metadata: Metadata) -> None:
    """Erase a session, where there is one; that it stays behind empty is no error of the request."""
    if session_id:
        with suppress(CallError):
            await gateways.conversations.EraseSession(EraseSessionRequest(session_id=session_id), metadata=metadata)


def hashed(*words: str) -> str:
    """A word of 40 characters for any list of words."""
    joined = hashlib.sha256()
    for word in words:
        encoded = word.encode("utf-8", "surrogatepass")
        joined.update(len(encoded).to_bytes(8, "big") + encoded)
    return joined.hexdigest()[:40]
