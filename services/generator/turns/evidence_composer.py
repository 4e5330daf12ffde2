"""Composes replies from the evidence that the knowledge step found: quoted, compared, or honestly not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.common.evidence import Answer, Evidence, Piece
from services.common.evidence.quoting import name_of, quote
from services.common.evidence.wording import Wording, wording
from services.common.passages import Structure
from services.common.store import Document, Store
from services.generator.settings import GeneratorSettings
from services.generator.turns.composed import ComposedReply
from services.generator.turns.grounded import Sources

_GREETS = ("hi", "hello", "hey", "good ", "hallo", "guten", "bonjour", "hola", "你好", "您好", "早上", "晚上")
_LINKS = re.compile(r"^(?:[,;\s]|(?:and|n|und|et|y)\b|&)+", re.IGNORECASE)
"""What joins a question to the one before it."""
_BYES = ("bye", "goodbye", "see you", "tschüss", "au revoir", "再见")


def reply_policy(settings: GeneratorSettings, default: str) -> str:
    """The worker's policy of replies; `default` where its settings leave that to the engine."""
    return default if settings.reply_policy == "auto" else settings.reply_policy


def policy_of(turn: Mapping[str, Any], default: str) -> str:
    """The turn's own policy of replies, else the worker's."""
    return str((turn.get("settings") or {}).get("reply_policy") or default)


@dataclass(frozen=True)
class Said:
    """A sentence of the reply and the piece that it quotes, if any."""

    text: str
    piece: Piece | None = None


class EvidenceComposer:
    """Composes what the policy `quote` wants composed, and what nothing is known of under `grounded` too; everything
    else is left to the engine."""

    revises = False

    def __init__(
        self, store: Store, settings: GeneratorSettings, default: str, corrected: Callable[[Document], bool]
    ) -> None:
        """`default` is the policy of turns and settings that name none; `corrected` says whether people corrected the
        reply to a turn's message, which then is not composed."""
        self._store = store
        self._corrected = corrected
        self._default = reply_policy(settings, default)
        self._unknown = settings.unknown_reply
        self._handoff = settings.handoff_offer

    def compose(self, turn: Document) -> ComposedReply | None:
        """The reply; None where the turn's policy leaves it to the engine, or no knowledge base was asked."""
        record = (turn.get("grounding") or {}).get("evidence")
        if not record or self.policy(turn) == "free" or self._corrected(turn):
            return None
        evidence = Evidence.of(record)
        silent = all(answer.verdict == "unknown" for answer in evidence.answers)
        if self.policy(turn) == "grounded" and not silent:
            return None
        return self._composed(turn, evidence)

    def sources(self, turn: Document) -> Sources | None:
        """What the model's first draft of the turn is held against under `grounded`; None where it may say what it
        likes, or where it answers feedback and its values are held against their sources there."""
        record = (turn.get("grounding") or {}).get("evidence")
        if not record or self.policy(turn) != "grounded" or turn["drafts"][turn["round"]].get("feedback"):
            return None
        evidence = Evidence.of(record)
        quoted = self._composed(turn, evidence)
        return Sources((quoted.text, *quoted.sentences), str(turn["text"]), quoted.text)

    def _composed(self, turn: Document, evidence: Evidence) -> ComposedReply:
        words = wording(evidence.language)
        texts = self._texts(turn["tenant"], evidence)
        said: list[Said] = []
        unknown = 0
        for answer in evidence.answers:
            sentences = self._answered(answer, words, texts)
            if not sentences and answer.kind != "chat":
                unknown += 1
                question = _LINKS.sub("", str(turn["text"])[answer.start : answer.end].strip())
                if len(evidence.answers) > 1:
                    sentences = [Said(words.part_unknown.format(question=question.rstrip("?？ ")))]
            said += sentences
        if not said and not unknown:
            said = [Said(_small_talk(str(turn["text"]), words))]
        if unknown == len(evidence.answers):
            said = [Said(self._unknown or words.unknown)]
        offer = self._handoff or words.handoff
        if unknown:
            said.append(Said(offer))
        return _reply(said, words, handoff=bool(unknown))

    def policy(self, turn: Mapping[str, Any]) -> str:
        """The turn's policy: its own, else the worker's."""
        return policy_of(turn, self._default)

    def _answered(self, answer: Answer, words: Wording, texts: Mapping[str, tuple[str, Structure]]) -> list[Said]:
        """The sentences that answer one question; none where nothing does or its sources are gone."""
        if answer.verdict not in ("answered", "several"):
            return []
        said: list[Said] = []
        for piece in answer.pieces:
            text, structure = texts.get(piece.id, ("", Structure()))
            quotation = quote(piece, text, structure) if piece.kind == "passage" else text
            if quotation and quotation not in [one.text for one in said]:
                said.append(Said(quotation, piece))
        if not said:
            return []
        if answer.polarity:
            said.insert(0, Said(words.yes if answer.polarity == "yes" else words.no))
        if answer.verdict == "several" and len(said) > 1:
            said.insert(0, Said(words.conditions))
        if answer.relation == "equal":
            said.append(Said(words.equal))
        elif answer.relation and answer.pieces:
            _, structure = texts.get(answer.pieces[0].id, ("", Structure()))
            name = name_of(structure)
            if name:
                said.append(Said(words.conclusion.format(name=name)))
        return said

    def _texts(self, tenant: str, evidence: Evidence) -> dict[str, tuple[str, Structure]]:
        """Text and structure of every source by its id; what was erased since is left out."""
        pieces = [piece for answer in evidence.answers for piece in answer.pieces]
        passages = self._store.knowledge.read_passages(
            tenant, list(dict.fromkeys(piece.id for piece in pieces if piece.kind == "passage"))
        )
        texts = {name: (row["text"], Structure.of(row)) for name, row in passages.items()}
        facts = [{"id": piece.id, "revision": piece.revision} for piece in pieces if piece.kind == "fact"]
        for note in self._store.knowledge.read_grounding(tenant, [], facts) if facts else []:
            texts[note.id] = (note.text, Structure())
        return texts


def _reply(said: list[Said], words: Wording, *, handoff: bool) -> ComposedReply:
    sentences: list[str] = []
    citations: list[Document] = []
    at = 0
    for place, one in enumerate(said):
        last = place + 1 == len(said)
        listed = "\n" in one.text or (not last and "\n" in said[place + 1].text)
        joint = "" if last else "\n\n" if listed else words.space
        if one.piece is not None:
            piece = one.piece
            citations.append(
                {
                    "kind": piece.kind,
                    "id": piece.id,
                    "revision": piece.revision,
                    "number": len(citations) + 1,
                    "start": at,
                    "end": at + len(one.text),
                    "marked": False,
                    "supported": True,
                }
            )
        sentences.append(one.text + joint)
        at += len(sentences[-1])
    return ComposedReply(tuple(sentences), "evidence", tuple(citations), handoff=handoff)


def _small_talk(text: str, words: Wording) -> str:
    plain = text.strip().casefold()
    if plain.startswith(_BYES):
        return words.bye
    return words.greeting if plain.startswith(_GREETS) else words.thanks
