"""Revises replies without the engine where rules and evidence do all that the feedback asks.

Where they do not, the engine writes candidates, which are held against the same sources, and what the rules came to is
the revision unless a candidate does better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.common.constraints import check
from services.common.evidence import Evidence, Piece, units_of
from services.common.evidence.quoting import quote
from services.common.passages import Structure
from services.common.sentences import pieces
from services.common.store import Document, Store
from services.generator.prompt.builder import asked_constraints
from services.generator.revision.policy import RevisionPolicy, to_verify
from services.generator.revision.rule_revision import Material, RuleRevision, revised
from services.generator.turns.composed import ComposedReply

_SENTENCES = 80
_BEYOND = ("language", "must_include", "must_not_include", "keep", "replace", "length")
"""Kinds of constraints about what a reply says: a model that has no source for that glues words on or makes them up, so
that the reply stays as it was and the wish is told unmet."""


@dataclass(frozen=True)
class Revision:
    """A revision by rule of the draft `about`, what it was made of, and the pieces that its sentences quote; `complete`
    where nothing that can be verified is left for the engine."""

    about: Document
    rules: RuleRevision
    material: Material
    pieces: dict[str, Piece]
    complete: bool

    @property
    def sources(self) -> tuple[str, ...]:
        """The texts that a value of the revision may come from."""
        return (str(self.about["text"]), *self.material.all)


class RevisionComposer:
    """Composes revisions of turns whose replies are quoted from a knowledge base."""

    revises = True

    def __init__(self, store: Store, policy: Callable[[Document], str]) -> None:
        """`policy` is a turn's policy of replies."""
        self._store = store
        self._policy = policy

    def compose(self, turn: Document) -> ComposedReply | None:
        """The revision; None where the rules leave something undone that the engine may do."""
        revision = self.revision(turn)
        if revision is None or not revision.complete:
            return None
        text = revision.rules.text
        return ComposedReply(tuple(pieces(text)), "revision", _citations(text, revision.pieces))

    def guarded(self, turn: Document, policy: RevisionPolicy) -> RevisionPolicy:
        """The policy of an engine's revision with the sources of its values and what it must do better than."""
        revision = self.revision(turn)
        if revision is None or policy.context is None:
            return policy
        context = replace(policy.context, sources=revision.sources, kept=revision.rules.text)
        return replace(policy, context=context)

    def revision(self, turn: Document) -> Revision | None:
        """What rules make of the draft before; None where the round has no feedback in words or nothing to quote."""
        grounding = turn.get("grounding") or {}
        feedback = turn["drafts"][turn["round"]].get("feedback") or {}
        comment = str(feedback.get("comment") or "")
        constraints = asked_constraints(turn)
        about = _before(turn)
        if about is None or not grounding.get("evidence") or self._policy(turn) != "quote":
            return None
        if feedback.get("edited_text") or not (comment or constraints):
            return None
        understood = (turn.get("understood") or {}).get(str(turn["round"])) or {}
        asks_more = bool(understood.get("unparsed") or (understood.get("topics") and not constraints))
        material, quoted = self._material(turn, grounding, comment)
        rules = revised(str(about["text"]), constraints, material, asks_more=asks_more)
        left = [one for one in to_verify(constraints) if not check(one, rules.text)]
        return Revision(about, rules, material, quoted, complete=all(one.kind in _BEYOND for one in left))

    def _material(self, turn: Document, grounding: Document, comment: str) -> tuple[Material, dict[str, Piece]]:
        evidence = grounding["evidence"]
        answered = Evidence.of({"language": evidence["language"], "answers": evidence.get("comment") or ()})
        asked = [
            piece for answer in answered.answers if answer.verdict in ("answered", "several") for piece in answer.pieces
        ]
        ids = [one["id"] for one in grounding.get("passages") or ()]
        ids += [piece.id for piece in asked if piece.kind == "passage"]
        rows = self._store.knowledge.read_passages(turn["tenant"], list(dict.fromkeys(ids)))
        quoted: dict[str, Piece] = {}
        answers = []
        for piece in asked:
            row = rows.get(piece.id)
            if piece.kind == "passage" and row is not None:
                sentence = quote(piece, row["text"], Structure.of(row))
                if sentence:
                    answers.append(sentence)
                    quoted.setdefault(sentence, piece)
        for name, row in rows.items():
            structure = Structure.of(row)
            for unit in units_of(structure, row["text"]):
                piece = Piece("passage", name, row["revision"], unit.start, unit.end)
                sentence = quote(piece, row["text"], structure)
                if sentence:
                    quoted.setdefault(sentence, piece)
        facts = grounding.get("facts") or []
        for note in self._store.knowledge.read_grounding(turn["tenant"], [], facts) if facts else []:
            quoted.setdefault(note.text, Piece("fact", note.id, note.revision, 0, len(note.text)))
        sentences = tuple(quoted)[:_SENTENCES]
        return Material(str(turn["text"]), comment, tuple(dict.fromkeys(answers)), sentences), quoted


def _before(turn: Document) -> Document | None:
    """The latest completed draft before the round."""
    for draft in reversed(turn["drafts"][: turn["round"]]):
        if draft.get("status") == "completed" and draft.get("text"):
            return dict(draft)
    return None


def _citations(text: str, quoted: dict[str, Piece]) -> tuple[Document, ...]:
    """The citations of the sentences that stand in the text as they were quoted, none inside another."""
    spans: list[tuple[int, int, Piece]] = []
    for sentence in sorted(quoted, key=len, reverse=True):
        start = text.find(sentence)
        end = start + len(sentence)
        if start >= 0 and not any(start < other_end and other_start < end for other_start, other_end, _ in spans):
            spans.append((start, end, quoted[sentence]))
    return tuple(
        {
            "kind": piece.kind,
            "id": piece.id,
            "revision": piece.revision,
            "number": number,
            "start": start,
            "end": end,
            "marked": False,
            "supported": True,
        }
        for number, (start, end, piece) in enumerate(sorted(spans, key=lambda span: span[0]), 1)
    )
