"""The forward pass in torch: few operations, any device, many sequences of different lengths at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from services.models.arithmetic import computes_in_bf16
from services.models.llama.linear import Linear, make_linear
from services.models.llama.plan import DecodePlan, PrefillPlan
from services.models.llama.slots import KeyValueSlots, Segment
from services.models.llama.steady import SteadyDecoder
from services.models.llama.weights import LlamaWeights


@dataclass(frozen=True, slots=True)
class _Layer:
    attention_norm: Tensor
    qkv: Linear
    query_norm: Tensor | None
    key_norm: Tensor | None
    output: Linear
    feed_norm: Tensor
    gate_up: Linear
    down: Linear


class TorchLlama:
    """A Llama-shaped model over torch's own products.

    `kernel` is the arithmetic of the linear layers (fp32, bf16, int8, int4; auto: bf16, or fp32 on a CPU without it);
    norms, positions and attention run in the dtype of the stream (fp32 for fp32, else bf16), which is also the dtype of
    keys and values. With `steady`, decode passes have few shapes, which a GPU runs as recorded graphs.
    """

    def __init__(
        self, weights: LlamaWeights, kernel: str, length: int, device: str = "cpu", *, steady: bool = False
    ) -> None:
        self.shape = weights.shape
        if kernel == "auto":
            kernel = "bf16" if device != "cpu" or computes_in_bf16() else "fp32"
        self.kernel = kernel
        self.device = device
        self.dtype = torch.float32 if kernel == "fp32" else torch.bfloat16
        self._embedding = weights.embedding.to(device, self.dtype)

        def norm(weight: Tensor | None) -> Tensor | None:
            return None if weight is None else weight.to(device, self.dtype)

        def linear(weight: Tensor, bias: Tensor | None = None) -> Linear:
            return make_linear(kernel, weight, bias, device)

        self._layers = [
            _Layer(
                attention_norm=w.attention_norm.to(device, self.dtype),
                qkv=linear(w.qkv, w.qkv_bias),
                query_norm=norm(w.query_norm),
                key_norm=norm(w.key_norm),
                output=linear(w.output, w.output_bias),
                feed_norm=w.feed_norm.to(device, self.dtype),
                gate_up=linear(w.gate_up),
                down=linear(w.down),
            )
            for w in weights.layers
        ]
        self._norm = weights.norm.to(device, self.dtype)
        # Int4 would cost quality in the one layer whose errors reach the logits directly.
        self._head = make_linear("int8" if kernel == "int4" else kernel, weights.head, None, device)
        cosines, sines = self.shape.rotary_tables(length)
        self._cosines = torch.cat([cosines, cosines], 1).to(device)
        self._sines = torch.cat([sines, sines], 1).to(device)
        self._steady = steady
        self._decoder: SteadyDecoder | None = None

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Input embeddings `[tokens, hidden]`; ids below zero (soft tokens) become zeros."""
        tokens = torch.tensor(ids, device=self.device)
        found = F.embedding(tokens.clamp_min(0), self._embedding)
        return found if min(ids) >= 0 else found.masked_fill(tokens[:, None] < 0, 0)

    @torch.inference_mode()
    def hidden(self, inputs: Tensor, segments: Sequence[Segment], memory: KeyValueSlots) -> Tensor:
        """Run `inputs: [tokens, hidden]`, the segments' tokens one after the other, writing keys and values into
        `memory`; answers the decoder's normed output after each segment's last token, `[segments, hidden]`."""
        x = inputs.to(self.dtype)
        if any(segment.count > 1 for segment in segments):
            return self._decoded(x, PrefillPlan(segments, memory, self.device), memory)
        if not self._steady:
            return self._decoded(x, DecodePlan.of(segments, memory, self.device), memory)
        if self._decoder is None or self._decoder.memory is not memory:
            self._decoder = SteadyDecoder(self._decoded, memory)
        return self._decoder(x, segments)

    def _decoded(self, x: Tensor, plan: DecodePlan | PrefillPlan, memory: KeyValueSlots) -> Tensor:
        shape = self.shape
        cosines = self._cosines[plan.positions][:, None].to(self.dtype)
        sines = self._sines[plan.positions][:, None].to(self.dtype)
        for index, layer in enumerate(self._layers):
            qkv = layer.qkv(self._normed(x, layer.attention_norm))
            qkv = qkv.view(-1, shape.heads + 2 * shape.kv_heads, shape.head_dim)
            query, key, value = torch.split(qkv, [shape.heads, shape.kv_heads, shape.kv_heads], 1)
            if layer.query_norm is not None and layer.key_norm is not None:
                query, key = self._normed(query, layer.query_norm), self._normed(key, layer.key_norm)
            query, key = _rotate(query, cosines, sines), _rotate(key, cosines, sines)
            keys, values = memory.keys[index], memory.values[index]
            keys[plan.slots, :, plan.places] = key
            values[plan.slots, :, plan.places] = value
            attended = plan.attend(query, keys, values, shape.group)
            x = x + layer.output(attended.reshape(len(x), -1))
            gate, up = layer.gate_up(self._normed(x, layer.feed_norm)).chunk(2, 1)
            x = x + layer.down(F.silu(gate) * up)
        return self._normed(x[plan.last], self._norm)

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        """`[rows, hidden]` to fp32 `[rows, vocabulary]`."""
        return self._head(hidden.to(self.dtype)).float()

    def greatest(self, logits: Tensor) -> list[int]:
        """The place of each row's greatest of `[rows, n]`."""
        found: list[int] = logits.argmax(1).tolist()
        return found

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), weight, self.shape.norm_eps)


def _rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], -1)
    return x * cosines + turned * sines
