"""The encoder of properties learns from wordings, and what it learned is read again by the service's encoder."""

import json
import random
from pathlib import Path

import pytest
import torch

from research.properties import train
from services.models.encoder_files import PROPERTIES, EncoderNotFound
from services.models.sentence_encoder import SentenceEncoder

FAMILY = [
    {
        "family": "plans",
        "property": name,
        "subjects": ["the Basic plan", "Plan B"],
        "values": ["9 euros", "12 euros"],
        "statements": [f"{{s}} {verb} {{v}}", f"the {noun} of {{s}} is {{v}}", f"{{s}}'s {noun} is {{v}}"],
        "questions": [f"What is the {noun} of {{s}}?", f"What is {{s}}'s {noun}?"],
    }
    for name, verb, noun in [("price", "costs", "price"), ("deposit", "requires a deposit of", "deposit")]
]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in made:
        file.write_text("\n".join(json.dumps(one) for one in FAMILY))
    return made


def test_a_statement_is_read_as_the_service_reads_it_and_by_its_bare_words() -> None:
    assert train.stated("the price of {s} is {v}", "the Basic plan", "9 euros", read=True) == "price is 9 euros"
    assert train.stated("the price of {s} is {v}", "the Basic plan", "9 euros", read=False) == "the price of is 9 euros"
    assert train.bare("{s}'s price, as of today, is {v}") == "price as of today is"
    assert train.asked("What is {s}'s price?") == "What is price?"


def test_a_draw_has_every_property_of_a_family_as_often(files: list[Path]) -> None:
    texts, labels = train.draw(train.read_properties(files), 2, 3, random.Random(1))
    assert len(texts) == 12
    assert sorted(labels) == [0, 0, 0, 1, 1, 1, 1000, 1000, 1000, 1001, 1001, 1001]


def test_the_loss_falls_as_properties_part() -> None:
    mixed = torch.nn.functional.normalize(torch.ones(4, 2), dim=-1)
    apart = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert train.loss(apart, [0, 0, 1, 1], 0.1) < train.loss(mixed, [0, 0, 1, 1], 0.1)


def test_what_was_trained_is_read_by_the_services_encoder(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made.safetensors"
    monkeypatch.setattr(
        "sys.argv",
        ["train", "--data", *map(str, files), "--test", str(files[0]), "--export", str(out), "--steps", "2",
         "--families", "2"],
    )  # fmt: skip
    train.main()
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(said) == {"published", "trained"}
    published = SentenceEncoder.load()
    tuned = published.tuned(out)
    assert tuned.name == f"{published.name}+made"
    text = ["costs 9 euros"]
    assert 0.9 < float((published.encode(text) * tuned.encode(text)).sum()) < 0.99999


def test_the_shipped_encoder_tells_properties_apart_that_it_was_not_trained_on() -> None:
    tuned = SentenceEncoder.load().tuned(PROPERTIES)
    one, other, sibling = tuned.encode(["is employed by Acme", "works for Bolt", "was sued by Bolt"])
    assert one @ other > one @ sibling + 0.1


def test_files_that_are_missing_or_of_another_encoder_are_refused(tmp_path: Path) -> None:
    encoder = SentenceEncoder.load()
    with pytest.raises(EncoderNotFound, match="there is no"):
        encoder.tuned(tmp_path / "none.safetensors")
    train.save_int8({"encoder.layer.9.output.dense.weight": torch.zeros(2, 2)}, tmp_path / "x.safetensors", {})
    with pytest.raises(EncoderNotFound, match="does not fit"):
        encoder.tuned(tmp_path / "x.safetensors")
