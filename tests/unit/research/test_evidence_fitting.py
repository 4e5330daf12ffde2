"""What was read of companies can be kept, and fitted on again without reading them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from research.evidence.fit import Read, load_reads, main, save_reads
from services.knowledge.evidence.features import NAMES
from services.knowledge.evidence.meaning import MEANING
from services.knowledge.evidence.model import fitted

COUNT = len(NAMES) + len(MEANING)
QUESTIONS: list[dict[str, Any]] = [
    {"question": "多少钱?", "kind": "fact", "documents": ["a.md"], "any_of": ["5"], "evidence": ["5 元"]},
    {"question": "Do you sell moons?", "kind": "near", "unanswerable": True},
]


def company(name: str, seed: int, features: int = COUNT) -> Read:
    random = np.random.default_rng(seed)
    cells = np.array([[1.0, 0.5], [np.nan, np.nan], [0.5, 0.1], [np.nan, np.nan]])
    owners, sources = np.array([0, 0, 1, 1]), np.array(["p1", "p2", "p1", "p3"])
    return Read(
        name, QUESTIONS, random.normal(size=(4, features)), np.array([1.0, 0.0, 0.0, 0.0]), owners, sources, cells
    )


def groups(features: int = COUNT) -> dict[str, list[Read]]:
    english = [company("hotel", 1, features), company("gym", 2, features)]
    return {"english": english, "chinese": [company("kuaidi-zh", 3, features)], "shops": []}


def test_what_was_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    written = groups()
    save_reads(tmp_path / "kept.npz", written)
    read = load_reads(tmp_path / "kept.npz")
    assert {group: [one.name for one in reads] for group, reads in read.items()} == {
        "english": ["hotel", "gym"], "chinese": ["kuaidi-zh"], "shops": [],
    }  # fmt: skip
    first, again = written["chinese"][0], read["chinese"][0]
    assert again.questions == QUESTIONS
    assert again.sources.tolist() == first.sources.tolist()
    np.testing.assert_array_equal(again.features, first.features)
    np.testing.assert_array_equal(again.cells, first.cells)


def test_what_was_kept_of_other_features_is_refused(tmp_path: Path) -> None:
    save_reads(tmp_path / "kept.npz", groups(features=COUNT - 1))
    with pytest.raises(ValueError, match="read the companies again"):
        load_reads(tmp_path / "kept.npz")


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    with pytest.raises(ValueError, match="was not written by --keep"):
        load_reads(tmp_path / "other.npz")


def test_the_models_are_fitted_on_what_was_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_reads(tmp_path / "kept.npz", groups())
    main(["--kept", str(tmp_path / "kept.npz"), "--out", str(tmp_path / "models")])
    (written,) = (tmp_path / "models").iterdir()
    models = fitted(written)
    assert {kind for kind, model in models.items() if model.means} == {"plain_meaning", "chinese_meaning"}
    assert {kind for kind, model in models.items() if model.threshold == 0.65} == {"chinese", "chinese_meaning"}
    assert models["read"].ranking[0] != 0 == models["plain"].ranking[0], "the reader speaks to one model alone"
    told = capsys.readouterr().out
    assert '"gym_right"' in told
    assert '"meaning_kuaidi-zh_right"' in told


@pytest.mark.parametrize("arguments", [[], ["--data", "a", "--kept", "b.npz"]])
def test_either_the_companies_or_what_was_kept_is_needed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "either --data or --kept is needed" in capsys.readouterr().err
