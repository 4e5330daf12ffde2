"""What annotated dialogues teach: the gate, span, choice and source of every change."""

import random
from typing import Any

import pytest
import torch

from research.tracker.corpus import Corpus, Sampler, prepare
from research.tracker.dialogues import examples, schema_views
from research.tracker.targets import Targets, aim, loss, open_mentions, spoil, turn_of
from research.tracker.train import trainable
from services.tracker.learned.catalog import ServiceView
from services.tracker.learned.inputs import Reader, layout
from services.tracker.learned.network import COPY, GATES, KEEP, RULE, SYSTEM, USER, Network
from services.tracker.learned.schema_states import SchemaStates

SERVICES = [
    {
        "service_name": "Restaurants_1",
        "description": "find places to eat",
        "slots": [
            {"name": "city", "description": "where", "is_categorical": False, "possible_values": []},
            {"name": "restaurant_name", "description": "name", "is_categorical": False, "possible_values": []},
            {"name": "party", "description": "people", "is_categorical": True, "possible_values": ["1", "2"]},
        ],
        "intents": [{"name": "FindRestaurants", "description": "find one"}],
    },
    {
        "service_name": "Hotels_1",
        "description": "find a place to sleep",
        "slots": [{"name": "place", "description": "where", "is_categorical": False, "possible_values": []}],
        "intents": [{"name": "FindHotel", "description": "find one"}],
    },
]
R, H = "Restaurants_1", "Hotels_1"


def _frame(intent: str, **slots: list[str]) -> dict[str, Any]:
    return {"intent": intent, "requested": [], "slots": slots}


DIALOGUE = {
    "id": "1",
    "services": [R, H],
    "turns": [
        {
            "speaker": "USER",
            "text": "Somewhere to eat in Oslo for two",
            "spans": [[R, "city", 20, 24]],
            "state": {R: _frame("FindRestaurants", city=["Oslo"], party=["2"])},
        },
        {
            "speaker": "SYSTEM",
            "text": "Maaemo is a nice one",
            "spans": [[R, "restaurant_name", 0, 6]],
            "acts": [[R, "OFFER", "restaurant_name", ["Maaemo"]]],
        },
        {
            "speaker": "USER",
            "text": "Good. I need a bed there too",
            "state": {
                R: _frame("FindRestaurants", city=["Oslo"], party=["2"], restaurant_name=["Maaemo"]),
                H: _frame("FindHotel", place=["Oslo"]),
            },
        },
    ],
}


@pytest.fixture(scope="module")
def views() -> dict[str, ServiceView]:
    return schema_views(SERVICES)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def _gates(views: dict[str, ServiceView], reader: Reader, number: int) -> tuple[Targets, dict[Any, int]]:
    example = examples(DIALOGUE, views, "sgd")[number]
    services = tuple(views[name] for name in example.services)
    system, user = reader.pieces.read([example.system_text, example.user_text])
    previous, mentions = spoil(example, 0.0, random.Random(1))
    turn = turn_of(example, (system, user), services, previous, mentions)
    targets = Targets()
    aim(targets, 0, example, turn)
    plan = layout(services)
    by_position = {position: gate for _, position, gate in targets.gates}
    return targets, {key: by_position.get(position) for key, position in plan.slots.items()}


def test_what_the_user_says_is_a_span_or_a_choice(views: dict[str, ServiceView], reader: Reader) -> None:
    targets, gates = _gates(views, reader, 0)
    assert gates[(R, "city")] in (USER, RULE)
    assert gates[(R, "party")] in (USER, RULE)
    assert len(targets.user_span) == 1
    assert len(targets.value_user) == 1


def test_an_accepted_offer_comes_from_the_system_and_a_place_from_another_slot(
    views: dict[str, ServiceView], reader: Reader
) -> None:
    targets, gates = _gates(views, reader, 1)
    assert gates[(R, "restaurant_name")] in (SYSTEM, RULE)
    assert gates[(H, "place")] == COPY
    assert len(targets.copy) == 1
    assert len(targets.system_span) == 1


def test_mentions_that_the_state_holds_are_closed() -> None:
    assert open_mentions({(R, "city"): "Oslo"}, {(R, "city"): "oslo", (H, "place"): "Bergen"}) == {
        (H, "place"): "Bergen"
    }


def test_replies_of_all_earlier_turns_stay_mentioned(views: dict[str, ServiceView]) -> None:
    later = {"speaker": "USER", "text": "Book it", "state": {}}
    dialogue = DIALOGUE | {"turns": [*DIALOGUE["turns"], {"speaker": "SYSTEM", "text": "For when?"}, later]}
    assert examples(dialogue, views, "sgd")[1].mentions == {}
    assert examples(dialogue, views, "sgd")[2].mentions == {(R, "restaurant_name"): "Maaemo"}


def test_a_group_may_come_with_a_service_of_another_domain_that_nobody_speaks_of(
    views: dict[str, ServiceView], reader: Reader
) -> None:
    dialogue = DIALOGUE | {"services": [R], "turns": DIALOGUE["turns"][:1]}
    corpus = Corpus([views], {}, {(R,): examples(dialogue, views, "sgd")}, {})
    corpus.load_pieces(reader)
    sampler = Sampler(corpus, 1, 1, 0.0, strangers=1.0)
    drawn = sampler.draw(1)
    assert {view.name for _, services in drawn for view in services} == {R, H}
    _, targets, order, _ = prepare(corpus, reader, drawn, 0.0, random.Random(1))
    plan = layout(tuple(order))
    assert (0, plan.slots[(H, "place")], KEEP) in targets.gates
    assert (0, plan.names.index((H, "")), 0) in targets.active


def test_a_few_steps_lower_the_loss_of_a_chunk(views: dict[str, ServiceView], reader: Reader) -> None:
    torch.manual_seed(0)
    group = tuple(sorted(views))
    corpus = Corpus([views], {}, {group: examples(DIALOGUE, views, "sgd")}, {})
    corpus.load_pieces(reader)
    sampler, states = Sampler(corpus, 1, 2, 0.0), SchemaStates(reader)
    network = Network()
    network.start()
    network.train()
    optimiser = torch.optim.AdamW([weight for _, weight in trainable(network)], 1e-4)
    losses = []
    for _ in range(2):
        batch, targets, order, count = prepare(corpus, reader, sampler.draw(1), 0.0, random.Random(1))
        scores = network(batch, *states.together(order))
        assert scores.gate.shape[-1] == len(GATES)
        value, _ = loss(scores, targets, count)
        value.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(value.detach()))
    assert losses[-1] < losses[0]
