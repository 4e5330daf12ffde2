"""The learned tracker behind the Tracker protocol, untrained: it then does what the rules do."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from research.tracker.train import main, trainable
from services.common.schema import Schema, parse_schema
from services.models.int8_rows import read_int8, save_int8
from services.tracker.domain.state import CORRECTION, Offer, ServiceState, SlotValue, State
from services.tracker.domain.tracker import TrackRequest
from services.tracker.learned import artifact
from services.tracker.learned.decode import Leanings
from services.tracker.learned.network import Network
from services.tracker.learned.tracker import MOST_SLOTS, LearnedTracker

SCHEMA = parse_schema(
    """
    services:
      Restaurants:
        description: find and book a table at a restaurant
        intents:
          FindRestaurants: find a restaurant of a kind of food in a city
          ReserveRestaurant: book a table at a restaurant
        slots:
          city: city in which the restaurant is
          cuisine: kind of food the restaurant serves
          restaurant_name: name of the restaurant
          time: time of the reservation
          party_size: {description: how many people eat, values: ["1", "2", "3", "4", "5", "6"]}
      Hotels:
        description: book a room in a hotel
        intents:
          FindHotel: search for a hotel
        slots:
          location: city in which the hotel is
          stars: {description: stars of the hotel, values: ["1", "2", "3", "4", "5"]}
    """
)


@pytest.fixture(scope="module")
def tracker() -> LearnedTracker:
    torch.set_num_threads(1)
    network = Network()
    network.start()
    leanings = Leanings(user=100.0, system=100.0, copy=100.0, mention=100.0)
    return LearnedTracker(network, leanings, shallow=True)


def test_what_training_changes_is_small_enough_to_ship(tmp_path: Path) -> None:
    weights = {name: weight.detach() for name, weight in trainable(Network())}
    save_int8(weights, tmp_path / "all.safetensors", {})
    assert (tmp_path / "all.safetensors").stat().st_size <= 15_000_000


def test_what_the_user_says_enters_the_state(tracker: LearnedTracker) -> None:
    state = tracker.track(SCHEMA, State(), "", "I want to find an Italian restaurant in San Jose.", 1)
    assert state.value("Restaurants", "city") == "San Jose"
    assert state.service("Restaurants").slots["city"].turn == 1


def test_values_that_the_turn_does_not_touch_are_kept(tracker: LearnedTracker) -> None:
    before = State({"Restaurants": ServiceState("FindRestaurants", (), {"city": SlotValue("Oslo", CORRECTION)})})
    state = tracker.track(SCHEMA, before, "How many will you be?", "A table for 4 people please.", 3)
    assert state.service("Restaurants").slots["city"] == SlotValue("Oslo", CORRECTION)
    assert state.value("Restaurants", "party_size") == "4"


def test_a_batch_answers_as_its_turns_do_alone(tracker: LearnedTracker) -> None:
    texts = ["Find me a hotel in Paris with 4 stars.", "I would like Chinese food in Berlin.", "Thanks, that is all."]
    requests = [TrackRequest(SCHEMA, State(), "", text, 1) for text in texts]
    alone = [tracker.track(SCHEMA, State(), "", text, 1) for text in texts]
    together = tracker.track_many(requests)
    for one, other in zip(alone, together, strict=True):
        assert [(*key, value.value) for *key, value in one.filled()] == [
            (*key, value.value) for *key, value in other.filled()
        ]


def test_what_the_schema_does_not_have_is_dropped(tracker: LearnedTracker) -> None:
    before = State(
        {
            "Taxis": ServiceState("Ride", (), {"to": SlotValue("x")}),
            "Hotels": ServiceState(None, (), {"pool": SlotValue("yes"), "stars": SlotValue("3")}),
        },
        offers=(Offer("Taxis", "to", "here"),),
    )
    state = tracker.track(SCHEMA, before, "", "ok", 2)
    assert "Taxis" not in state.services
    assert list(state.service("Hotels").slots) == ["stars"]
    assert all(SCHEMA.has_service(offer.service) for offer in state.offers)


def test_a_state_survives_its_json(tracker: LearnedTracker) -> None:
    state = tracker.track(SCHEMA, State(), "", "A restaurant in Oslo for 2, at 7 pm.", 1)
    assert State.from_json(state.to_json()) == state


def test_scripts_the_vocabulary_lacks_are_left_to_the_rules(tracker: LearnedTracker) -> None:
    schema = parse_schema(
        "services: {酒店: {description: 酒店, slots: {星级: {description: 星级, values: [三星, 四星]}}}}"
    )
    state = tracker.track(schema, State(), "", "我想找一家四星的酒店", 1)
    assert state.value("酒店", "星级") == "四星"


def test_of_many_services_the_nearest_and_those_in_use_are_read() -> None:
    others = parse_schema(
        "services:\n"
        + "\n".join(
            f"  Service{n}: {{description: the {n}th thing nobody asks for, slots: "
            f"{{{', '.join(f'part{i}: part {i} of thing {n}' for i in range(20))}}}}}"
            for n in range(8)
        )
    )
    schema = Schema((*others.services, *SCHEMA.services), "many")
    assert schema.slot_count > MOST_SLOTS
    network = Network()
    network.start()
    tracker = LearnedTracker(network)
    before = State({"Service3": ServiceState(None, (), {"part1": SlotValue("x")})})
    request = TrackRequest(schema, before, "", "Book a table at a restaurant in Rome", 1)
    names = {view.name for view in tracker.select(request)}
    assert {"Restaurants", "Service3"} <= names
    assert len(names) < len(schema.services)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_int8({"slot_head.0.weight": torch.zeros(3, 3)}, tmp_path / "x.safetensors", {})
    with pytest.raises(artifact.ArtifactError, match="does not fit"):
        artifact.load(tmp_path / "x.safetensors")


def test_saved_weights_come_back_within_a_step_of_their_scale(tmp_path: Path) -> None:
    torch.manual_seed(1)
    weight = torch.randn(384, 384)
    save_int8({"element.weight": weight}, tmp_path / "x.safetensors", {"seed": 1})
    network, about = artifact.load(tmp_path / "x.safetensors")
    step = weight.abs().amax(1, keepdim=True) / 127
    assert bool(((network.element.weight - weight).abs() <= 0.51 * step).all())
    assert about["seed"] == 1


def test_a_run_is_exported_halfway_to_other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_int8({"element.bias": torch.ones(4)}, tmp_path / "other.safetensors", {})
    save_file({"element.bias": torch.full((4,), 3.0)}, tmp_path / "average.safetensors")
    (tmp_path / "progress.json").write_text('{"turns": 5}')
    made = tmp_path / "made.safetensors"
    command = ["train", "--data", "-", "--out", str(tmp_path), "--export-only", "--export", str(made)]
    monkeypatch.setattr("sys.argv", [*command, "--halfway", str(tmp_path / "other.safetensors")])
    main()
    weights, about = read_int8(made)
    assert weights["element.bias"].tolist() == [2.0] * 4
    assert about["halfway"] is True
    assert about["progress"] == {"turns": 5}


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(artifact.ArtifactError, match="no tracker weights"):
        artifact.load(tmp_path / "none.safetensors")
