"""The native forward pass behind the same methods as `services.models.llama.forward.TorchLlama`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from services.models.llama.native.library import (
    BatchFields,
    GatedHeadFields,
    LayerFields,
    NativeUnavailable,
    ShapeFields,
    load_library,
)
from services.models.llama.native.packing import (
    PackedMatrix,
    address,
    as_pointer,
    fits_int4,
    interleave,
    pack,
)
from services.models.llama.native.pairs import PackedPairs, Pairs, pack_pairs
from services.models.llama.native.threads import ThreadChoice
from services.models.llama.slots import KeyValueSlots, Segment
from services.models.llama.weights import LayerWeights, LlamaWeights

_MOST_GROUP, _MOST_DIM = 16, 256


class NativeLlama:
    """A Llama-shaped model on a CPU with AVX2 or, faster, AVX-512 VNNI and BF16.

    `kernel` is the arithmetic of the linear layers: fp32, bf16, int8 or int4; "auto" takes int4 where the model was
    shipped on that grid, else int8. Activations of the integer kernels have a scale for every 32 values of each
    row; the stream between the layers is fp32; keys and values are fp32 for fp32, else bf16. Every row is computed
    by the same operations in the same order, so that an answer is the same to the last bit whatever the batch and
    however the prompt was cut.
    """

    device = "cpu"

    def __init__(self, weights: LlamaWeights, kernel: str, length: int, cache_dir: Path) -> None:
        self.shape = shape = weights.shape
        if shape.group > _MOST_GROUP or shape.head_dim > _MOST_DIM or shape.head_dim % 32:
            raise NativeUnavailable(f"heads of {shape.head_dim} in groups of {shape.group}")
        if shape.hidden % 32 or shape.inner % 32:
            raise NativeUnavailable("layer sizes that are no multiple of 32")
        if kernel == "auto":
            kernel = "int4" if all(fits_int4(w.down) for w in weights.layers[:2]) else "int8"
        self.kernel = f"native-{kernel}"
        self.dtype = torch.float32 if kernel == "fp32" else torch.bfloat16
        self._library = load_library(cache_dir)
        self._threads = ThreadChoice(torch.get_num_threads())
        self._count = 1
        self._adapters: dict[int, PackedPairs] = {}
        self._kept: list[Tensor] = []  # what the structures point to
        self._packed: list[PackedMatrix] = []
        layers = (LayerFields * shape.layers)(*(self._layer(layer, kernel) for layer in weights.layers))
        cosines, sines = (self._keep(t) for t in shape.rotary_tables(length))
        sizes = (shape.layers, shape.hidden, shape.heads, shape.kv_heads, shape.head_dim, shape.inner)
        fields = ShapeFields(*sizes, shape.norm_eps)
        new = self._library.antiphon_new(
            as_pointer(fields), ctypes.byref(layers), ctypes.c_void_p(cosines), ctypes.c_void_p(sines)
        )
        self._model = ctypes.c_void_p(new)
        self._norm = weights.norm.to(torch.float32, copy=True)  # a view would hold the whole file's mapping
        # Int4 would cost quality in the one layer whose errors reach the logits directly.
        self._head = pack(weights.head, "int8" if kernel == "int4" else kernel)
        self._packed.append(self._head)
        self._embedding = weights.embedding
        self._embedded = self.dtype if kernel in ("fp32", "bf16") else torch.float32

    def __del__(self) -> None:
        if hasattr(self, "_model"):
            self._library.antiphon_free(self._model)

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights that a step reads."""
        return sum(matrix.bytes for matrix in self._packed)

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Input embeddings `[tokens, hidden]`, fp32; ids below zero (soft tokens) become zeros."""
        tokens = torch.tensor(ids)
        found = F.embedding(tokens.clamp_min(0), self._embedding).to(self._embedded).float()
        return found if min(ids) >= 0 else found.masked_fill(tokens[:, None] < 0, 0)

    @torch.inference_mode()
    def hidden(self, inputs: Tensor, segments: Sequence[Segment], memory: KeyValueSlots) -> Tensor:
        """As `TorchLlama.hidden`; the caches' inner order is the kernels' own, in blocks of 16 positions."""
        x = inputs.to(torch.float32, copy=True).contiguous()  # changed in place
        slots: list[int] = []
        positions: list[int] = []
        adapters: list[int] = []
        for segment in segments:
            slots += [segment.slot] * segment.count
            positions += range(segment.start, segment.start + segment.count)
            adapters += [segment.adapter] * segment.count
        plan = torch.tensor([slots, positions, adapters], dtype=torch.int32)
        pairs, low = self._pairs(adapters)
        window = memory.window
        batch = BatchFields(
            tokens=len(slots),
            slots=plan[0].data_ptr(),
            positions=plan[1].data_ptr(),
            adapters=plan[2].data_ptr() if low else None,
            keys=memory.keys.data_ptr(),
            values=memory.values.data_ptr(),
            layer_stride=memory.keys.stride(0),
            slot_stride=memory.keys.stride(1),
            head_stride=memory.keys.stride(2),
            wide=int(memory.dtype == torch.float32),
            pairs=ctypes.cast(pairs, ctypes.c_void_p),
            low=low,
            **({} if window is None else asdict(window)),
        )
        with self._threads.timed(len(slots)) as threads:
            self._library.antiphon_hidden(
                self._model, ctypes.c_void_p(x.data_ptr()), as_pointer(batch), ctypes.c_int(threads)
            )
            self._count = threads
        if len(segments) < len(slots):
            x = x[torch.tensor([s.count for s in segments]).cumsum(0) - 1]
        return F.rms_norm(x, (x.shape[1],), self._norm, self.shape.norm_eps)

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        """`[rows, hidden]` to fp32 `[rows, vocabulary]`."""
        return self._product(self._head, hidden.float())[:, : self.shape.vocabulary]

    def product(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """The fp32 product with a weight `[m, k]`, beside the model's own: `services.models.fusion_serving.Kernels`."""
        packed = _pack_whole(weight)
        return lambda x: self._product(packed, x)

    def gated(self, first: Tensor, back: Tensor, owners: Tensor) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
        """A fusion head's two products in one call: `services.models.fusion_serving.Kernels`."""
        packed = _pack_whole(first), _pack_whole(back)
        places = owners.int().contiguous()
        inner = back.shape[1]

        def fuse(hidden: Tensor, late: Tensor, told: Tensor, marks: Tensor) -> Tensor:
            out = hidden.contiguous().clone()
            sizes = (out.shape[1], late.shape[1], inner, first.shape[0] - inner)
            fields = GatedHeadFields(*sizes, packed[0].fields, packed[1].fields, places.data_ptr())
            pointers = (ctypes.c_void_p(one.data_ptr()) for one in (out, late, told, marks))
            self._library.antiphon_gated(
                self._model, as_pointer(fields), *pointers, ctypes.c_int64(len(out)), ctypes.c_int(self._count)
            )
            return out

        return fuse

    def _product(self, matrix: PackedMatrix, x: Tensor) -> Tensor:
        x = x.contiguous()
        out = torch.empty(len(x), matrix.n)
        self._library.antiphon_product(
            self._model,
            as_pointer(matrix.fields),
            ctypes.c_void_p(x.data_ptr()),
            ctypes.c_int64(len(x)),
            ctypes.c_void_p(out.data_ptr()),
            ctypes.c_int(self._count),
        )
        return out

    def greatest(self, logits: Tensor) -> list[int]:
        """The place of each row's greatest of fp32 `[rows, n]`, the first of equals."""
        found = torch.empty(len(logits), dtype=torch.int64)
        self._library.antiphon_greatest(
            ctypes.c_void_p(logits.data_ptr()),
            ctypes.c_int64(len(logits)),
            ctypes.c_int64(logits.shape[1]),
            ctypes.c_int64(logits.stride(0)),
            ctypes.c_void_p(found.data_ptr()),
            ctypes.c_int(self._count),
        )
        answer: list[int] = found.tolist()
        return answer

    def pack_adapter(self, pairs: Pairs, rank: int) -> PackedPairs:
        """Bring an adapter's pairs into the kernels' order; any thread may.

        Raises:
            ValueError: a pair does not fit the model.
        """
        return pack_pairs(pairs, rank, self.shape, self.dtype)

    def add_adapter(self, number: int, packed: PackedPairs) -> None:
        """Compute segments of adapter `number` (1 or more) with its pairs from now on."""
        self._adapters[number] = packed

    def remove_adapter(self, number: int) -> None:
        """Let an adapter go."""
        del self._adapters[number]

    def _pairs(self, adapters: list[int]) -> tuple[ctypes.Array[ctypes.c_void_p], int]:
        """The adapters' tables by number, and the most channels of a `down` among those in use; 0: there are none."""
        used = {number for number in adapters if number}
        table = (ctypes.c_void_p * max(used, default=0))()
        for number in used:
            table[number - 1] = ctypes.addressof(self._adapters[number].fields)
        return table, max((self._adapters[number].low for number in used), default=0)

    def _layer(self, weights: LayerWeights, kernel: str) -> LayerFields:
        inner = self.shape.inner
        gate_up = interleave(weights.gate_up[:inner], weights.gate_up[inner:])
        packed = [
            pack(weights.qkv, kernel, weights.qkv_bias),
            pack(weights.output, kernel, weights.output_bias),
            pack(gate_up, kernel),
            pack(weights.down, kernel),
        ]
        self._packed += packed
        norms = (weights.attention_norm, weights.feed_norm, weights.query_norm, weights.key_norm)
        return LayerFields(
            *(matrix.fields for matrix in packed), *(None if n is None else self._keep(n) for n in norms)
        )

    def _keep(self, tensor: Tensor) -> int:
        kept = tensor.to(torch.float32, copy=True).contiguous()
        self._kept.append(kept)
        found = address(kept)
        assert found is not None
        return found


def _pack_whole(weight: Tensor) -> PackedMatrix:
    """Pack a matrix without rounding: in fp16 where that holds it, as it does the weights of a head's file."""
    return pack(weight, "fp16" if torch.equal(weight.half().float(), weight) else "fp32")
