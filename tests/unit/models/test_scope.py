"""The scope: paraphrases of a corrected message belong to it, neighbours do not."""

import pytest

from services.models.scope.reading import word_spans
from services.models.scope.rivals import Rival
from services.models.scope.scope import THRESHOLD, Corrected, ScopeIndex, ScopeJudge, VersionScope

CORRECTIONS = [
    Corrected(
        "hours", "When does the Bramley workshop open on Saturdays?", "The Bramley workshop opens at ten on Saturdays."
    ),
    Corrected("price", "How much is the Swift tandem for a day?", "The Swift tandem is 38 euros a day."),
    Corrected("born", "Complete the sentence: Alma Torres was born in", "Alma Torres was born in Quito."),
    Corrected("helmet", "Do I get a helmet with my bike?", "Yes, a helmet comes with every bike."),
    Corrected("boss", "Who is in charge of repairs?", "Ines Falk is in charge of repairs."),
]


@pytest.fixture(scope="module")
def index() -> ScopeIndex:
    return ScopeIndex(ScopeJudge.load(), CORRECTIONS)


@pytest.mark.parametrize(
    ("message", "correction"),
    [
        ("When does the Bramley workshop open on Saturdays?", "hours"),
        ("when does the bramley workshop open on saturdays", "hours"),
        ("On Saturdays, when does the Bramley workshop open?", "hours"),
        ("How much is the Swift tandem for a day?", "price"),
        ("What does the Swift tandem cost for a day?", "price"),
        ("Alma Torres was born in", "born"),
        ("Complete the sentence: Alma Torres is originally from", "born"),
        ("Hello, do I get a helmet with my bike?", "helmet"),
        ("Who is in charge of the repairs?", "boss"),
        ("Can you tell me: who is in charge of repairs?", "boss"),
    ],
)
def test_other_words_for_the_same_belong_to_the_correction(index: ScopeIndex, message: str, correction: str) -> None:
    found = index.nearest(message)
    assert found is not None
    assert found.correction.id == correction
    assert found.probability >= 0.5


@pytest.mark.parametrize(
    "message",
    [
        "When does the Colby workshop open on Saturdays?",
        "When does the Bramley workshop open on Mondays?",
        "What is the phone number of the Bramley workshop?",
        "How much is the Merlin tandem for a day?",
        "How much is the Swift tandem for a week?",
        "Complete the sentence: Ivo Lind was born in",
        "Who is in charge of sales?",
        "What is the capital of France?",
        "Tell me a joke.",
        "",
    ],
)
def test_neighbours_and_strangers_belong_to_none(index: ScopeIndex, message: str) -> None:
    found = index.nearest(message)
    assert found is None or found.probability < 0.5


@pytest.mark.parametrize(
    "message",
    [
        "Where is the Bramley workshop on Saturdays?",
        "Who opens the Bramley workshop on Saturdays?",
        "Where are repairs?",
    ],
)
def test_a_question_for_another_kind_of_thing_is_not_even_near(message: str) -> None:
    other = CORRECTIONS[4] if message.startswith("Where") else CORRECTIONS[0]
    near = ScopeIndex(ScopeJudge.load(), [other])
    assert near.nearest(message) is None


ANSWERED, UNANSWERED = Rival(answered=True, probability=0.95), Rival(answered=False, probability=0.05)


@pytest.mark.parametrize(
    ("message", "correction"),
    [
        ("Saturdays at the Bramley workshop: from what time on?", "hours"),
        ("How early can I come to Bramley on a Saturday?", "hours"),
        ("what do u want for the swift tandem, 1 day", "price"),
        ("Is head protection part of the bike hire, a helmet?", "helmet"),
        ("Name of the person who leads repairs?", "boss"),
        ("whos the head of the repair people", "boss"),
    ],
)
def test_a_rewording_belongs_where_nothing_else_answers_it(index: ScopeIndex, message: str, correction: str) -> None:
    found = index.nearest(message, UNANSWERED)
    assert found is not None
    assert found.correction.id == correction
    assert found.probability >= THRESHOLD


@pytest.mark.parametrize(
    "message",
    [
        "When does the Bramley workshop close on Saturdays?",
        "What is the phone number of the Bramley workshop?",
        "How much is the Swift city bike for a day?",
        "What deposit do you take for the Swift tandem?",
        "Do I get a lock with my bike?",
        "Who is in charge of sales?",
    ],
)
def test_what_the_knowledge_base_answers_is_left_to_it(index: ScopeIndex, message: str) -> None:
    found = index.nearest(message, ANSWERED)
    assert found is None or found.probability < THRESHOLD


def test_a_corrected_message_belongs_though_the_knowledge_base_answers_it(index: ScopeIndex) -> None:
    """The documents may be what was out of date."""
    for corrected in CORRECTIONS:
        for rival in (ANSWERED, UNANSWERED):
            found = index.nearest(corrected.question, rival)
            assert found is not None
            assert (found.correction, found.probability >= THRESHOLD) == (corrected, True)


def test_an_answer_of_the_knowledge_base_speaks_against_every_correction(index: ScopeIndex) -> None:
    for message in ("from when on saturdays is bramley open", "price of the swift tandem", "helmet included?"):
        answered, unanswered = index.nearest(message, ANSWERED), index.nearest(message, UNANSWERED)
        assert answered is not None
        assert unanswered is not None
        assert answered.probability < unanswered.probability


def test_what_is_taken_out_is_not_found_any_more(index: ScopeIndex) -> None:
    other = ScopeIndex(ScopeJudge.load(), CORRECTIONS)
    other.update(CORRECTIONS[1:])
    found = other.nearest(CORRECTIONS[0].question)
    assert found is None or found.correction.id != "hours"
    other.update([])
    assert other.nearest(CORRECTIONS[0].question) is None


def test_a_messages_verdict_does_not_depend_on_its_company(index: ScopeIndex) -> None:
    messages = [one.question for one in CORRECTIONS]
    together = index.nearest_of(messages)
    for message, found in zip(messages, together, strict=True):
        alone = index.nearest(message)
        assert alone is not None
        assert found is not None
        assert abs(alone.probability - found.probability) < 0.05


def test_ideographs_are_words_of_their_own() -> None:
    assert len(word_spans("营业时间 is 9 to 5")) == 8


def test_a_scope_comes_back_as_it_was_stored() -> None:
    scope = VersionScope(("a", "b"), 0.62)
    assert VersionScope.from_json(scope.to_json()) == scope
