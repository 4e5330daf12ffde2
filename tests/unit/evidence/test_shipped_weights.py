"""The reader and the models that are shipped fit each other and tell an answer from what only looks like one."""

import pytest
import torch

from services.common.passages import Span, Structure
from services.knowledge.evidence.model import CHINESE, WEIGHTS, WITHOUT_READER, AnswerModel, AnswerModels
from services.knowledge.evidence.reading import UnitReader
from services.knowledge.evidence.step import Base, EvidenceStep, Source
from services.knowledge.evidence.words import stems
from services.models.evidence_reader import EvidenceReader
from services.models.sentence_encoder import SentenceEncoder

SENTENCES = (
    "A late checkout until 13:00 costs 25 euros.",
    "Dogs are welcome in the garden rooms.",
    "The pool is heated to 28 degrees.",
    "Breakfast is served from 7:00 to 10:30.",
    "The head of the spa is Jonna Reiter.",
)


def sources() -> list[Source]:
    structures = [Structure("prose", "House rules", spans=(Span(0, len(text)),)) for text in SENTENCES]
    pairs = zip(SENTENCES, structures, strict=True)
    return [
        Source("passage", f"p{number}", 1, 1.0, text, structure, document="rules")
        for number, (text, structure) in enumerate(pairs)
    ]


@pytest.fixture(scope="module")
def step() -> EvidenceStep:
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    return EvidenceStep(UnitReader(encoder, EvidenceReader.load(encoder)), AnswerModels.load(with_reader=True))


def base() -> Base:
    known = frozenset().union(*(stems(text) for text in SENTENCES))
    return Base(lambda stem: 2.0 if stem in known else 0.0, lambda _: {})


@pytest.mark.parametrize("file", [WEIGHTS, WITHOUT_READER, CHINESE])
def test_the_models_were_fitted_on_the_features_that_there_are(file: object) -> None:
    assert AnswerModel.load(file).threshold > 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("Can I bring my dog?", 1),
        ("how warm is the pool", 2),
        ("When is breakfast served?", 3),
        ("what does a late checkout cost?", 0),
        ("Who runs the spa?", 4),
    ],
)
def test_the_sentence_that_answers_is_found(step: EvidenceStep, question: str, place: int) -> None:
    (answer,) = step.evidence(question, [], [], sources(), base()).answers
    assert answer.verdict == "answered"
    assert answer.pieces[0].id == f"p{place}"


@pytest.mark.parametrize(
    "question", ["Do you sell bicycles?", "What is the capital of Peru?", "Can I rent a helicopter?"]
)
def test_what_no_sentence_answers_is_not_known(step: EvidenceStep, question: str) -> None:
    (answer,) = step.evidence(question, [], [], sources(), base()).answers
    assert answer.verdict == "unknown"
    assert not answer.pieces


def test_a_question_that_leans_on_the_one_before_is_completed(step: EvidenceStep) -> None:
    (answer,) = step.evidence(
        "and for dogs?", ["Are children welcome in the garden rooms?"], [], sources(), base()
    ).answers
    assert "p1" in [piece.id for piece in answer.pieces]
