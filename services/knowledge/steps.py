"""The ground step and the search: a message in, ids of what was found out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from services.common import genai, metrics
from services.common.bus import Bus, Delivery, EventPublisher, TurnMessage, topology
from services.common.bus.events import event
from services.common.bus.messages import UnreadableMessage
from services.common.bus.search import SearchRequest
from services.common.errors import Unavailable
from services.common.evidence import Answer, Evidence
from services.common.store import DATABASE_AWAY, Store
from services.common.store.knowledge.questions import Question
from services.common.telemetry import step_span
from services.knowledge.domain.entries import Found
from services.knowledge.domain.index import TenantIndex
from services.knowledge.domain.query import Query, turn_query
from services.knowledge.domain.statements import read_statement
from services.knowledge.domain.text import sentences
from services.knowledge.domain.vectors import Vectors
from services.knowledge.evidence.questions import language_of
from services.knowledge.evidence.spelling import as_meant
from services.knowledge.evidence.step import Base, EvidenceStep, Source, source_of_passage
from services.knowledge.indexes import Indexes
from services.knowledge.settings import KnowledgeSettings

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 0.5  # before a turn is tried again that met no database
MAX_DELIVERIES = 3  # of a turn that was sent again; what kills every worker ends there
_FACT_FLOOR = 0.4  # facts of less than this share of the best one's score are noise in a prompt
Encode = Callable[[Sequence[str]], Vectors]
Propose = Callable[[str, str], None]


class GroundStep:
    """Finds what a turn should be answered with and passes its ids on; stateless, so that it may run twice."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        events: EventPublisher,
        indexes: Indexes,
        encode: Encode,
        properties: Encode,
        settings: KnowledgeSettings,
        propose: Propose,
        evidence: Callable[[], EvidenceStep],
    ) -> None:
        """`encode` reads texts, `properties` what statements say (see `slots`); `evidence` gives what weighs
        what was found.

        `propose(tenant, turn)` has a turn mined for facts; it must not wait.
        """
        self._store = store
        self._bus = bus
        self._events = events
        self._indexes = indexes
        self._encode = encode
        self._properties = properties
        self._settings = settings
        self._propose = propose
        self._evidence = evidence

    def take_turn(self, delivery: Delivery) -> None:
        """Handler of `turns.ground`: grounds the turn, sends it on to `turns.generate`, then acknowledges."""
        try:
            message = TurnMessage.decode(delivery.body)
        except UnreadableMessage as error:
            log.warning("unreadable_message", queue=topology.GROUND, error=str(error))
            delivery.refuse()
            return
        with step_span("ground", delivery.headers, turn=message.turn, **{genai.CONVERSATION: message.session}):
            try:
                grounded = self._grounded(message, redelivered=delivery.redelivered)
            except DATABASE_AWAY as error:
                # It comes back: then the turn has what it asked for. The sweep bounds how often.
                log.warning("database_away", turn=message.turn, error=repr(error))
                delivery.requeue(after=AGAIN_SECONDS)
                return
            except Exception:
                # A turn without grounding is answered; a turn without an answer is not.
                log.exception("ground_failed", tenant=message.tenant, session=message.session, turn=message.turn)
                grounded = message
            try:
                self._bus.publish_turn(topology.GENERATE, grounded)
            except Unavailable:
                delivery.requeue()
                return
        delivery.ack()

    def _grounded(self, message: TurnMessage, *, redelivered: bool) -> TurnMessage:
        """`ground`, unless workers have had the message so often that it may be what they die of."""
        if redelivered or message.again:
            deliveries = self._store.steps.count_delivery(message.tenant, message.turn, "ground")
            if deliveries > MAX_DELIVERIES:
                log.warning("turn_left_ungrounded", turn=message.turn, deliveries=deliveries)
                understood = message.understood or {}
                skipped = [*understood.get("skipped", ()), "grounding"]
                return replace(message, understood={**understood, "skipped": skipped})
        return self.ground(message)

    def ground(self, message: TurnMessage) -> TurnMessage:
        """The message with `passages`, `facts` and `evidence` filled.

        Publishes `grounding` when there is a base to search.

        A message that states something about an entity of the base is sent to be mined.

        An empty base costs nothing: no query, no read, no encoder. With `min_watermark`, waits for it up to the
        setting; what is not there by then is not found.
        """
        if message.skip_ground:
            return message
        index = self._indexes.ready(message.tenant, message.min_watermark, self._settings.ground_wait_seconds)
        if index is None:
            return message
        question = self._store.knowledge.read_question(message.tenant, message.session, message.n, message.round)
        if question is None:
            return message
        asked = f"{question.text}\n{question.comment}" if question.comment else question.text
        query = turn_query(meant_by(asked, index), message.state, question.before, question.access)
        with genai.retrieval(message.session, asked) as span:
            found = self._found(index, query)
            evidence = self._weighed(message.tenant, message.turn, question, query, found, index)
            passages, facts = _references(replace(found, passages=found.passages[: self._settings.ground_passages]))
            genai.retrieved(span, passages, facts)
        if question.comment:
            passages = _with_earlier(passages, question.grounding, 2 * self._settings.ground_passages)
        self._events.put(
            message.reply_to,
            event(
                message.turn,
                "grounding",
                message.round,
                passages=passages,
                facts=facts,
                watermark=found.watermark,
                evidence=evidence,
            ),
        )
        if any(index.facts.knows(one.entity) for one in map(read_statement, sentences(question.text)) if one):
            self._propose(message.tenant, message.turn)
        return replace(message, passages=passages, facts=facts, evidence=evidence)

    def _found(self, index: TenantIndex, query: Query) -> Found:
        """What a turn with this query is grounded on."""
        return index.search(
            query,
            self._encode,
            max(self._settings.ground_passages, self._settings.evidence_passages),
            self._settings.ground_facts,
            _FACT_FLOOR,
            self._properties,
        )

    def _weighed(
        self, tenant: str, asker: str, question: Question, query: Query, found: Found, index: TenantIndex
    ) -> dict[str, Any]:
        """What of the found answers the message; that nothing is known, where it cannot be weighed.

        Of a round that obeys feedback, what answered the message and, as `comment`, what answers the comment.
        """
        began = time.monotonic()
        try:
            rows = self._store.knowledge.read_passages(tenant, [hit.id for hit in found.passages])
            sources = [source_of_passage(rows[hit.id], hit.score) for hit in found.passages if hit.id in rows]
            best = max([source.score for source in sources], default=1.0)
            sources += [
                Source("fact", fact.id, fact.revision, best, fact.prompt_text, entity=fact.entity)
                for fact, _ in found.facts
            ]
            base = Base(index.idf, partial(self._store.knowledge.editions, tenant))
            earlier = (question.grounding or {}).get("evidence") if question.comment else None
            if earlier:
                answers = self._evidence().evidence(
                    question.comment, (question.text, *question.before), query.state, sources, base
                )
                return {**earlier, "comment": answers.to_json()["answers"]}
            evidence = self._evidence().evidence(question.text, question.before, query.state, sources, base)
        except Exception:
            log.exception("evidence_not_weighed", tenant=tenant, asker=asker)
            unknown = Answer("fact", "unknown", 0.0, (), 0, len(question.text))
            evidence = Evidence(language_of(question.text), (unknown,))
        metrics.EVIDENCE_SECONDS.observe(time.monotonic() - began)
        return evidence.to_json()

    def answer_search(self, delivery: Delivery) -> None:
        """Handler of `knowledge.search`: answers with an event of type `searched`."""
        try:
            request = SearchRequest.decode(delivery.body)
        except UnreadableMessage as error:
            log.warning("unreadable_message", queue=topology.SEARCH, error=str(error))
            delivery.refuse()
            return
        index = self._indexes.ready(request.tenant, request.min_watermark, self._settings.ground_wait_seconds)
        with genai.retrieval("", request.query) as span:
            found, evidence = self._searched(request, index)
            passages, facts = _references(found)
            genai.retrieved(span, passages, facts)
        reason = "watermark" if found.watermark < request.min_watermark else ""
        self._events.put(
            request.reply_to,
            event(
                request.id,
                "searched",
                0,
                passages=passages,
                facts=facts,
                watermark=found.watermark,
                evidence=evidence,
                error=reason,
            ),
        )
        delivery.ack()

    def _searched(self, request: SearchRequest, index: TenantIndex | None) -> tuple[Found, dict[str, Any] | None]:
        """What a search found and, where it asked for that, how it answers the question."""
        if index is None:
            return Found((), (), self._indexes.watermark(request.tenant)), None
        if request.weigh:
            question = Question(request.query, (), frozenset(request.labels))
            query = turn_query(meant_by(request.query, index), None, (), question.access)
            found = self._found(index, query)
            return found, self._weighed(request.tenant, request.id, question, query, found, index)
        query = Query(request.query, access=frozenset(request.labels))
        return index.search(query, self._encode, request.limit, request.limit, properties=self._properties), None


def meant_by(text: str, index: TenantIndex) -> str:
    """What is searched for: the text with its slips put right by the words that the index has."""
    return as_meant(text, lambda term: index.idf(term) > 0, index.terms)


def _with_earlier(
    passages: list[dict[str, object]], grounding: Mapping[str, Any] | None, most: int
) -> list[dict[str, object]]:
    """The passages, and behind them those that the turn was grounded on before."""
    ids = {one["id"] for one in passages}
    earlier = [one for one in (grounding or {}).get("passages") or () if one["id"] not in ids]
    return [*passages, *earlier][:most]


def _references(found: Found) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    passages: list[dict[str, object]] = [
        {"id": hit.id, "revision": hit.revision, "score": round(hit.score, 5)} for hit in found.passages
    ]
    facts: list[dict[str, object]] = [
        {"id": fact.id, "revision": fact.revision, "score": round(score, 5)} for fact, score in found.facts
    ]
    return passages, facts
