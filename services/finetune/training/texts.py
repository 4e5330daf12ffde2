"""Examples as token ids in the very format that the generator prompts with, and the base model itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedModel

from services.common.state import known_text
from services.finetune.training.loss import Sample
from services.models.chat import chat_format
from services.models.language_model import content_hash, end_ids, find_model, load_module

MAX_TOKENS = 512
"""Of an example, as long as its answer leaves room for a message."""
MAX_ANSWER = 1_024
"""Tokens of an answer; longer ones are refused, since half an answer teaches to break off."""
LEAST_MESSAGE = 192
"""Tokens of the message that stay beside a long answer."""
_MAX_DRAFT, _MAX_FEEDBACK = 320, 128


class Texts:
    """The base model's tokenizer, chat format and weights."""

    def __init__(self, model: str, cache_dir: Path, system_text: str) -> None:
        self._folder = find_model(model, cache_dir)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(self._folder)
        self._chat = chat_format(self._folder)
        self._system_text = system_text
        self.base_version = content_hash(self._folder, cache_dir)
        self.end_ids = sorted(end_ids(self._folder))

    @property
    def vocabulary(self) -> int:
        """Ids there are, control tokens among them."""
        return len(self._tokenizer)

    def encode(self, text: str) -> list[int]:
        """Token ids of text with the template's markers in it, nothing added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, special ones left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    @cached_property
    def _opening(self) -> tuple[list[int], list[int]]:
        chat = self._chat
        system = [*self.encode(chat.head_open), *chat.encode_text(self, self._system_text)]
        return [*system, *self.encode(chat.head_close)], self.encode(chat.reply_open)

    def prompt(self, message: str, most: int = MAX_TOKENS) -> tuple[int, ...]:
        """The prompt of a session's first turn, up to the opening of the reply; of a message of more than ``most``
        tokens its beginning and its end."""
        head, reply_open = self._opening
        return (*head, *self._part(message, most), *reply_open)

    def _part(self, text: str, most: int) -> list[int]:
        ids = self._chat.encode_text(self, text)
        if len(ids) <= most:
            return ids
        gap = self.encode(" … ")
        tail = (most - len(gap)) // 2
        return [*ids[: most - len(gap) - tail], *gap, *ids[len(ids) - tail :]]

    def revision(self, message: str, draft: str, feedback: str) -> tuple[int, ...]:
        """The prompt of a revision of a session's first turn: the message, the draft, and what was said of it, each
        shortened to what fits beside the others."""
        said = [*self.encode(self._chat.next_open), *self._part(feedback, _MAX_FEEDBACK)]
        return (*self.prompt(message, LEAST_MESSAGE), *self._part(draft, _MAX_DRAFT), *said, *self._opening[1])

    def stated(
        self, earlier: Sequence[tuple[str, str]], message: str, state: str
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """A later turn's prompt in two parts, between which soft tokens stand: up to the end of the message (after the
        `earlier` messages and replies, with the state's text before it unless that is empty), and the reply's
        opening."""
        head, reply_open = self._opening
        ids = list(head)
        for said, answered in earlier:
            ids += [*self._chat.encode_text(self, said), *reply_open, *self._chat.encode_text(self, answered)]
            ids += self.encode(self._chat.next_open)
        asked = f"{known_text(state)}\n\n{message}" if state else message
        return (*ids, *self._chat.encode_text(self, asked)), tuple(reply_open)

    def reply(self, text: str, most: int) -> tuple[int, ...]:
        """A reply's token ids with its end; cut at `most` tokens, without an end."""
        ids = self._chat.encode_text(self, text)
        end = self.encode(self._chat.next_open)[:1]
        return tuple(ids[:most]) if len(ids) >= most else (*ids, *(end if end[0] in self.end_ids else self.end_ids[:1]))

    def fits(self, answer: str) -> bool:
        """Whether an answer is short enough to be learned whole."""
        return len(answer.encode()) < MAX_ANSWER or len(self._chat.encode_text(self, answer)) <= MAX_ANSWER

    def sample(self, prompt: str, answer: str, *, cut: bool = False) -> Sample:
        """An example as the model meets it: the whole answer with the end token behind it, and as much of the message
        as MAX_TOKENS leave, at least LEAST_MESSAGE tokens.

        ``cut``: the answer was broken off, and nothing says that it ends there.
        """
        reply = self._chat.encode_text(self, answer)
        if not cut:
            end = self.encode(self._chat.next_open)[:1]
            reply += end if end and end[0] in self.end_ids else self.end_ids[:1]
        room = MAX_TOKENS - sum(map(len, self._opening)) - len(reply)
        return Sample(self.prompt(prompt, max(LEAST_MESSAGE, room)), tuple(reply))

    def samples(self, examples: Sequence[dict[str, Any]]) -> list[Sample]:
        """``examples`` are documents with ``prompt`` and ``answer``, some of them ``cut``."""
        return [self.sample(one["prompt"], one["answer"], cut=bool(one.get("cut"))) for one in examples]

    def load(self) -> PreTrainedModel:
        """The base model in fp32, loaded anew: training changes what it is given."""
        return load_module(self._folder)
