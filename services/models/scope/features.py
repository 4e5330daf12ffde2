"""What tells a paraphrase of a message from its neighbour: word by word, what the other side has for it."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np

from services.models.encoder_files import Vectors
from services.models.scope.reading import Reading, Word, stem

_CLASSES = (
    "monday tuesday wednesday thursday friday saturday sunday weekday weekend",
    "january february march april may june july august september october november december",
    "spring summer autumn fall winter",
    "morning noon afternoon evening night",
    "small medium large big mini single double triple twin half full",
    "child children adult senior student pensioner baby kid",
    "red green blue yellow black white silver gold grey",
    "day week month year hour minute daily weekly monthly yearly annual hourly",
    "first second third fourth last",
    "north south east west upper lower front rear left right",
    "new old used existing",
    "basic standard premium express economy business",
    "open close arrive leave start end begin finish",
)
"""Words of which one excludes the others of its line."""
_CLASS_OF = {stem(word): number for number, line in enumerate(_CLASSES) for word in line.split()}
WORD_FEATURES = 14
PAIR_NAMES = (
    "constant", "cosine", "property cosine", "cosine squared", "missing of message", "missing of question", "numbers",
    "words of message", "words of question", "difference of lengths", "names of message", "names of question",
    "reply cosine", "reply property cosine", "question and reply", "class", "names",
)  # fmt: skip
PAIR_FEATURES = len(PAIR_NAMES)
Features = tuple[Vectors, Vectors, Vectors, Vectors]
"""Of a pair: words `[words of both, WORD_FEATURES]`, their own states and their counterparts'
`[words of both, dimensions]`, and `[PAIR_FEATURES]` of the whole."""


def pair_features(message: Reading, question: Reading, reply: Reading) -> Features:
    """What there is to see of a message held against a corrected question and its reply.

    The message's words find their counterparts in both, the question's words in the message alone: what a question
    asked must be asked again, and what a message asks beside it must at least be spoken of in the reply.
    """
    near, tuned = message.states @ question.states.T, message.property_states @ question.property_states.T
    replied = message.states @ reply.states.T
    first = _side(
        message, question, near, tuned, {word.stem for word in reply.words}, _most(replied, len(message.words))
    )
    second = _side(question, message, near.T, tuned.T, set(), np.zeros(len(question.words), np.float32))
    words = np.concatenate([first[0], second[0]])
    own = np.concatenate([first[1], second[1]])
    other = np.concatenate([first[2], second[2]])
    return words, own, other, _pair(message, question, reply, first[0], second[0])


def _most(similarities: Vectors, count: int) -> Vectors:
    return similarities.max(1) if similarities.shape[1] else np.zeros(count, np.float32)


def _side(
    mine: Reading, other: Reading, near: Vectors, tuned: Vectors, replied: set[str], reply_near: Vectors
) -> tuple[Vectors, Vectors, Vectors]:
    stems = {word.stem for word in other.words}
    count = len(mine.words)
    rows = np.zeros((count, WORD_FEATURES), np.float32)
    counterparts = np.zeros((count, mine.states.shape[1]), np.float32)
    if not count or not other.words:
        return rows, mine.states, counterparts
    best = near.argmax(1)
    for at, word in enumerate(mine.words):
        same = word.stem in stems
        spelt = 1.0 if same else _spelt(word, other.words)
        rows[at] = (
            1.0,
            word.empty,
            same,
            (not same) and (not word.empty),
            spelt,
            near[at, best[at]],
            tuned[at].max(),
            word.number,
            word.number and not same,
            word.name,
            word.name and spelt < 0.8,
            0.0 if same else word.rare,
            word.stem in replied and not same,
            reply_near[at],
        )
        counterparts[at] = other.states[best[at]]
    return rows, mine.states, counterparts


def _spelt(word: Word, others: tuple[Word, ...]) -> float:
    """How alike the likeliest of the other side's words is written, from 0 to 1; typing slips stay above .7."""
    if word.empty or len(word.stem) < 3:
        return 0.0
    ratios = [
        SequenceMatcher(None, word.stem, other.stem, autojunk=False).ratio()
        for other in others
        if abs(len(other.stem) - len(word.stem)) <= 3 and not other.empty
    ]
    return max(ratios, default=0.0)


def _pair(message: Reading, key: Reading, reply: Reading, first: Vectors, second: Vectors) -> Vectors:
    def missing(rows: Vectors) -> float:
        full = (1 - rows[:, 1]).sum()
        return float(rows[:, 3].sum() / full) if full else 0.0

    cosine, tuned = float(message.vector @ key.vector), float(message.property_vector @ key.property_vector)
    numbers = {w.stem for w in message.words if w.number} ^ {w.stem for w in key.words if w.number}
    return np.array(
        [
            1.0,
            cosine,
            tuned,
            cosine * cosine,
            missing(first),
            missing(second),
            float(bool(numbers)),
            min(len(message.words), 30) / 30,
            min(len(key.words), 30) / 30,
            abs(len(message.words) - len(key.words)) / 30,
            float(first[:, 10].sum() > 0) if len(first) else 0.0,
            float(second[:, 10].sum() > 0) if len(second) else 0.0,
            float(message.vector @ reply.vector),
            float(message.property_vector @ reply.property_vector),
            float(key.vector @ reply.vector),
            float(bool(_kinds(message, key) & _kinds(key, message))),
            float(_unmatched_names(message, key) > 0 and _unmatched_names(key, message) > 0),
        ],
        np.float32,
    )


def _kinds(reading: Reading, other: Reading) -> set[int]:
    """The closed classes of which this side names a member that the other does not: days, months, sizes, …"""
    stems = {word.stem for word in other.words}
    return {_CLASS_OF[word.stem] for word in reading.words if word.stem in _CLASS_OF and word.stem not in stems}


def _unmatched_names(reading: Reading, other: Reading) -> int:
    return sum(word.name and _spelt(word, other.words) < 0.8 for word in reading.words if not word.empty)
