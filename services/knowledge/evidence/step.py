"""Weighs what was found against what was asked: candidates are cut, sifted, read, and given a probability."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

from services.common.editions import Dated
from services.common.evidence.records import Answer, Evidence, Piece
from services.common.evidence.units import Unit, fact_unit, units_of
from services.common.passages import Structure
from services.knowledge.domain.vectors import Vectors
from services.knowledge.evidence import features, questions, values
from services.knowledge.evidence.cells import RowRead, cell_texts, row_read
from services.knowledge.evidence.choice import choose
from services.knowledge.evidence.model import AnswerModels
from services.knowledge.evidence.ranges import unit_within
from services.knowledge.evidence.spelling import as_meant

_NEAR = 48  # candidates that are compared by their vectors
_READ = 14  # of these the candidates that are read together with the question
_PER_PASSAGE = 4
_WORD = re.compile(r"[^\W\d_]{3,}")
_MINE = re.compile(r"\b(?:my|our|mine|ours|mein\w*|unser\w*|mon|ma|mes|mi|mis)\b|我的|我们的", re.IGNORECASE)


class Reader(Protocol):
    """Reads units by themselves and together with a question."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of the texts."""
        ...

    def logits(self, question: str, texts: Sequence[str]) -> list[float]:
        """How much each text looks like the answer to the question."""
        ...

    def matches(self, question: str, texts: Sequence[str]) -> Vectors:
        """How well each text has a counterpart for the question's pieces: [len(texts), 2]."""
        ...


class Meaning(Protocol):
    """Reads what questions and units mean."""

    def features(self, question: str, units: Sequence[Unit]) -> Vectors:
        """What it says of each unit: [len(units), len(MEANING)]."""
        ...


@dataclass(frozen=True)
class Source:
    """A passage or fact that was found, `score` by retrieval; `document` is the passage's, `entity` the fact's."""

    kind: Literal["passage", "fact"]
    id: str
    revision: int
    score: float
    text: str
    structure: Structure = field(default_factory=Structure)
    entity: str = ""
    document: str = ""


@dataclass(frozen=True)
class Candidate:
    """A unit of a source with what is known about it for one question."""

    source: Source
    unit: Unit
    stems: frozenset[str]
    sift: float = 0.0
    cosine: float = 0.0
    score: float = 0.0
    probability: float = 0.0
    features: tuple[float, ...] = ()

    def piece(self, cells: tuple[int, ...] = ()) -> Piece:
        """The candidate as it travels."""
        source, unit = self.source, self.unit
        return Piece(source.kind, source.id, source.revision, unit.start, unit.end, cells, self.probability)


@dataclass(frozen=True)
class Base:
    """What the step asks of the tenant's knowledge base: how telling a stem is (0: no text has it), and the editions
    of documents by their ids."""

    idf: features.Idf
    editions: Callable[[Sequence[str]], Mapping[str, Dated]]


class EvidenceStep:
    """Finds the evidence of messages. Threads may share it."""

    def __init__(self, reader: Reader, models: AnswerModels, meaning: Meaning | None = None) -> None:
        """`meaning` is needed where one of the models weighs what units mean."""
        self._reader = reader
        self._models = models
        self._meaning = meaning

    def evidence(
        self, message: str, before: Sequence[str], state: Sequence[str], sources: Sequence[Source], base: Base
    ) -> Evidence:
        """What answers the message. `before`: the user's earlier messages, the latest first; `state`: the dialogue
        state's values."""
        language = questions.language_of(message)
        if questions.is_chat(message):
            return Evidence(language, (Answer("chat", "none", 0.0, (), 0, len(message)),))
        candidates = [one for source in sources for one in candidates_of(source)]
        names = names_of(candidates)
        answers = []
        earlier = list(before)
        for question in questions.questions_of(message):
            meant = as_meant(question.text, lambda term: base.idf(term) > 0, lambda: words_of(candidates))
            text = questions.completed(meant, earlier, names)
            earlier.insert(0, text)  # "Is the tent free, and what does it cost?"
            asked = replace(question, text=personal(text, state, names))
            weighed = self.weighed(asked, candidates, base)
            model = self._models.of(questions.language_of(asked.text))
            answers.append(choose(asked, weighed, candidates, model, base, self.row_read, self.logits))
        return Evidence(language, tuple(answers))

    def weighed(self, question: questions.Question, candidates: Sequence[Candidate], base: Base) -> list[Candidate]:
        """The best candidates with their probabilities, the best first."""
        known = frozenset().union(*(one.stems for one in candidates)) if candidates else frozenset()
        asked = features.read_question(questions.strip_opening(question.text), base.idf, known)
        read = self.shortlist(question, asked, candidates)
        if not read:
            return []
        texts = [one.unit.read for one in read]
        logits = self.logits(question.text, texts)
        matches = self._reader.matches(question.text, texts)
        names = [features.stems(name) for name in names_of(candidates)]
        things = sorted({one.unit.name for one in candidates if 1 < len(one.unit.name) <= 60}, key=len, reverse=True)
        exactly = features.said_names(question.text, things)
        top = _top(candidates)
        rows = [
            features.vector(
                asked,
                one.unit,
                names,
                own_stems=one.stems,
                logit=logit,
                best_other=max((other for at, other in enumerate(logits) if at != place), default=-features.MAX_LOGIT),
                cosine=one.cosine,
                rank=one.source.score / top,
                match=matches[place],
                exactly=exactly,
            )
            for place, (one, logit) in enumerate(zip(read, logits, strict=True))
        ]
        model = self._models.of(questions.language_of(question.text))
        if model.means and self._meaning is not None:
            means = self._meaning.features(question.text, [one.unit for one in read])
            rows = [np.concatenate(both) for both in zip(rows, means, strict=True)]
        scores, probabilities = model.weigh(rows, [one.source.id for one in read])
        weighed = [
            replace(one, features=tuple(row.tolist()), score=float(score), probability=float(probability))
            for one, row, score, probability in zip(read, rows, scores, probabilities, strict=True)
        ]
        return sorted(weighed, key=lambda one: -one.score)

    def row_read(self, question: str, unit: Unit) -> RowRead | None:
        """What the cells of a row say to the question, each read by itself; None for what is no row of several."""
        texts = cell_texts(unit) if len(unit.cells) > 2 and self._models.reads(questions.language_of(question)) else {}
        logits = self._reader.logits(question, list(texts.values()))
        return row_read(question, unit, dict(zip(texts, logits, strict=True)))

    def logits(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """The reader's logits of texts; 0 for a question in a language that it does not read."""
        if not self._models.reads(questions.language_of(question)):
            return [0.0] * len(texts)
        return self._reader.logits(question, texts)

    def shortlist(
        self, question: questions.Question, asked: features.Asked, candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """The candidates that are worth reading together with the question, by words and vectors, the likeliest
        first."""
        near = _sifted(asked, candidates, _top(candidates))
        if not near:
            return []
        vectors = self._reader.vectors([question.text, *(one.unit.read for one in near)])
        cosines = (vectors[1:] @ vectors[0]).tolist()
        return _best_of_passages(
            [
                replace(one, cosine=cosine, sift=one.sift + 1.5 * cosine)
                for one, cosine in zip(near, cosines, strict=True)
            ]
        )


def candidates_of(source: Source) -> list[Candidate]:
    """The units of a source as candidates."""
    if source.kind == "fact":
        units = [fact_unit(source.entity, source.text)]
    else:
        units = units_of(source.structure, source.text)
    return [Candidate(source, unit, features.stems(unit.read)) for unit in units]


def names_of(candidates: Sequence[Candidate]) -> list[str]:
    """What the documents call things, the longest first: rows, headings, entities of facts."""
    names: dict[str, None] = {}
    for one in candidates:
        for name in (one.unit.name, *one.unit.place.split(" > ")[1:]):
            if 1 < len(name) <= 60:
                names[name] = None
    return sorted(names, key=len, reverse=True)


def words_of(candidates: Sequence[Candidate]) -> set[str]:
    """The words of the candidates, in small letters."""
    return {word for one in candidates for word in _WORD.findall(one.unit.read.casefold())}


def personal(text: str, state: Sequence[str], names: Sequence[str]) -> str:
    """The question with what the dialogue's state says of its "my": "my plan" is the Family plan."""
    if not state or not _MINE.search(text):
        return text
    folded = text.casefold()
    fitting = [value for value in state if value.casefold() not in folded and _names_one(value, names)]
    return f"{text} ({', '.join(fitting[:3])})" if fitting else text


def _names_one(value: str, names: Sequence[str]) -> bool:
    words = features.stems(value)
    return bool(words) and any(words <= features.stems(name) for name in names)


def source_of_passage(row: Mapping[str, Any], score: float) -> Source:
    """A stored passage as a source."""
    return Source(
        "passage", row["_id"], row["revision"], score, row["text"], Structure.of(row), document=row.get("source", "")
    )


def _top(candidates: Sequence[Candidate]) -> float:
    return max((one.source.score for one in candidates), default=0.0) or 1.0


def _sifted(asked: features.Asked, candidates: Sequence[Candidate], top: float) -> list[Candidate]:
    """The candidates that are worth a look, by their words, their passage's place and the kind of value they have."""
    scored = []
    for one in candidates:
        covered, _, _ = features.coverage(asked, one.stems)
        fits = 0.15 if asked.kinds and values.present(one.unit.text, set(asked.kinds)) else 0.0
        holds = 0.4 * max(0.0, unit_within(asked.quantities, one.unit))
        scored.append(replace(one, sift=covered + 0.5 * one.source.score / top + fits + holds))
    return sorted(scored, key=lambda one: -one.sift)[:_NEAR]


def _best_of_passages(candidates: Sequence[Candidate]) -> list[Candidate]:
    taken: list[Candidate] = []
    count: dict[str, int] = {}
    for one in sorted(candidates, key=lambda one: -one.sift):
        if count.get(one.source.id, 0) < _PER_PASSAGE:
            count[one.source.id] = count.get(one.source.id, 0) + 1
            taken.append(one)
    return taken[:_READ]
