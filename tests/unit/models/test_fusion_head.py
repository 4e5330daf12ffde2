"""The fusion head alone: identity until trained, a file that names what it is, words that it makes likelier."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from services.models.fusion import BadHead, FusionConfig, FusionHead, Source, head_id, read_head, write_head

HIDDEN = 32
CONFIG = FusionConfig(HIDDEN, (Source("feedback", 12, 16), Source("include", HIDDEN + 2, HIDDEN)), base_version="b1")


def trained(config: FusionConfig = CONFIG) -> FusionHead:
    torch.manual_seed(3)
    head = FusionHead(config)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return head


def inputs(rows: int = 5) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(4)
    vectors = {source.name: torch.randn(rows, source.size) for source in CONFIG.sources}
    return torch.randn(rows, HIDDEN), vectors, {name: torch.ones(rows, dtype=torch.bool) for name in vectors}


def test_an_untrained_head_is_the_identity_bit_for_bit() -> None:
    hidden, vectors, present = inputs()
    assert torch.equal(FusionHead(CONFIG).fuse(hidden, vectors, present), hidden)


def test_a_row_without_a_source_keeps_its_values_beside_rows_that_have_one() -> None:
    hidden, vectors, present = inputs()
    present = {name: torch.tensor([True, False, True, False, True]) for name in present}
    fused = trained().fuse(hidden, vectors, present)
    assert torch.equal(fused[1::2], hidden[1::2])
    assert not torch.isclose(fused[::2], hidden[::2]).all(1).any()


def test_a_source_that_the_head_was_not_made_for_changes_nothing() -> None:
    hidden, vectors, present = inputs()
    with_other = trained().fuse(hidden, vectors | {"state": hidden}, present | {"state": present["feedback"]})
    assert torch.equal(with_other, trained().fuse(hidden, vectors, present))


def test_the_literal_formula_is_a_mode() -> None:
    head = trained(FusionConfig(HIDDEN, (Source("feedback", 12, HIDDEN),), "literal"))
    hidden, vectors, present = inputs()
    part = head.sources["feedback"]
    expected = torch.tanh(
        hidden @ part.state.weight.T + vectors["feedback"] @ part.vector.weight.T + part.state.bias  # type: ignore[operator,union-attr]
    )
    assert torch.allclose(head.fuse(hidden, vectors, present), expected, atol=1e-6)


def test_a_head_learns_to_raise_the_word_it_is_given_and_does_so_for_words_it_never_saw() -> None:
    torch.manual_seed(5)
    embedding = torch.nn.functional.normalize(torch.randn(200, HIDDEN), dim=1)
    head = FusionHead(FusionConfig(HIDDEN, (Source("include", HIDDEN, HIDDEN),)))
    optimiser = torch.optim.Adam(head.parameters(), lr=1e-2)
    for _ in range(150):
        words = torch.randint(0, 150, (64,))
        fused = head.fuse(torch.randn(64, HIDDEN), {"include": embedding[words]}, {"include": torch.ones(64) > 0})
        loss = torch.nn.functional.cross_entropy(fused @ embedding.T, words)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    unseen = torch.arange(150, 200)
    fused = head.fuse(torch.randn(50, HIDDEN), {"include": embedding[unseen]}, {"include": torch.ones(50) > 0})
    assert ((fused @ embedding.T).argmax(1) == unseen).float().mean() > 0.8


def test_a_file_gives_the_head_back_and_the_same_weights_the_same_id() -> None:
    head = trained()
    content = write_head(head)
    again = read_head(content, "b1")
    assert again.config == CONFIG
    assert head_id(write_head(again)) == head_id(content)
    hidden, vectors, present = inputs()
    assert torch.allclose(again.fuse(hidden, vectors, present), head.fuse(hidden, vectors, present), atol=1e-2)


def test_files_that_are_no_head_for_the_model_are_refused_with_the_reason() -> None:
    content = write_head(trained())
    with pytest.raises(BadHead, match="base model b1, not b2"):
        read_head(content, "b2")
    for broken in (
        b"",
        b"nonsense",
        content[:200],
        content[:-40],
        content.replace(b"antiphon-fusion-1", b"antiphon-fusion-9"),
    ):
        with pytest.raises(BadHead):
            read_head(broken)
