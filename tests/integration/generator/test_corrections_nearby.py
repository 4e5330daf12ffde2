"""What the knowledge base does not answer, a reviewer's correction that comes near may."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.evidence import Answer, Evidence, Piece
from services.common.settings import CommonSettings
from services.common.store import Request, Store
from services.generator.settings import GeneratorSettings
from services.generator.turns.correction_composer import CorrectionComposer
from services.generator.turns.corrections import CorrectionDesk
from services.models.scope.scope import ScopeJudge

TENANT = "default"
REPLY = "Wheelchairs get in by the ramp behind the station shop."
UNKNOWN = Evidence("en", (Answer("fact", "unknown", 0.1),)).to_json()
ANSWERED = Evidence("en", (Answer("fact", "answered", 0.9, (Piece("fact", "f", 1, 0, 3),)),)).to_json()


@pytest.fixture
def store(mongo: MongoServer, database: str) -> Iterator[Store]:
    store = Store(CommonSettings(mongo_url=mongo.url, mongo_database=database))
    store.prepare()
    yield store
    store.close()


def _corrected(store: Store, imported: bool) -> None:
    fields: dict[str, Any] = {"edited_text": REPLY, **({"import": "import_1"} if imported else {})}
    record, _ = store.feedback.submit(TENANT, Request("SubmitFeedback", "once", ""), fields)
    example = {"prompt": "Which shop can I enter with a wheelchair?", "answer": REPLY, "kind": "correction"}
    store.examples.add(TENANT, [{**example, "feedback": record["_id"]}])


def _composer(store: Store, policy: str = "quote", inside: bool = False) -> CorrectionComposer:
    settings = GeneratorSettings()
    desk = CorrectionDesk(store, ScopeJudge.load(), settings)
    return CorrectionComposer(desk, settings, lambda _turn: policy, lambda _turn: inside)


def _turn(text: str, evidence: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return {"_id": f"turn-{text}", "tenant": TENANT, "text": text, "round": number, "grounding": {"evidence": evidence}}


NEAR = "I am in a wheelchair, how do I get into a shop?"


def test_a_correction_nearby_is_quoted_where_nothing_else_answers(store: Store) -> None:
    _corrected(store, imported=True)
    reply = _composer(store).compose(_turn(NEAR, UNKNOWN))
    assert reply is not None
    assert reply.text == REPLY
    assert reply.about["correction"]["use"] == "quoted"


@pytest.mark.parametrize(
    ("text", "evidence", "number"),
    [
        (NEAR, ANSWERED, 0),  # the knowledge base answers
        (NEAR, UNKNOWN, 1),  # a revision is the engine's
        ("What is the capital of France?", UNKNOWN, 0),
        ("Do you sell umbrellas?", UNKNOWN, 0),
        (NEAR, {}, 0),  # no knowledge base was asked
    ],
)
def test_everything_else_is_left_alone(store: Store, text: str, evidence: dict[str, Any], number: int) -> None:
    _corrected(store, imported=True)
    assert _composer(store).compose(_turn(text, evidence, number)) is None


def test_what_the_knowledge_base_has_for_one_question_is_weighed_against_a_correction(store: Store) -> None:
    _corrected(store, imported=True)
    desk = CorrectionDesk(store, ScopeJudge.load(), GeneratorSettings())

    def surely(evidence: dict[str, Any]) -> float:
        found = desk.of_turn(_turn("How do I get in with a wheelchair?", evidence), None, [])
        assert found is not None
        return found.probability

    two = Evidence("en", (Answer("fact", "unknown", 0.1), Answer("fact", "unknown", 0.1))).to_json()
    assert surely(ANSWERED) < surely(UNKNOWN)
    assert surely(two) == surely({}) == surely({**UNKNOWN, "language": "fr"})


def test_a_users_own_edit_and_a_free_turn_are_not_quoted(store: Store) -> None:
    _corrected(store, imported=False)
    assert _composer(store).compose(_turn(NEAR, UNKNOWN)) is None


def test_a_turn_that_is_written_freely_or_lies_in_a_scope_is_left_to_the_engine(store: Store) -> None:
    _corrected(store, imported=True)
    assert _composer(store, policy="free").compose(_turn(NEAR, UNKNOWN)) is None
    assert _composer(store, inside=True).compose(_turn(NEAR, UNKNOWN)) is None
