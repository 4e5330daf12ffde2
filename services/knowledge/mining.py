"""Proposes facts from what people said: turns' messages, comments on drafts, edits of drafts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog

from services.common.facts import FactRevision
from services.common.store import Store
from services.common.store.knowledge import Statement
from services.common.tools.calls import said
from services.knowledge.domain.slots import SlotMatch, denied_facts, match_slot
from services.knowledge.domain.statements import Reading, read_statement
from services.knowledge.domain.text import sentences
from services.knowledge.domain.vectors import Vectors

log = structlog.get_logger(__name__)


class Miner:
    """Everything it finds waits in quarantine with the words it rests on and a question for a reviewer."""

    def __init__(self, store: Store, encode: Callable[[Sequence[str]], Vectors]) -> None:
        self._store = store
        self._encode = encode

    def run(self, tenant: str, turn: str) -> int:
        """Reads a turn and its drafts' feedback; returns how many candidates are new. May run again."""
        document = self._store.turns.get(tenant, turn)
        created = 0
        for provenance, text in _said(document, self._store.feedback.of_turn(tenant, turn)):
            for sentence in sentences(text):
                reading = read_statement(sentence)
                if reading is not None:
                    created += self.propose(tenant, reading, provenance, document.get("user", ""))
        log.info("turn_mined", tenant=tenant, turn=turn, candidates=created)
        return created

    def mine(self, tenant: str, feedback: Sequence[str]) -> int:
        """Reads the claims that batch processing found in these records; returns how many candidates are new."""
        created = 0
        for record in self._store.knowledge.read_claims(tenant, feedback):
            provenance = {"turn": record.get("turn", ""), "feedback": record["_id"], "from": "feedback"}
            for claim in record["claims"]:
                reading = read_statement(claim)
                if reading is not None:
                    created += self.propose(tenant, reading, provenance, record.get("user", ""))
        log.info("feedback_mined", tenant=tenant, records=len(feedback), candidates=created)
        return created

    def propose(self, tenant: str, reading: Reading, provenance: dict[str, Any], author: str) -> bool:
        """Puts a reading into quarantine under the slot it is about; False when it was there, holds already, or denies
        what is not known. What a reading denies is proposed to be taken back."""
        known = [view.fact for view in self._store.knowledge.list_facts(tenant, entity=reading.entity)]
        if reading.negative:
            return self._propose_retraction(tenant, reading, known, provenance, author)
        match = self._match(reading, denied_facts(reading.denied, known), known)
        fact = match.fact
        if fact is not None and fact.value.casefold() == reading.value.casefold():
            return False
        slot = fact.slot if fact is not None else reading.slot
        # The sentence is quoted: of the words that relate ("is", "opens at") no question can be made in good English.
        question = f"Is this so: “{reading.span}”"
        if fact is not None:
            doubt = "" if match.sure else " (It is not certain that both speak of the same thing.)"
            question += f" – and no longer “{_words(fact)}”?{doubt}"
        statement = Statement(
            reading.entity,
            slot,
            reading.value,
            text=reading.span,
            author=author,
            provenance={**provenance, "relation": reading.relation},
        )
        return self._store.knowledge.propose_fact(tenant, statement, question)[1]

    def _match(self, reading: Reading, denied: Sequence[FactRevision], known: Sequence[FactRevision]) -> SlotMatch:
        """The fact whose value the reading denies, else the one that it restates or contradicts."""
        if len(denied) == 1:
            return SlotMatch(denied[0], 1.0, sure=True)
        return match_slot(reading, denied or known, self._encode)

    def _propose_retraction(
        self, tenant: str, reading: Reading, known: Sequence[FactRevision], provenance: dict[str, Any], author: str
    ) -> bool:
        fact = self._match(reading, denied_facts(reading.value, known), ()).fact
        if fact is None:
            return False
        statement = Statement(
            reading.entity,
            fact.slot,
            fact.value,
            text=reading.span,
            author=author,
            multi=fact.multi,
            provenance=provenance,
        )
        question = f"Is “{_words(fact)}” no longer so? It was said: “{reading.span}”"
        return self._store.knowledge.propose_retraction(tenant, statement, question)[1]


def _words(fact: FactRevision) -> str:
    """A fact in the words it was taught in, else its parts."""
    return fact.span or f"{fact.entity}: {fact.slot}: {fact.value}"


def _said(turn: dict[str, Any], feedback: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """(provenance, text) of the user's message, of comments, and of the sentences that an edit brought in."""
    yield {"turn": turn["_id"], "from": "message"}, said(turn)
    drafts = turn.get("drafts") or []
    given = [(one.get("feedback") or {}, one) for one in drafts]
    by_id = {one.get("id"): one for one in drafts}
    given += [(one, by_id.get(one.get("draft"), drafts[-1] if drafts else {})) for one in feedback]
    for one, draft in given:
        provenance = {"turn": turn["_id"], "feedback": str(one.get("_id") or one.get("id") or "")}
        if one.get("comment"):
            yield {**provenance, "from": "comment"}, str(one["comment"])
        if one.get("edited_text"):
            before = set(sentences(str(draft.get("text", ""))))
            added = [sentence for sentence in sentences(str(one["edited_text"])) if sentence not in before]
            yield {**provenance, "from": "edit"}, "\n".join(added)
