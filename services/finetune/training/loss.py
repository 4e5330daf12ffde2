"""The loss that a run minimises and is judged by: −Σ log P(y|x; θ) over the answers' tokens and their end token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor

from services.models.llama.shape import LlamaShape, NotLlamaShaped

IGNORED = -100


@dataclass(frozen=True)
class Sample:
    """One example as token ids: the rendered prompt, then the answer with its end token."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]


def parts(batch: Sequence[Sample], most: int = 4_096) -> Iterator[Sequence[Sample]]:
    """A batch in parts of at most ``most`` tokens, padding counted, so that long examples need no more memory."""
    part: list[Sample] = []
    longest = 0
    for one in batch:
        longer = max(longest, len(one.prompt) + len(one.answer))
        if part and longer * (len(part) + 1) > most:
            yield part
            part, longer = [], len(one.prompt) + len(one.answer)
        part.append(one)
        longest = longer
    if part:
        yield part


def answer_loss(model: Any, batch: Sequence[Sample]) -> tuple[Tensor, int]:
    """(sum of −log P over the answers' tokens in nats, their count) of a batch, padded on the right.

    Prompts of one tenant open alike. A Llama-shaped model reads what all rows share once, with its gradient, and
    turns only the answers' positions into logits: the same sum for half of the work on short examples.
    """
    logits, wanted, _ = _answer_logits(model, batch)
    return torch.nn.functional.cross_entropy(logits.float(), wanted, reduction="sum"), len(wanted)


@torch.no_grad()
def answer_hits(
    model: Any, samples: Sequence[Sample], alive: Callable[[], bool] | None = None, batch_size: int = 16
) -> list[bool]:
    """Whether greedy decoding would write each sample's answer, to its end token. Stops early when ``alive`` says so;
    what was not looked at counts as not said."""
    hits = [False] * len(samples)
    order = sorted(range(len(samples)), key=lambda at: len(samples[at].prompt) + len(samples[at].answer))
    for first in range(0, len(order), batch_size):
        if alive is not None and not alive():
            break
        chosen = order[first : first + batch_size]
        logits, wanted, rows = _answer_logits(model, [samples[at] for at in chosen])
        missed = set(rows[logits.argmax(-1) != wanted].tolist())
        for row, at in enumerate(chosen):
            hits[at] = row not in missed
    return hits


def _answer_logits(model: Any, batch: Sequence[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """(logits `[answer tokens, vocabulary]`, the tokens that should follow, the batch's row of each)."""
    longest = max(len(one.prompt) + len(one.answer) for one in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full((len(batch), longest), IGNORED)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    for row, one in enumerate(batch):
        whole = (*one.prompt, *one.answer)
        ids[row, : len(whole)] = torch.tensor(whole)
        mask[row, : len(whole)] = 1
        labels[row, len(one.prompt) : len(whole)] = torch.tensor(one.answer)
    kept = labels[:, 1:] != IGNORED  # position i says what it expects at i + 1
    inner: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    if _llama_shaped(inner):
        shared = _shared(batch)
        hidden = _hidden(inner.model, ids, mask, shared)
        logits = inner.lm_head(hidden[:, :-1][kept[:, shared:]])
    else:
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1][kept]
    return logits, labels[:, 1:][kept], kept.nonzero()[:, 0]


def _llama_shaped(inner: Any) -> bool:
    try:
        LlamaShape.of(inner.config.to_dict())
    except NotLlamaShaped:
        return False
    return True


def _shared(batch: Sequence[Sample]) -> int:
    """How many tokens all prompts open with, the last of each prompt left out: it expects the answer."""
    if len(batch) == 1:
        return 0
    columns = zip(*(one.prompt[:-1] for one in batch), strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _hidden(decoder: Any, ids: Tensor, mask: Tensor, shared: int) -> Tensor:
    """Last hidden states ``[rows, length - shared, hidden]`` of what follows the shared opening."""
    if not shared:
        states: Tensor = decoder(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        return states
    memory = decoder(input_ids=ids[:1, :shared], use_cache=True).past_key_values
    memory.batch_repeat_interleave(len(ids))
    read = decoder(input_ids=ids[:, shared:], attention_mask=mask, past_key_values=memory, use_cache=True)
    states = read.last_hidden_state
    return states
