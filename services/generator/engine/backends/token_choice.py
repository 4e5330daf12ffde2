"""Chooses each sequence's next token from its logits, by its own settings and nothing of its neighbours."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from services.generator.decoding.sampling import draw
from services.generator.decoding.token_processor import TokenProcessor

if TYPE_CHECKING:
    from services.generator.engine.sequence import Sequence

ProcessorsOf = Callable[["Sequence"], abc.Sequence[TokenProcessor]]


@torch.inference_mode()
def choose(
    logits: Tensor,
    sequences: abc.Sequence[Sequence],
    processors: ProcessorsOf,
    end_ids: frozenset[int],
    greatest: Callable[[Tensor], list[int]] | None = None,
    own: Mapping[int, Tensor] | None = None,
) -> list[int]:
    """One token for each sequence from fp32 `logits: [sequences, vocabulary]`, which may be changed in place.

    `greatest` answers the place of each sequence's greatest; torch's own where it is None. `own` has, by a sequence's
    place, the logits `[vocabulary]` that its log-likelihood is taken from where those that it draws from are a fusion
    head's: what a head made likely is not thereby fluent."""
    judge = _Judge(logits, sequences, own or {})
    early = [i for i, sequence in enumerate(sequences) if _made(sequence) < sequence.request.settings.min_new_tokens]
    if early:
        ends = torch.tensor(list(end_ids), device=logits.device)
        logits[torch.tensor(early, device=logits.device)[:, None], ends] = float("-inf")
    for index, sequence in enumerate(sequences):
        used = processors(sequence)
        if used or sequence.request.settings.repetition_penalty != 1.0:
            _shape(logits[index], sequence, used)
    best: list[int] = logits.argmax(1).tolist() if greatest is None else greatest(logits)
    drawn = [i for i, sequence in enumerate(sequences) if sequence.request.settings.temperature > 0]
    if drawn:
        chosen = logits if len(drawn) == len(sequences) else logits[drawn]
        temperatures = torch.tensor([sequences[i].request.settings.temperature for i in drawn], device=logits.device)
        scaled = chosen / temperatures[:, None]
        settings = [sequences[i].request.settings for i in drawn]
        for i, token in zip(drawn, draw(scaled, settings, [_made(sequences[i]) for i in drawn]), strict=True):
            best[i] = token
    judge.tell(logits, best)
    return best


class _Judge:
    """The model's own log P of the sequences that ask for it, taken before anything changes the logits."""

    def __init__(self, logits: Tensor, sequences: abc.Sequence[Sequence], own: Mapping[int, Tensor]) -> None:
        self._sequences = sequences
        self._judged = [i for i, sequence in enumerate(sequences) if scored(sequence)]
        self._plain = (
            torch.stack([own.get(i, logits[i]) for i in self._judged]).log_softmax(1) if self._judged else logits[:0]
        )
        self._drawn_from = {i: logits[i].log_softmax(0) for i in self._judged if sequences[i].branches and i in own}

    def tell(self, logits: Tensor, chosen: abc.Sequence[int]) -> None:
        """Add what was chosen to the sequences' log-likelihoods; those of a draft that branches get proposals from
        the changed `logits`."""
        for plain, i in zip(self._plain, self._judged, strict=True):
            sequence = self._sequences[i]
            if sequence.branches is None:
                sequence.log_likelihood += float(plain[chosen[i]])
            else:
                likelihoods = (self._drawn_from.get(i, plain), plain)
                sequence.proposed = _proposals(logits[i], likelihoods, sequence.branches.width + 1, sequence.weigh)


def scored(sequence: Sequence) -> bool:
    """Whether the model's own distribution is asked for."""
    return sequence.request.settings.scored or sequence.branches is not None


def _proposals(
    logits: Tensor, likelihoods: tuple[Tensor, Tensor], count: int, weigh: abc.Sequence[int]
) -> list[tuple[int, float, float]]:
    """The `count` likeliest tokens and those to `weigh`, as far as none is refused, with both their log P."""
    top: list[int] = logits.topk(min(count, len(logits))).indices.tolist()
    ids = torch.tensor(list(dict.fromkeys([*top, *weigh])), device=logits.device)
    ids = ids[logits[ids].isfinite()]
    return list(zip(ids.tolist(), *(likelihood[ids].tolist() for likelihood in likelihoods), strict=True))


@torch.inference_mode()
def read(sequence: Sequence, logits: Tensor, end: int) -> None:
    """Add to the sequence's log-likelihood what the `logits: [n, vocabulary]` at the n places before `end` say of the
    ids that follow them: a reply that is read."""
    following = torch.tensor(sequence.ids[end - len(logits) + 1 : end + 1], device=logits.device)
    sequence.log_likelihood -= float(torch.nn.functional.cross_entropy(logits.float(), following, reduction="sum"))


def _made(sequence: Sequence) -> int:
    return len(sequence.ids) - sequence.prompt_length


def _shape(logits: Tensor, sequence: Sequence, processors: abc.Sequence[TokenProcessor]) -> None:
    settings = sequence.request.settings
    if settings.repetition_penalty != 1.0:
        seen = torch.tensor(sorted(set(sequence.ids).difference(sequence.request.soft)), device=logits.device)
        repeated = logits[seen]
        factor = settings.repetition_penalty
        logits[seen] = torch.where(repeated > 0, repeated / factor, repeated * factor)  # CTRL (Keskar et al. 2019, 4.1)
    if processors:
        generated = sequence.generated
        for processor in processors:
            logits.copy_(processor(generated, logits))
