"""A version's file: pairs, a fusion head, or both, read back as they were written."""

from __future__ import annotations

import pytest
import torch

from services.models.adapter import Adapter, BadVersion, read_adapter, version_id, write_adapter
from services.models.feedback_vectors import head_config
from services.models.fusion import FusionHead, head_id, write_head
from services.models.version import VersionWeights, read_version, write_version

PAIRS = Adapter("base", 2, {(0, "q_proj"): (torch.ones(2, 4), torch.full((4, 2), 0.5))})
NONE = Adapter("base", 0, {})


def head(base: str = "base") -> FusionHead:
    torch.manual_seed(5)
    return FusionHead(head_config(8, base, inner=4))


@pytest.mark.parametrize("adapter", [PAIRS, NONE])
def test_a_head_comes_back_beside_its_pairs(adapter: Adapter) -> None:
    content = write_version(VersionWeights(adapter, head()))
    found = read_version(content, "base")
    assert found.head is not None
    assert write_head(found.head) == write_head(head())
    assert found.head_id == head_id(write_head(head()))
    assert found.adapter.pairs.keys() == adapter.pairs.keys()
    for key, (a, b) in adapter.pairs.items():
        assert torch.equal(found.adapter.pairs[key][0], a)
        assert torch.equal(found.adapter.pairs[key][1], b)


def test_the_same_weights_have_the_same_id_and_a_head_another() -> None:
    alone, both = write_version(VersionWeights(PAIRS)), write_version(VersionWeights(PAIRS, head()))
    assert version_id(both) == version_id(write_version(VersionWeights(PAIRS, head())))
    assert version_id(alone) != version_id(both)


def test_pairs_alone_are_the_file_they_always_were() -> None:
    content = write_adapter(PAIRS)
    assert write_version(VersionWeights(PAIRS)) == content
    assert read_version(content, "base").head is None


def test_code_that_knows_pairs_alone_refuses_a_file_with_a_head() -> None:
    with pytest.raises(BadVersion, match="format"):
        read_adapter(write_version(VersionWeights(PAIRS, head())), "base")


def test_a_head_of_another_base_model_is_refused() -> None:
    with pytest.raises(BadVersion, match="stands on base model other"):
        read_version(write_version(VersionWeights(NONE, head("other"))), "base")
    with pytest.raises(BadVersion, match="stands on base model base"):
        read_version(write_version(VersionWeights(NONE, head())), "other")
