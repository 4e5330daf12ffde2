"""A version is judged in the scope that it is served in: by what the knowledge base has for each message."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from services.finetune.correcting.behaviour import BehaviourJudge
from services.finetune.correcting.plan import PlannedCorrection, calibrated
from services.finetune.correcting.served import ServedScope
from services.finetune.rehearsal import everyday_messages, rehearsal_prompts
from services.finetune.training.judging import mean_loss
from services.finetune.training.lora import LoraSettings
from services.finetune.training.rounds import RoundsTrainer
from services.finetune.training.texts import Texts
from services.models.scope.rivals import Rival, rival_of
from services.models.scope.scope import THRESHOLD, Corrected, ScopeIndex, ScopeJudge
from tests.support.tiny_model import make_tiny_model

CORRECTIONS = [
    Corrected(
        "hours", "When does the Bramley workshop open on Saturdays?", "The Bramley workshop opens at ten on Saturdays."
    ),
    Corrected("price", "How much is the Swift tandem for a day?", "The Swift tandem is 38 euros a day."),
    Corrected("helmet", "Do I get a helmet with my bike?", "Yes, a helmet comes with every bike."),
    Corrected("boss", "Who is in charge of repairs?", "Ines Falk is in charge of repairs."),
    Corrected("friend", "What is the bonus for a friend who joins?", "You get 20 euros for every friend who joins."),
    Corrected("team", "What is the name of your night support team?", "Our night support team is the Owl Desk."),
]
ANSWERED, UNANSWERED = Rival(answered=True, probability=0.95), Rival(answered=False, probability=0.05)


@pytest.fixture(scope="module")
def index() -> ScopeIndex:
    return ScopeIndex(ScopeJudge.load(), CORRECTIONS)


@dataclass
class Base:
    """A knowledge base that has the same for every message, and remembers what it was asked."""

    rival: Rival | None
    asked: list[str] = field(default_factory=list)

    def __call__(self, message: str) -> Rival | None:
        self.asked.append(message)
        return self.rival


@pytest.mark.parametrize("rival", [None, ANSWERED, UNANSWERED], ids=["not asked", "answered", "unanswered"])
@pytest.mark.parametrize(
    "message",
    [
        "When does the Bramley workshop open on Saturdays?",
        "How early can I come to Bramley on a Saturday?",
        "When does the Colby workshop open on Saturdays?",
        "what do u want for the swift tandem, 1 day",
        "What deposit do you take for the Swift tandem?",
        "Is head protection part of the bike hire, a helmet?",
        "Do I get a lock with my bike?",
        "whos the head of the repair people",
        "How would you describe clocks to a friend?",
        "Name two things that have to do with friendship.",
        "What is the name of your billing team?",
        "Tell me a joke.",
    ],
)
def test_what_belongs_is_decided_as_the_generator_does(index: ScopeIndex, message: str, rival: Rival | None) -> None:
    (judged,) = ServedScope(index, Base(rival)).nearest_of([message])
    served = index.nearest(message, rival)
    inside = judged is not None and judged.probability >= THRESHOLD
    assert inside == (served is not None and served.probability >= THRESHOLD)
    if inside:
        assert judged == served


def test_each_message_is_asked_about_once_and_only_where_it_matters(index: ScopeIndex) -> None:
    base = Base(UNANSWERED)
    scope = ServedScope(index, base)
    messages = [CORRECTIONS[0].question, "Tell me a joke.", "What is the capital of France?", CORRECTIONS[0].question]
    scope.nearest_of(messages)
    scope.nearest_of([CORRECTIONS[0].question])
    assert base.asked == [CORRECTIONS[0].question]


def test_a_threshold_is_calibrated_on_what_is_served(index: ScopeIndex) -> None:
    """Neighbours that the documents answer need no higher threshold, those that nothing answers may."""
    neighbours = ["When does the Colby workshop open on Saturdays?", "Who is in charge of sales?", "Do I get a lock?"]
    planned = [PlannedCorrection(CORRECTIONS[0], False, neighbours=neighbours)]
    for rival in (None, ANSWERED, UNANSWERED):
        threshold = calibrated(ServedScope(index, Base(rival)), planned)
        reached = [index.nearest(message, rival) for message in neighbours]
        highest = max((found.probability for found in reached if found is not None), default=0.0)
        assert THRESHOLD <= threshold <= 0.9
        assert highest < threshold or threshold == 0.9


@pytest.mark.parametrize("rival", [None, UNANSWERED], ids=["not asked", "unanswered"])
def test_everyday_talk_stays_outside_a_version(index: ScopeIndex, rival: Rival | None) -> None:
    """None of what a version is calibrated on belongs to it, and hardly any of what its gate asks, which is other."""
    talk, asked = everyday_messages(64), rehearsal_prompts(64)
    assert not {*talk} & {*asked, *rehearsal_prompts(400)[-24:]}
    scope = ServedScope(index, Base(rival))
    threshold = calibrated(scope, [PlannedCorrection(one, False) for one in CORRECTIONS], talk)

    def inside(messages: list[str]) -> int:
        return sum(one is not None and one.probability >= threshold for one in scope.nearest_of(messages))

    assert inside(talk) == 0
    assert inside(asked) <= 1
    assert inside([one.question for one in CORRECTIONS]) == len(CORRECTIONS)


def test_the_gate_counts_as_changed_what_is_changed_where_it_is_served(index: ScopeIndex, tmp_path: Path) -> None:
    """Weights that say something else everywhere change the replies of exactly the messages in the served scope."""
    cache = Path.home() / ".cache" / "antiphon"
    texts = Texts(str(make_tiny_model(tmp_path, cache)), cache, "You help.")
    trainer = RoundsTrainer(texts.load(), [], LoraSettings(rank=2, alpha=4))
    with torch.no_grad():
        for name, parameter in trainer.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.5)
    trainer.model.eval()
    general = [
        "How early can I come to Bramley on a Saturday?",
        "When does the Bramley workshop close on Saturdays?",
        "Do I get a lock with my bike?",
        "Who is in charge of the repairs?",
        "What is the capital of France?",
    ]
    known = [texts.sample(message, "That is so.") for message in general]
    for rival in (None, ANSWERED, UNANSWERED):
        judge = BehaviourJudge(trainer.model, texts, ServedScope(index, Base(rival)), THRESHOLD, most=8)
        reached = [index.nearest(message, rival) for message in general]
        inside = sum(found is not None and found.probability >= THRESHOLD for found in reached)
        found = judge.behaviour([], general, known)
        assert (found.old_same.right, found.old_same.items) == (len(general) - inside, len(general))
        with trainer.model.disable_adapter():
            base = math.exp(mean_loss(trainer.model, known))
        assert (found.perplexity == pytest.approx(base)) == (inside == 0)


@pytest.mark.parametrize(
    ("evidence", "rival"),
    [
        (None, None),
        ({}, None),
        ({"language": "en", "answers": []}, None),
        ({"language": "en", "answers": [{"kind": "chat", "verdict": "none", "probability": 0.0}]}, None),
        ({"language": "zh", "answers": [{"kind": "fact", "verdict": "answered", "probability": 0.9}]}, None),
        (
            {"language": "en", "answers": [{"kind": "fact", "verdict": "answered", "probability": 0.9}]},
            Rival(True, 0.9),
        ),
        (
            {"language": "en", "answers": [{"kind": "list", "verdict": "several", "probability": 0.6}]},
            Rival(True, 0.6),
        ),
        (
            {"language": "en", "answers": [{"kind": "fact", "verdict": "unknown", "probability": 0.2}]},
            Rival(False, 0.2),
        ),
        ({"language": "en", "answers": [{"kind": "fact", "verdict": "unknown", "probability": 0.2}] * 2}, None),
    ],
)
def test_the_rival_is_what_one_question_in_english_finds(evidence: dict[str, Any] | None, rival: Rival | None) -> None:
    assert rival_of(evidence) == rival
