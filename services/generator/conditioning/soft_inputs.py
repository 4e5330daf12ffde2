"""What of a prompt stands in it as soft tokens: the dialogue state and the notes, beside their text or instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.common.store import GroundingText
from services.generator.prompt.wording import note_line

if TYPE_CHECKING:
    from torch import Tensor

    from services.generator.conditioning.state_vectors import StateVectors
    from services.generator.settings import GeneratorSettings


@dataclass(frozen=True)
class Soft:
    """Ids for the tail, the vectors they stand for, the texts that stay in the prompt, and the projectors used, as
    the manifest names them."""

    ids: tuple[int, ...] = ()
    vectors: Mapping[int, Tensor] = field(default_factory=dict)
    with_state: bool = True
    with_notes: bool = True
    state_projector: str = ""
    passage_projector: str = ""


class SoftInputs:
    """The projectors in use; without any, everything reaches the model as text. Thread-safe."""

    def __init__(
        self,
        state: StateVectors | None = None,
        passages: StateVectors | None = None,
        *,
        state_text: bool = True,
        notes_text: bool = True,
    ) -> None:
        self._state = state
        self._passages = passages
        self._state_text = state_text
        self._notes_text = notes_text

    @classmethod
    def load(cls, settings: GeneratorSettings, base_version: str) -> SoftInputs:
        """Those that the settings ask for. One that is missing or stands on other models is left out, with a line in
        the log."""
        if settings.state_vectors == settings.passage_vectors == "off":
            return cls()
        from services.generator.conditioning.state_vectors import COMMITTED, load_state_vectors

        state = passages = None
        if settings.state_vectors != "off":
            state = load_state_vectors(Path(settings.state_projector or COMMITTED), base_version)
        if settings.passage_vectors != "off":
            file = Path(settings.passage_projector or COMMITTED.with_name("passages.safetensors"))
            passages = load_state_vectors(file, base_version)
        return cls(
            state,
            passages,
            state_text=settings.state_vectors != "instead",
            notes_text=settings.passage_vectors != "instead",
        )

    def of(self, state: Mapping[str, Any] | None, notes: Sequence[GroundingText], version: str) -> Soft:
        """The soft tokens of a turn: the notes' and then the state's."""
        ids: tuple[int, ...] = ()
        vectors: dict[int, Tensor] = {}
        noted = stated = ""
        if self._passages is not None and notes:
            ids, vectors = self._passages.of_items([note_line(note) for note in notes], version)
            noted = self._passages.name if ids else ""
        if self._state is not None:
            stated_ids, stated_vectors = self._state.of(state, version)
            ids, vectors = (*ids, *stated_ids), {**vectors, **stated_vectors}
            stated = self._state.name if stated_ids else ""
        return Soft(ids, vectors, self._state_text or not stated, self._notes_text or not noted, stated, noted)
