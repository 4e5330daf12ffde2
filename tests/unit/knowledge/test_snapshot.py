"""A saved index comes back as it was; a torn file or another encoder's counts as none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from services.knowledge.domain.entries import Entry
from services.knowledge.domain.index import TenantIndex
from services.knowledge.domain.query import Query
from services.knowledge.domain.snapshot import load, save
from services.knowledge.domain.vectors import Vectors

RNG = np.random.default_rng(3)
BLOCK = RNG.standard_normal((40, 8)).astype(np.float32)
BLOCK /= np.linalg.norm(BLOCK, axis=1, keepdims=True)
BLOCK = BLOCK.astype(np.float16).astype(np.float32)  # as the database and a snapshot keep vectors


def make(exact_limit: int) -> TenantIndex:
    index = TenantIndex(8, exact_limit)
    access = frozenset({"staff"})
    index.add(
        Entry(
            f"p{n}",
            n,
            f"d{n // 4}",
            f"refund rule {n} 退款",
            f"Title {n // 4} > part",
            0.9,
            frozenset() if n % 7 else access,
        )
        for n in range(40)
    )
    index.add_vectors({f"p{n}": BLOCK[n] for n in range(0, 40, 2)})
    index.remove(["p3", "p4"])
    index.applied = 9
    index.expect("ing_1", 8)
    return index


def encode(texts: Sequence[str]) -> Vectors:
    return BLOCK[: len(texts)]


@pytest.mark.parametrize("exact_limit", [1000, 10])
def test_a_saved_index_finds_the_same(tmp_path: Path, exact_limit: int) -> None:
    index = make(exact_limit)
    path = tmp_path / "deep" / "index.npz"
    assert save(index, path, "enc") == 9
    assert [file.name for file in path.parent.iterdir()] == ["index.npz"]
    loaded = load(path, "enc", 8, exact_limit)
    assert loaded is not None
    assert (loaded.applied, loaded.watermark, len(loaded)) == (9, 7, 38)
    for text in ("refund rule 12", "退款", "title 3"):
        for labels in (frozenset[str](), frozenset({"staff"})):
            query = Query(text, access=labels)
            before = [hit.id for hit in index.search(query, encode, 20).passages]
            assert [hit.id for hit in loaded.search(query, encode, 20).passages] == before
    loaded.add([Entry("new", 1, "dn", "refund anew")])
    assert loaded.search(Query("anew"), None).passages[0].id == "new"


def test_a_torn_or_foreign_file_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "index.npz"
    assert load(path, "enc", 8, 100) is None
    save(make(1000), path, "enc")
    assert load(path, "other encoder", 8, 100) is None
    whole = path.read_bytes()
    for keep in (0, 10, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:keep])
        assert load(path, "enc", 8, 100) is None
