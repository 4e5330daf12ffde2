"""The three stages: text with memory, feedback triples, and any pre-trained model on segments with memory."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache

from research.pretraining.corpus import SegmentStream
from research.pretraining.triples import Triple, TripleBatch, encode_triples
from services.models.interactive_transformer import InteractiveTransformerForCausalLM, SegmentMemory


def text_nll(
    model: InteractiveTransformerForCausalLM, ids: NDArray[np.int32], segment: int, memory: int, batch: int = 8
) -> tuple[float, int]:
    """(mean negative log-likelihood in nats, tokens) of a text read in segments with `memory` states kept."""
    stream = SegmentStream(ids, batch, segment)
    carried = model.new_memory(length=memory) if memory else None
    total, count = 0.0, 0
    with torch.no_grad():
        for _ in range(stream.segments):
            inputs, targets, _ = stream.next()
            logits = model(inputs, past_key_values=carried, use_cache=False).logits.float()
            total += float(functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum"))
            count += targets.numel()
    return total / count, count


class TextTask:
    """Stage 1: next-token prediction over segments in order, the memory carried under stop-gradient.

    Transformer-XL (Dai et al. 2019), section 3.2. memory 0 trains the same model without recurrence: every segment
    starts from nothing.
    """

    def __init__(
        self, ids: NDArray[np.int32], held: NDArray[np.int32] | None, batch: int, segment: int, memory: int
    ) -> None:
        self.stream = SegmentStream(ids, batch, segment)
        self.held, self.segment, self.length = held, segment, memory
        self.memory: SegmentMemory | None = None
        self.waiting: dict[str, Tensor] = {}

    def loss(self, model: nn.Module) -> tuple[Tensor, int]:
        """As Task."""
        inputs, targets, starts = self.stream.next()
        if self.memory is None and self.length:
            self.memory = self._memory(model)
        if self.memory is not None and starts:
            self.memory.reset()
        logits = model(inputs, past_key_values=self.memory, use_cache=False).logits
        return functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten()), targets.numel()

    def held_out(self, model: nn.Module) -> float | None:
        """As Task, read with the same segments and memory."""
        if self.held is None or not isinstance(model, InteractiveTransformerForCausalLM):
            return None
        return text_nll(model, self.held, self.segment, self.length)[0]

    def carried(self) -> dict[str, Tensor]:
        """Position in the stream and each layer's states."""
        state = {"position": torch.tensor(self.stream.position)}
        for depth, layer in enumerate(self.memory.by_depth if self.memory else []):
            if layer.states is not None:
                state[f"memory.{depth}"] = layer.states
        return state

    def restore(self, carried: dict[str, Tensor]) -> None:
        """As Task; the memory is filled when the model is at hand, in the first step."""
        self.stream.position = int(carried["position"])
        self.waiting = {name: value for name, value in carried.items() if name.startswith("memory.")}

    def _memory(self, model: nn.Module) -> SegmentMemory:
        assert isinstance(model, InteractiveTransformerForCausalLM)
        memory = model.new_memory("states", length=self.length)
        for name, states in self.waiting.items():
            layer = memory.by_depth[int(name.removeprefix("memory."))]
            layer.states, layer.seen = states, states.shape[1]
        return memory


class TripleTask:
    """Stage 2: maximise P(reply | context, feedback), the loss over the reply's tokens alone.

    withhold: the share of rows that get no feedback, so that the model keeps a distribution without any.
    in_prompt: the feedback is written into the context instead of given to the feedback encoder (the arm that
    fusion has to be compared with).
    """

    def __init__(
        self,
        tokenizer: Any,
        triples: Sequence[Triple],
        held: Sequence[Triple],
        batch: int,
        limit: int = 128,
        withhold: float = 0.1,
        in_prompt: bool = False,
        seed: int = 0,
    ) -> None:
        self.tokenizer, self.triples, self.held = tokenizer, list(triples), list(held)
        self.batch, self.limit, self.withhold, self.in_prompt, self.seed = batch, limit, withhold, in_prompt, seed
        self.step = 0

    def loss(self, model: nn.Module) -> tuple[Tensor, int]:
        """As Task. Which rows come at which step follows from the seed and the step alone."""
        chosen = random.Random(f"{self.seed}.{self.step}")
        self.step += 1
        rows = chosen.sample(self.triples, min(self.batch, len(self.triples)))
        said = ["" if chosen.random() < self.withhold else row.feedback for row in rows]
        batch = encode_triples(self.tokenizer, rows, self.limit, self.in_prompt, said)
        assert isinstance(model, InteractiveTransformerForCausalLM)
        logits, targets = reply_logits(model, batch, self.in_prompt)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), int((targets >= 0).sum())

    def held_out(self, model: nn.Module) -> float | None:
        """As Task, over the held-out triples with their own feedback."""
        if not self.held or not isinstance(model, InteractiveTransformerForCausalLM):
            return None
        total, count = 0.0, 0
        for start in range(0, len(self.held), self.batch):
            rows = self.held[start : start + self.batch]
            batch = encode_triples(self.tokenizer, rows, self.limit, self.in_prompt)
            logits, targets = reply_logits(model, batch, self.in_prompt)
            total += float(functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum"))
            count += int((targets >= 0).sum())
        return total / count

    def carried(self) -> dict[str, Tensor]:
        """The step is all there is."""
        return {"step": torch.tensor(self.step)}

    def restore(self, carried: dict[str, Tensor]) -> None:
        """As Task."""
        self.step = int(carried["step"])


def kept_layers(cache: DynamicCache) -> list[Any]:
    """The layers of a cache that hold `keys` and `values` [batch, heads, tokens, head_size], in order."""
    return list(cache.layers)


def reply_logits(
    model: InteractiveTransformerForCausalLM, batch: TripleBatch, in_prompt: bool
) -> tuple[Tensor, Tensor]:
    """(logits [rows, reply tokens, vocab], float32; targets [rows, reply tokens], -100 past a reply's end).

    Only the reply is fused and put out, the context's logits being nobody's target. The feedback goes to the
    model's encoder unless it is in the prompt.
    """
    hidden = model.transformer(batch.ids, attention_mask=batch.mask, use_cache=False).last_hidden_state
    wanted = batch.targets >= 0
    first, longest = wanted.int().argmax(1, keepdim=True), int(wanted.sum(1).max())
    places = (first + torch.arange(longest)).clamp_max(hidden.shape[1] - 1)  # a reply has no holes
    targets = batch.targets.gather(1, places)
    targets = targets.masked_fill(torch.arange(longest) >= wanted.sum(1, keepdim=True), -100)
    replies = hidden.gather(1, places[..., None].expand(-1, -1, hidden.shape[-1]))
    if not in_prompt:
        replies = model.fuse(replies, batch.feedback_ids, batch.feedback_mask)
    elif model.takes_feedback:
        replies = model.fuse(replies, None)
    return torch.as_tensor(model.lm_head(replies).float()), targets


class SegmentTask:
    """Stage 3: fine-tune any causal language model on segments whose memory is its own carried keys and values.

    The recurrence of Transformer-XL, section 3.2, on a pre-trained model: the last `memory` tokens' keys and
    values are kept without gradient, positions grow on, and only the segment is computed. Unlike stage 1 the
    projections don't learn through the memory, for a transformers cache keeps their results, not their inputs.
    The positions start anew at the latest where the next segment would pass the model's own limit.
    """

    def __init__(
        self, ids: NDArray[np.int32], held: NDArray[np.int32] | None, batch: int, segment: int, memory: int
    ) -> None:
        self.stream = SegmentStream(ids, batch, segment)
        self.held, self.batch, self.segment, self.length = held, batch, segment, memory
        self.cache: DynamicCache | None = None
        self.seen = 0

    def loss(self, model: nn.Module) -> tuple[Tensor, int]:
        """As Task."""
        inputs, targets, starts = self.stream.next()
        logits = self._read(model, inputs, starts)
        return functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten()), targets.numel()

    def held_out(self, model: nn.Module) -> float | None:
        """As Task, read by a second task of the same form from the start of the text."""
        if self.held is None:
            return None
        reader = SegmentTask(self.held, None, self.batch, self.segment, self.length)
        losses = [float(reader.loss(model)[0]) for _ in range(reader.stream.segments)]
        return sum(losses) / len(losses)

    def _read(self, model: nn.Module, inputs: Tensor, starts: bool) -> Tensor:
        limit = getattr(model.config, "max_position_embeddings", None) or math.inf
        if starts or self.cache is None or self.seen + self.segment > limit:
            self.cache, self.seen = DynamicCache(), 0
        positions = torch.arange(self.seen, self.seen + self.segment)[None]
        logits = model(inputs, past_key_values=self.cache, position_ids=positions, use_cache=True).logits
        self.seen += self.segment
        for layer in kept_layers(self.cache):
            first = max(layer.keys.shape[-2] - self.length, 0)
            layer.keys, layer.values = layer.keys[..., first:, :].detach(), layer.values[..., first:, :].detach()
        return torch.as_tensor(logits)

    def carried(self) -> dict[str, Tensor]:
        """Position in the stream, tokens seen and each layer's keys and values."""
        state = {"position": torch.tensor(self.stream.position), "seen": torch.tensor(self.seen)}
        for depth, layer in enumerate(kept_layers(self.cache) if self.cache else []):
            state |= {f"keys.{depth}": layer.keys, f"values.{depth}": layer.values}
        return state

    def restore(self, carried: dict[str, Tensor]) -> None:
        """As Task."""
        self.stream.position, self.seen = int(carried["position"]), int(carried["seen"])
        self.cache = DynamicCache()
        for depth in range(sum(name.startswith("keys.") for name in carried)):
            self.cache.update(carried[f"keys.{depth}"], carried[f"values.{depth}"], depth)
