"""What units mean is read once, and told of each as how near it is, how far ahead, and how near without its names."""

from collections.abc import Sequence

import numpy as np
import pytest

from services.common.evidence.units import Unit
from services.knowledge.domain.vectors import Vectors
from services.knowledge.evidence import meaning
from services.knowledge.evidence.features import NAMES
from services.knowledge.evidence.meaning import MEANING, MeaningReader
from services.knowledge.evidence.model import AnswerModel, AnswerModels
from services.knowledge.evidence.questions import Question
from services.knowledge.evidence.step import Base, EvidenceStep, Source, candidates_of


class Letters:
    """An encoder by how often letters occur, which counts the texts that it reads."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def questions(self, texts: Sequence[str]) -> Vectors:
        return self._vectors(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.read += texts
        return self._vectors(texts)

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        counts = np.array([[text.count(letter) + 0.01 for letter in "abc"] for text in texts], np.float32)
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True), np.float32)


def units(*texts: str, place: str = "") -> list[Unit]:
    return [Unit("prose", 0, len(text), place, text) for text in texts]


def reader() -> tuple[MeaningReader, Letters]:
    encoder = Letters()
    return MeaningReader(encoder), encoder  # type: ignore[arg-type]


def test_the_nearest_unit_leads_the_next_and_all_others_trail_it() -> None:
    told = reader()[0].features("aaa", units("aaa", "ab", "ccc"))
    assert told.shape == (3, len(MEANING))
    assert told[0, 0] == pytest.approx(1.5, abs=1e-2), "a cosine of 1 is .15 above the middle, ten times"
    assert told[0, 1] == pytest.approx(told[0, 0] - told[1, 0], abs=1e-4)
    assert told[1, 1] == pytest.approx(told[1, 0] - told[0, 0], abs=1e-4)
    assert told[2, 1] == pytest.approx(told[2, 0] - told[0, 0], abs=1e-4)


def test_what_a_unit_says_is_told_apart_from_its_headings() -> None:
    told = reader()[0].features("aaa", units("aaa", place="cccccc"))
    assert told[0, 2] > 1.4 > 0 > told[0, 0]
    assert told[0, 1] == 0, "there is no other"


def test_a_unit_is_read_once_and_what_was_not_asked_for_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "_KEPT", 2)
    read, encoder = reader()
    read.features("a", units("aa", "bb"))
    read.features("b", units("aa", "bb"))
    assert encoder.read == ["aa", "bb"]
    read.features("b", units("aa", "cc"))
    assert encoder.read == ["aa", "bb", "cc"]
    read.features("b", units("aa"))
    assert encoder.read == ["aa", "bb", "cc"]
    read.features("b", units("bb"))
    assert encoder.read == ["aa", "bb", "cc", "bb"]


class Silent:
    """A reader that tells nothing."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 1), np.float32)

    def logits(self, question: str, texts: Sequence[str]) -> list[float]:
        return [0.0] * len(texts)

    def matches(self, question: str, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), 2), np.float32)


def test_the_step_asks_for_the_meaning_where_the_model_of_the_language_weighs_it() -> None:
    plain = AnswerModel((0.0,) * len(NAMES), (0.0,) * (len(NAMES) + 1), 0.0)
    weights = [0.0] * len(NAMES) + [1.0, 0.0, 0.0]
    means = AnswerModel(tuple(weights), (*weights, 0.0), 0.0)
    meaning_reader, encoder = reader()
    step = EvidenceStep(Silent(), AnswerModels(plain, plain, means), meaning_reader)
    candidates = [
        candidate
        for number, text in enumerate(("ccc", "aaa", "bbb"))
        for candidate in candidates_of(Source("passage", f"p{number}", 1, 1.0, text, document="d"))
    ]
    base = Base(lambda _: 1.0, lambda _: {})
    english = step.weighed(Question("What is it, aaa?", "what", 0, 16), candidates, base)
    assert encoder.read == []
    assert {len(one.features) for one in english} == {len(NAMES)}
    chinese = step.weighed(Question("什么是 aaa？", "what", 0, 8), candidates, base)
    assert chinese[0].unit.text == "aaa"
    assert {len(one.features) for one in chinese} == {len(NAMES) + len(MEANING)}
