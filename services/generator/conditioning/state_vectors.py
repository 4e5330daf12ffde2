"""The dialogue state as soft tokens: which projector drafts use, and what it makes of a turn's state.

The vectors are a function of the stored state alone and are made here, from the sentence encoder's states of each
filled slot: they need no place in messages or documents, and another attempt makes the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import torch

from services.common.state import state_items
from services.generator.engine import soft_tokens
from services.models.encoder_files import EncoderNotFound
from services.models.sentence_encoder import SentenceEncoder
from services.models.soft_prompt import BadProjector, ItemReader, SoftPrompt, projector_id, read_projector

if TYPE_CHECKING:
    from torch import Tensor

log = structlog.get_logger(__name__)
COMMITTED = Path(__file__).parents[1] / "models" / "weights" / "projectors" / "state.safetensors"


class StateVectors:
    """One projector and the reader of its items; thread-safe. `name` is the projector's content hash."""

    def __init__(self, name: str, projector: SoftPrompt, reader: ItemReader) -> None:
        self.name = name
        self._projector = projector
        self._reader = reader

    def of(self, state: Mapping[str, Any] | None, version: str) -> tuple[tuple[int, ...], dict[int, Tensor]]:
        """Ids for the tail and the vectors they stand for (see `soft_tokens`); both empty for an empty state."""
        return self.of_items(state_items(state), version)

    def of_items(self, texts: Sequence[str], version: str) -> tuple[tuple[int, ...], dict[int, Tensor]]:
        """As `of`, for the items of whatever source the projector was made for: a passage's text is one item."""
        items = self._reader.read(texts, self._projector.config)
        with torch.inference_mode():
            vectors = self._projector(items)
        return soft_tokens(f"{version}:{self.name}", vectors)


def load_state_vectors(file: Path, base_version: str) -> StateVectors | None:
    """The projector in a file with the sentence encoder it was trained on.

    None, with a line in the log, where one of them is missing or the projector stands on other models: the state then
    reaches the model as text.
    """
    try:
        content = file.read_bytes()
        encoder = SentenceEncoder.load()
        projector = read_projector(content, base_version, encoder.name)
    except (OSError, EncoderNotFound, BadProjector) as reason:
        log.warning("state_projector_not_used", file=str(file), reason=str(reason))
        return None
    return StateVectors(projector_id(content), projector, ItemReader(encoder))
