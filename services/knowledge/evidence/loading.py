"""The evidence step with what it is shipped with."""

from __future__ import annotations

from pathlib import Path

from services.knowledge.evidence.meaning import MeaningReader
from services.knowledge.evidence.model import AnswerModels
from services.knowledge.evidence.reading import UnitReader
from services.knowledge.evidence.step import EvidenceStep
from services.models.encoder_files import EncoderNotFound
from services.models.evidence_reader import READER, EvidenceReader
from services.models.multilingual import MultilingualEncoder
from services.models.sentence_encoder import SentenceEncoder


def load_step(
    encoder: SentenceEncoder, *, reads: bool = True, means: bool = True, reader: Path = READER
) -> EvidenceStep:
    """The step over an encoder of texts.

    `reads`: with the trained reader, which only the bundled encoder can have; `means`: with the multilingual encoder,
    where it is installed.
    """
    trained = EvidenceReader.load(encoder, reader) if reads and reader.is_file() else None
    meaning = _meaning() if means else None
    models = AnswerModels.load(with_reader=trained is not None, with_meaning=meaning is not None)
    return EvidenceStep(UnitReader(encoder, trained), models, meaning)


def _meaning() -> MeaningReader | None:
    try:
        return MeaningReader(MultilingualEncoder.load())
    except EncoderNotFound:
        return None
