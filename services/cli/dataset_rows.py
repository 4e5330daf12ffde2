"""Rows of training sets, in the forms that TRL's trainers and OpenAI's fine-tuning read, from exported feedback.

The last word about a message counts: an answer that was overruled or spoken against later is no target any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from antiphon.v1 import feedback_pb2 as pb

from services.common.last_words import GOOD_RATING, answer_key, prompt_key

BAD_RATING = 2
_LEARNABLE = (pb.FEEDBACK_STATUS_STORED, pb.FEEDBACK_STATUS_PROCESSED)
Row = dict[str, Any]
Conversation = tuple[str, ...]
"""What was said up to the answer: messages and replies in turn, the last a message."""


class Form(StrEnum):
    """What reads the rows."""

    TRL_SFT = "trl-sft"
    TRL_DPO = "trl-dpo"
    TRL_KTO = "trl-kto"
    OPENAI = "openai"


@dataclass(frozen=True)
class Word:
    """A word for or against an answer; `over` is the answer it was preferred to, empty where none was."""

    conversation: Conversation
    answer: str
    good: bool
    over: str
    record: pb.FeedbackRecord


@dataclass(frozen=True)
class Made:
    """A row, the record it came from, and whether it is held out of training."""

    row: Row
    record: pb.FeedbackRecord
    held_out: bool


def rows(records: Iterable[pb.FeedbackRecord], form: Form, *, held_out: float, masked: bool = True) -> list[Made]:
    """The rows of a training set, oldest first, of records in the order they were given.

    `held_out`: about this share of the conversations is held out, chosen by the hash of their first message alone, so
    that one is on the same side in every export. `masked`: only the last reply of a row is learned; otherwise every
    reply in it is.
    """
    words = [word for record in records if record.status in _LEARNABLE for word in _words(record)]
    chosen: Iterator[tuple[Word, Row]]
    match form:
        case Form.TRL_SFT:
            chosen = ((word, _sft(word, masked)) for word in _targets(words))
        case Form.OPENAI:
            chosen = ((word, _openai(word, masked)) for word in _targets(words))
        case Form.TRL_DPO:
            chosen = ((word, _dpo(word)) for word in _pairs(words))
        case Form.TRL_KTO:
            chosen = ((word, _kto(word)) for word in _verdicts(words))
    return [Made(row, word.record, is_held_out(word.conversation, held_out)) for word, row in chosen]


def is_held_out(conversation: Conversation, share: float) -> bool:
    """Whether a conversation that begins so is among the held-out ones."""
    digest = hashlib.sha256(prompt_key(conversation[0]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def _words(record: pb.FeedbackRecord) -> Iterator[Word]:
    """What a record says for and against answers; the latter comes first, so that it overrules nothing of its own."""
    if not record.prompt.strip():
        return
    spoken = [text for turn in record.earlier_turns for text in (turn.prompt, turn.reply)]
    conversation, said = (*spoken, record.prompt), record.feedback
    edited, reply = said.edited_text.strip(), record.reply.strip()

    def word(answer: str, good: bool, over: str = "") -> Word:
        return Word(conversation, answer, good, over, record)

    if record.accepted:
        if reply:
            yield word(reply, good=True, over=record.revised_reply.strip())
    elif edited and edited != reply:
        if reply:
            yield word(reply, good=False)
        yield word(edited, good=True, over=reply)
    elif reply and (edited or said.rating >= GOOD_RATING):
        yield word(reply, good=True)
    elif reply and (said.rating <= BAD_RATING if said.HasField("rating") else said.comment or said.constraints):
        yield word(reply, good=False)


def _key(word: Word) -> tuple[str, ...]:
    return tuple(map(prompt_key, word.conversation))


def _targets(words: list[Word]) -> Iterator[Word]:
    """Of each conversation the last answer that was approved of, unless somebody spoke against it later."""
    last: dict[tuple[str, ...], Word | None] = {}
    for word in words:
        standing = last.get(_key(word))
        if word.good:
            last.pop(_key(word), None)  # so that it stands where the last word was given
            last[_key(word)] = word
        elif standing is not None and answer_key(standing.answer) == answer_key(word.answer):
            last[_key(word)] = None
    yield from (word for word in last.values() if word is not None)


def _pairs(words: list[Word]) -> Iterator[Word]:
    """Answers that hold with each answer they were preferred to, once."""
    holding = {_key(word): answer_key(word.answer) for word in _targets(words)}
    pairs: dict[tuple[tuple[str, ...], str], Word] = {}
    for word in words:
        if word.over and word.over != word.answer and holding.get(_key(word)) == answer_key(word.answer):
            pairs.setdefault((_key(word), answer_key(word.over)), word)
    yield from pairs.values()


def _verdicts(words: list[Word]) -> Iterator[Word]:
    """The last word about each answer; an answer that another one replaced is good no more."""
    holding = {_key(word): answer_key(word.answer) for word in _targets(words)}
    last = {(_key(word), answer_key(word.answer)): word for word in words}
    for (key, answer), word in last.items():
        if not word.good or holding.get(key) == answer:
            yield word


def _messages(conversation: Conversation) -> list[Row]:
    return [{"role": "user" if at % 2 == 0 else "assistant", "content": text} for at, text in enumerate(conversation)]


def _reply(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


def _sft(word: Word, masked: bool) -> Row:
    if masked:
        return {"prompt": _messages(word.conversation), "completion": _reply(word.answer)}
    return {"messages": _messages((*word.conversation, word.answer))}


def _openai(word: Word, masked: bool) -> Row:
    before = _messages(word.conversation)
    if masked:
        before = [{**one, "weight": 0} if one["role"] == "assistant" else one for one in before]
    return {"messages": [*before, *_reply(word.answer)]}


def _dpo(word: Word) -> Row:
    return {"prompt": _messages(word.conversation), "chosen": _reply(word.answer), "rejected": _reply(word.over)}


def _kto(word: Word) -> Row:
    return {"prompt": _messages(word.conversation), "completion": _reply(word.answer), "label": word.good}
