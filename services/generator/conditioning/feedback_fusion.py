"""Feedback for the fusion head: which head revisions use, and what it is given of a turn's feedback."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from services.common.constraints import Constraint
from services.generator.engine import FusionInput
from services.generator.engine.backends.codec import TokenizerCodec
from services.models.feedback_reader import READER, FeedbackReader
from services.models.feedback_vectors import LATE, DraftVectors, FeedbackVectors
from services.models.fusion import BadHead, FusionHead, head_id, read_head, write_head
from services.models.language_model import input_embeddings

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend, Codec
    from services.models.feedback_reader import Spelling

log = structlog.get_logger(__name__)


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


class FusionLoader:
    """Makes heads ready for revisions on one base model; thread-safe, and the embeddings are read once."""

    def __init__(self, folder: Path, base_version: str, codec: Codec) -> None:
        self._folder = folder
        self._base_version = base_version
        self._codec = codec
        self._lock = threading.Lock()
        self._vectors: FeedbackVectors | None = None

    def read(self, file: Path) -> FusionHead | None:
        """The head in a file; None, with a line in the log, where there is none that stands on this base model."""
        if not file.is_file():
            log.warning("fusion_head_missing", file=str(file))
            return None
        try:
            return read_head(file.read_bytes(), self._base_version)
        except BadHead as reason:
            log.info("fusion_head_not_used", reason=str(reason))
            return None

    def fusion(self, head: FusionHead) -> FeedbackFusion | None:
        """What gives the head its vectors, under its content hash; the head is told which of their entries come late.

        None, with a line in the log, where the head was trained on vectors that this code does not make: revisions
        then go without it.
        """
        if head.config.reader != READER:
            reason = f"the head was trained on vectors of {head.config.reader}, not {READER}"
        elif not isinstance(self._codec, TokenizerCodec):
            reason = "this engine has no tokenizer"
        elif (vectors := self._made()) is None:
            reason = "the model's embeddings have an unknown name"
        else:
            head.late = LATE
            return FeedbackFusion(head_id(write_head(head)), self._codec, vectors)
        log.info("fusion_head_not_used", reason=reason)
        return None

    def _made(self) -> FeedbackVectors | None:
        with self._lock:
            if self._vectors is None:
                table = input_embeddings(self._folder)
                if table is not None:
                    mean = table.float().mean(0)  # reads every page; they go with this mapping
                    table = input_embeddings(self._folder)
                self._vectors = FeedbackVectors(table, mean) if table is not None else None
            return self._vectors

    def load(self, file: Path, backend: Backend) -> FeedbackFusion | None:
        """Load a head's file into the backend (before its engine starts); None where revisions go without it."""
        head = self.read(file)
        fusion = self.fusion(head) if head is not None else None
        if fusion is not None and head is not None:
            backend.load_head(fusion.head, head)
        return fusion


def load_fusion(file: Path, folder: Path, base_version: str, backend: Backend) -> FeedbackFusion | None:
    """A head's file for one base model, loaded into the backend as ``FusionLoader.load`` does."""
    return FusionLoader(folder, base_version, backend.codec).load(file, backend)
