"""The frozen base model for training heads: its replies to prompts and its hidden states, by the serving kernels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from services.finetune.training.texts import Texts
from services.models.adapter import Adapter
from services.models.language_model import find_model, iterate_weights, load_config
from services.models.llama.forward import TorchLlama
from services.models.llama.native.forward import NativeLlama
from services.models.llama.native.library import NativeUnavailable
from services.models.llama.shape import LlamaShape
from services.models.llama.slots import KeyValueSlots, Segment
from services.models.llama.weights import LlamaWeights

_CONTEXT = 1024


class FrozenBase:
    """A Llama-shaped base model whose states and replies are wanted, many sequences at a time; with an `adapter`, as
    its pairs change it.

    Raises:
        services.models.llama.shape.NotLlamaShaped: the model runs through its own module alone.
    """

    MOST_DRAFT_TOKENS = 320
    """Of a draft that stands in a prompt beside a message and a comment."""

    def __init__(
        self,
        model: str,
        cache_dir: Path,
        system_text: str,
        rows: int = 32,
        kernel: str = "auto",
        adapter: Adapter | None = None,
    ) -> None:
        folder = find_model(model, cache_dir)
        self.texts = Texts(model, cache_dir, system_text)
        tensors = iterate_weights(folder)
        if adapter is not None and adapter.pairs:
            tensors = adapter.merged(tensors)
        weights = LlamaWeights.gather(LlamaShape.of(load_config(folder)), tensors)
        self.embedding = weights.embedding
        self.head = weights.head
        self._forward: NativeLlama | TorchLlama
        try:
            self._forward = NativeLlama(weights, kernel, _CONTEXT, cache_dir)
        except NativeUnavailable:
            self._forward = TorchLlama(weights, "auto", _CONTEXT)
        self._rows = rows
        self._kept: list[int] = []  # what slot 0 holds
        self._memory = KeyValueSlots(self._forward.shape, rows, _CONTEXT, self._forward.dtype)

    @property
    def hidden_size(self) -> int:
        return self._forward.shape.hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """`[rows, hidden]` to fp32 `[rows, vocabulary]`."""
        return self._forward.logits(hidden)

    def states(self, prompt: Sequence[int], target: Sequence[int]) -> Tensor:
        """The decoder's normed output that predicts each token of the target: `[len(target), hidden]`, fp16."""
        ids = [*prompt, *target[:-1]]
        known = next((at for at, (a, b) in enumerate(zip(ids, self._kept, strict=False)) if a != b), None)
        known = min(len(ids), len(self._kept)) if known is None else known
        known = min(known, len(prompt) - 1)  # what the prompt shares with the one before is in the slot already
        if lead := ids[known : len(prompt) - 1]:
            self._forward.hidden(self._forward.embed(lead), [Segment(0, known, len(lead))], self._memory)
        rest = ids[len(prompt) - 1 :]
        segments = [Segment(0, len(prompt) - 1 + at, 1) for at in range(len(rest))]
        self._kept = ids
        return self._forward.hidden(self._forward.embed(rest), segments, self._memory).half()

    def replies(
        self, prompts: Sequence[Sequence[int]], temperatures: Sequence[float], *, tokens: int, seed: int
    ) -> list[list[int]]:
        """A reply to each prompt at its temperature (0: greedy), without its end token. Prompts too long for `tokens`
        more are cut on the left."""
        self._kept = []
        chance = torch.Generator().manual_seed(seed)
        made: list[list[int]] = [[] for _ in prompts]
        waiting = list(range(len(prompts)))[::-1]
        slots: dict[int, tuple[int, int]] = {}  # slot to (prompt's number, tokens known)
        free = list(range(self._rows))
        last: dict[int, int] = {}
        ends = set(self.texts.end_ids)
        while waiting or slots:
            while waiting and free:
                number, slot = waiting.pop(), free.pop()
                ids = list(prompts[number])[-(_CONTEXT - tokens) :]
                if len(ids) > 1:
                    inputs = self._forward.embed(ids[:-1])
                    self._forward.hidden(inputs, [Segment(slot, 0, len(ids) - 1)], self._memory)
                slots[slot], last[slot] = (number, len(ids) - 1), ids[-1]
            order = sorted(slots)
            segments = [Segment(slot, slots[slot][1], 1) for slot in order]
            hidden = self._forward.hidden(self._forward.embed([last[s] for s in order]), segments, self._memory)
            logits = self._forward.logits(hidden)
            chosen = logits.argmax(1).tolist()
            for at, slot in enumerate(order):
                if warm := temperatures[slots[slot][0]]:
                    weights = (logits[at] / warm).softmax(0)
                    chosen[at] = int(torch.multinomial(weights, 1, generator=chance))
            for slot, token in zip(order, chosen, strict=True):
                number, known = slots[slot]
                if token not in ends:
                    made[number].append(token)
                if token in ends or len(made[number]) >= tokens:
                    del slots[slot]
                    free.append(slot)
                else:
                    slots[slot], last[slot] = (number, known + 1), token
        return made
