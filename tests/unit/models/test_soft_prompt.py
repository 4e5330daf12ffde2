"""The projector: what it learns at once, what it leaves out, and which files are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from services.models.soft_prompt import (
    BadProjector,
    ItemReader,
    ProjectorConfig,
    SoftPrompt,
    averaged,
    projector_id,
    read_projector,
    write_projector,
)

CONFIG = ProjectorConfig("state", 8, 16, inner=4, markers=2, base_version="base", encoder="letters")


class Letters:
    """States of a text: one for each letter, always the same."""

    name = "letters"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def states(self, texts: Sequence[str]) -> list[Tensor]:
        self.asked += texts
        return [torch.stack([torch.sin(ord(one) * torch.arange(1.0, 9.0)) for one in text]) for text in texts]


def made(config: ProjectorConfig = CONFIG) -> SoftPrompt:
    torch.manual_seed(3)
    return SoftPrompt(config).eval().requires_grad_(False)


def test_the_fit_finds_a_linear_map_and_gives_words_their_length() -> None:
    projector = made()
    averages = torch.randn(400, 8)
    targets = averages @ torch.randn(8, 16) + 0.5
    markers = torch.randn(2, 16)
    assert projector.fit(averages, targets, markers, scale=0.25, penalty=1e-6) > 0.999
    soft = projector([averages[:3], averages[3:4]])
    assert torch.equal(soft[:2], markers)
    assert torch.allclose(soft[2:].pow(2).mean(1).sqrt(), torch.full((4,), 0.25), atol=1e-4)
    assert torch.cosine_similarity(soft[2:], targets[:4]).min() > 0.999


def test_no_items_make_no_soft_tokens_and_too_many_are_left_out() -> None:
    projector = made(replace(CONFIG, most_items=2))
    assert projector([]).shape == (0, 16)
    assert projector([torch.zeros(0, 8)]).shape == (0, 16), "an item without a piece says nothing"
    items = [torch.randn(2, 8) for _ in range(5)]
    assert torch.equal(projector(items), projector(items[:2]))
    assert projector(items).shape == (2 + 4, 16)


def test_a_long_item_is_averaged_further_and_not_cut() -> None:
    states = torch.arange(20.0)[:, None].expand(20, 8)
    assert averaged(states, 2, 16).shape == (10, 8)
    few = averaged(states, 2, 4)
    assert few[:, 0].tolist() == [2.0, 7.0, 12.0, 17.0]


def test_an_item_is_read_by_itself_and_once() -> None:
    letters = Letters()
    reader = ItemReader(letters)
    first = reader.read(["area = centre", "stars = 4"], CONFIG)
    second = reader.read(["stars = 4"], CONFIG)
    assert torch.equal(first[1], second[0])
    assert letters.asked == ["area = centre", "stars = 4"]


def test_a_file_holds_the_projector_and_names_it() -> None:
    content = write_projector(made())
    again = read_projector(content, "base", "letters")
    assert again.config == CONFIG
    assert write_projector(again) == content
    assert len(projector_id(content)) == 32


def test_other_files_are_refused() -> None:
    content = write_projector(made())
    with pytest.raises(BadProjector, match="base model"):
        read_projector(content, "another")
    with pytest.raises(BadProjector, match="states of"):
        read_projector(content, "base", "another")
    for wrong in (b"", b"nonsense", content[:200], content[:-10]):
        with pytest.raises(BadProjector):
            read_projector(wrong)
    broken = made()
    broken.markers[0, 0] = torch.nan
    with pytest.raises(BadProjector, match="not finite"):
        read_projector(write_projector(broken))
