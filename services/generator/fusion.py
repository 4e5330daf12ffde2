"""Feedback for the fusion head: which head revisions use, and what it is given of a turn's feedback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from services.common.constraints import Constraint
from services.generator.backends.codec import TokenizerCodec
from services.generator.engine import FusionInput
from services.models.feedback_reader import READER, FeedbackReader
from services.models.feedback_vectors import DraftVectors, FeedbackVectors
from services.models.fusion import BadHead, FusionHead, head_id, read_head
from services.models.language_model import iterate_weights

if TYPE_CHECKING:
    from services.generator.backends.base import Backend
    from services.models.feedback_reader import Spelling

log = structlog.get_logger(__name__)
_EMBEDDINGS = ("model.embed_tokens.weight", "transformer.wte.weight", "embed_tokens.weight")


class FeedbackFusion:
    """One head and what its vectors are made with; thread-safe."""

    def __init__(self, head: str, codec: Spelling, vectors: FeedbackVectors) -> None:
        self.head = head
        self._codec = codec
        self._vectors = vectors

    def of(self, comment: str, constraints: Sequence[Constraint]) -> FusionInput:
        """The row's input for a revision after this feedback."""
        return FusionInput(
            self.head,
            follow=lambda: DraftVectors(self._vectors, FeedbackReader(self._codec, comment, constraints)),
        )

    def of_turn(self, turn: Mapping[str, Any], constraints: Sequence[Constraint]) -> FusionInput | None:
        """The input of the turn's current round; None for rounds without feedback."""
        feedback = turn["drafts"][turn["round"]].get("feedback") if turn["round"] else None
        if not feedback:
            return None
        return self.of(str(feedback.get("comment") or ""), constraints)


def load_fusion(file: Path, folder: Path, base_version: str, backend: Backend) -> FeedbackFusion | None:
    """Load a head's file into the backend (before its engine starts).

    None, with a line in the log, where there is no such file, or where the head stands on another base model or on
    vectors that this code does not make: revisions then go without it.
    """
    if not file.is_file():
        log.warning("fusion_head_missing", file=str(file))
        return None
    content = file.read_bytes()
    try:
        head: FusionHead = read_head(content, base_version)
        if head.config.reader != READER:
            raise BadHead(f"the head was trained on vectors of {head.config.reader}, not {READER}")
    except BadHead as reason:
        log.info("fusion_head_not_used", reason=str(reason))
        return None
    table = next((t for name, t in iterate_weights(folder) if name in _EMBEDDINGS), None)
    if table is None:
        log.info("fusion_head_not_used", reason="the model's embeddings have an unknown name")
        return None
    if not isinstance(backend.codec, TokenizerCodec):
        return None
    name = head_id(content)
    backend.load_head(name, head)
    return FeedbackFusion(name, backend.codec, FeedbackVectors(table))
