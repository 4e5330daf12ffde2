"""Notes for the fusion head: which head drafts on notes use, and what it is given of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import structlog
import torch

from services.generator.engine import FusionInput
from services.generator.engine.backends.codec import TokenizerCodec
from services.models.fusion import BadHead, head_id, read_head
from services.models.language_model import input_embeddings
from services.models.note_states import NAME, READER, NoteFeatures, NoteHead, note_ids

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend, Codec

log = structlog.get_logger(__name__)


class KnowledgeFusion:
    """One head and what reads notes for it; thread-safe. `name` is the head's content hash."""

    def __init__(self, name: str, head: NoteHead, codec: Codec, features: NoteFeatures) -> None:
        self.name = name
        self._head = head
        self._codec = codec
        self._features = features

    @classmethod
    def load(cls, file: Path, folder: Path, base_version: str, backend: Backend) -> KnowledgeFusion | None:
        """Load a head's file into the backend (before its engine starts).

        None, with a line in the log, where there is none that fits the base model: notes then go without it.
        """
        try:
            content = file.read_bytes()
            head = cast(NoteHead, read_head(content, base_version, NoteHead))
            if head.config.reader != READER:
                raise BadHead(f"the head was trained on vectors of {head.config.reader}, not {READER}")
        except (OSError, BadHead) as reason:
            log.warning("knowledge_head_not_used", file=str(file), reason=str(reason))
            return None
        table = input_embeddings(folder)
        if table is None or not isinstance(backend.codec, TokenizerCodec):
            log.warning("knowledge_head_not_used", reason="the model's embeddings or its codec are of an unknown kind")
            return None
        name = head_id(content)
        backend.load_head(name, head)
        return cls(name, head, backend.codec, NoteFeatures(table))

    def of(self, lines: Sequence[str]) -> FusionInput | None:
        """The row's input for a draft on these notes; None where there are none."""
        if not lines:
            return None
        with torch.inference_mode():
            found = self._features.of([note_ids(self._codec.encode, line) for line in lines])
            return FusionInput(self.name, {NAME: self._head.reader.prepared(*found)})
