"""The joint teacher, and what the network learns from it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from research.tracker.targets import TRUST, Targets, loss
from research.tracker.train import trainable
from services.common.schema import parse_schema
from services.models.int8_rows import save_int8
from services.tracker.learned import artifact
from services.tracker.learned.catalog import ServiceView, views_of
from services.tracker.learned.inputs import Reader, Turn
from services.tracker.learned.joint import JointNetwork
from services.tracker.learned.network import Batch, Network, Scores
from services.tracker.learned.proposals import propose
from services.tracker.learned.schema_states import SchemaStates

VIEWS = views_of(
    parse_schema(
        """
        services:
          Trains:
            description: book a journey by rail
            intents: {Book: buy a ticket}
            slots:
              from: station where the journey begins
              day: {description: day of travel, values: [monday, sunday]}
          Rooms:
            description: rent a room
            intents: {Rent: rent it}
            slots: {city: where the room is, nights: for how many nights, price: most that it may cost}
        """
    )
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def states(reader: Reader) -> SchemaStates:
    return SchemaStates(reader)


def _teacher() -> JointNetwork:
    torch.manual_seed(0)
    network = JointNetwork()
    network.start()
    last = network.slot_head[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.normal_(last.weight, std=0.1)  # at first it is zero: only the flags would speak
    return network.eval()


def _turn(reader: Reader, services: tuple[ServiceView, ...], user: str) -> Turn:
    system, said = reader.pieces.read(["", user])
    proposals = propose(services, {}, {}, {}, None, "", user)
    return Turn("", user, system, said, services, {}, {}, {}, None, proposals)


def _scores(network: Network, reader: Reader, states: SchemaStates, turns: list[Turn]) -> tuple[Batch, Scores]:
    batch = reader.batch(turns, VIEWS, texts=True)
    with torch.inference_mode():
        return batch, network(batch, *states.together(VIEWS))


def test_a_teacher_that_reads_no_words_says_what_the_network_says(reader: Reader, states: SchemaStates) -> None:
    teacher = _teacher()
    student = Network().eval()
    student.load_state_dict({k: v for k, v in teacher.state_dict().items() if k not in ("gates", "pooled.weight")})
    turns = [_turn(reader, VIEWS, "a room in Bern, please"), _turn(reader, VIEWS[:1], "from Bern on sunday")]
    other = _scores(teacher, reader, states, turns)[1]
    torch.nn.init.zeros_(teacher.gates)
    same, plain = _scores(teacher, reader, states, turns)[1], _scores(student, reader, states, turns)[1]
    for field in fields(Scores):
        torch.testing.assert_close(getattr(same, field.name), getattr(plain, field.name), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(other.gate, plain.gate, atol=1e-3), "with its gates open it reads the words"


def test_what_a_turn_says_does_not_depend_on_its_batch(reader: Reader, states: SchemaStates) -> None:
    teacher = _teacher()
    turns = [_turn(reader, VIEWS[:1], "to the sea"), _turn(reader, VIEWS, "a room in Bern for three nights, please")]
    batch, together = _scores(teacher, reader, states, turns)
    alone = _scores(teacher, reader, states, turns[:1])[1]
    count = int(batch.element_mask[0].sum())
    torch.testing.assert_close(together.gate[:1, :count], alone.gate[:, :count], atol=1e-4, rtol=1e-4)


def test_words_are_heard_by_their_own_turn_alone(reader: Reader, states: SchemaStates) -> None:
    teacher = _teacher()
    turns = [_turn(reader, VIEWS[:1], "from Bern"), _turn(reader, VIEWS[1:], "in Bern")]
    batch, before = _scores(teacher, reader, states, turns)
    assert batch.texts is not None
    texts = batch.texts.clone()
    texts[batch.elements[1, 0], 1:3] = torch.tensor([2000, 3000])
    with torch.inference_mode():
        after = teacher(replace(batch, texts=texts), *states.together(VIEWS))
    torch.testing.assert_close(after.gate[0], before.gate[0])
    assert not torch.allclose(after.gate[1], before.gate[1], atol=1e-3)


def test_an_exported_teacher_is_read_back_as_one(tmp_path: Path) -> None:
    teacher = _teacher()
    save_int8({name: weight.detach() for name, weight in trainable(teacher)}, tmp_path / "t", {"joint": True})
    network, _ = artifact.load(tmp_path / "t")
    assert isinstance(network, JointNetwork)
    torch.testing.assert_close(network.gates, teacher.gates)


def test_what_is_learned_lies_between_annotation_and_teacher() -> None:
    taught = _empty(gate=torch.tensor([[[0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]]]), requested=torch.tensor([[1.5]]))
    targets = Targets(gates=[(0, 0, 0)], requested=[(0, 0, 1)])
    wanted = (1 - TRUST) * functional.one_hot(torch.tensor(0), 7) + TRUST * taught.gate[0, 0].softmax(-1)
    asked = (1 - TRUST) * 1.0 + TRUST * torch.sigmoid(taught.requested[0, 0])
    gate = wanted.log().view(1, 1, -1).requires_grad_()
    requested = torch.logit(asked).view(1, 1).requires_grad_()
    value, _ = loss(_empty(gate=gate, requested=requested), targets, 1, taught)
    value.backward()  # type: ignore[no-untyped-call]
    for found in (gate.grad, requested.grad):
        assert found is not None
        torch.testing.assert_close(found, torch.zeros_like(found), atol=1e-6, rtol=0)


def _empty(**given: Tensor) -> Scores:
    """Scores of one turn with one element, zeros where nothing is given."""
    return Scores(**{field.name: given.get(field.name, torch.zeros(1, 1, 1)) for field in fields(Scores)})
