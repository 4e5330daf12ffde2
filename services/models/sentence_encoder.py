"""Turns sentences into unit vectors with a BERT-shaped encoder (all-MiniLM-L6-v2 by default)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from services.models.arithmetic import half_or_float
from services.models.encoder_files import BUNDLED, EncoderFiles, EncoderNotFound, Precision, Vectors
from services.models.int8_rows import read_int8
from services.models.mapped import map_tensor

SHARED_DEPTH = 3
"""Layers that read a text by itself, for readers that read two texts together above them."""


@dataclass(frozen=True)
class _Layer:
    qkv_weight: Tensor  # [3 * hidden, hidden]
    qkv_bias: Tensor
    out_weight: Tensor
    out_bias: Tensor
    out_norm: tuple[Tensor, Tensor]
    up_weight: Tensor
    up_bias: Tensor
    down_weight: Tensor
    down_bias: Tensor
    down_norm: tuple[Tensor, Tensor]


class SentenceEncoder:
    """Mean-pooled, normalised sentence vectors (Reimers & Gurevych 2019, section 3).

    At "bf16" a CPU that does not compute in bfloat16 computes in fp32: the vectors are then the same but for bfloat16's
    rounding, and go by the same name.

    The forward pass is written out over the loaded weights: for one short query the module tree of a
    framework costs more than the products do. Rows are sorted by length and padded per batch, so a vector
    does not depend on its company beyond rounding.
    """

    def __init__(self, files: EncoderFiles, precision: Precision, max_pieces: int = 256) -> None:
        config = files.config
        self.name = files.name(precision)
        self.dimensions = files.dimensions
        self._heads: int = config["num_attention_heads"]
        self._eps: float = config["layer_norm_eps"]
        self._dtype = half_or_float() if precision == "bf16" else torch.float32
        self._max_pieces = min(max_pieces, config["max_position_embeddings"])
        self.tokenizer_file = files.tokenizer
        self._tokenizer = Tokenizer.from_file(str(self.tokenizer_file))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        weights = load_file(files.weights)
        words = next(key for key in weights if key.endswith("embeddings.word_embeddings.weight"))
        self._words = map_tensor(files.weights, words)  # rows come when they are read; the layers' pages can go
        weights = {key.removeprefix("bert."): value for key, value in weights.items()}
        self._positions = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = (weights["embeddings.LayerNorm.weight"].clone(), weights["embeddings.LayerNorm.bias"].clone())
        self._layers = [
            self._take_layer(weights, f"encoder.layer.{number}.") for number in range(config["num_hidden_layers"])
        ]

    @classmethod
    def load(cls, source: str = BUNDLED, precision: Precision = "bf16", max_pieces: int = 256) -> SentenceEncoder:
        """Loads `source`: the bundled encoder by its name, or a folder with config, tokenizer and safetensors.

        Raises EncoderNotFound when nothing usable lies there.
        """
        return cls(EncoderFiles.of(source), precision, max_pieces)

    def tuned(self, file: Path) -> SentenceEncoder:
        """This encoder with the layers of a file (`int8_rows`) in place of its own; the rest is shared.

        Raises EncoderNotFound when there is no such file or its layers are not this encoder's.
        """
        if not file.is_file():
            raise EncoderNotFound(f"there is no {file}")
        weights, _ = read_int8(file)
        made = copy(self)
        made.name = f"{self.name}+{file.stem}"
        numbers = sorted({int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer.")})
        try:
            made._layers = list(self._layers)
            for number in numbers:
                made._layers[number] = self._take_layer(weights, f"encoder.layer.{number}.")
        except (IndexError, KeyError) as error:
            raise EncoderNotFound(f"{file} does not fit {self.name}: {error}") from error
        return made

    def count(self, text: str) -> int:
        """WordPieces of `text`, without the two marker tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """WordPieces of each text, without the two marker tokens."""
        return [len(row.ids) for row in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def known(self, texts: Sequence[str]) -> list[float]:
        """The share of each text's WordPieces that are in the vocabulary; 1 where there are none."""
        unknown = self._tokenizer.token_to_id("[UNK]") or 0
        rows = [row.ids for row in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        return [1 - row.count(unknown) / len(row) if row else 1.0 for row in rows]

    def encode(self, texts: Sequence[str], batch_pieces: int = 4096) -> Vectors:
        """Unit vectors of the texts, cut at the piece limit: float32 [len(texts), dimensions]."""
        result = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        rows = [row.ids for row in self._tokenizer.encode_batch(list(texts))]
        rows = [ids if len(ids) <= self._max_pieces else [*ids[: self._max_pieces - 1], ids[-1]] for ids in rows]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and len(rows[order[end]]) * (end + 1 - start) <= batch_pieces:
                end += 1
            members = order[start:end]
            result[members] = self._forward([rows[index] for index in members])
            start = end
        return result

    @torch.inference_mode()
    def states(self, texts: Sequence[str], batch_texts: int = 64) -> list[Tensor]:
        """The last layer's state of each WordPiece of each text, without the two marker tokens: float32
        `[pieces, dimensions]`; none for a text without pieces. Rounding depends on what shares a batch."""
        rows = [row.ids for row in self._tokenizer.encode_batch(list(texts))]
        rows = [ids if len(ids) <= self._max_pieces else [*ids[: self._max_pieces - 1], ids[-1]] for ids in rows]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        found: dict[int, Tensor] = {}
        for start in range(0, len(order), batch_texts):
            members = order[start : start + batch_texts]
            hidden, _ = self._hidden([rows[index] for index in members])
            found |= {index: hidden[at, 1 : len(rows[index]) - 1].float() for at, index in enumerate(members)}
        return [found[index] for index in range(len(rows))]

    @torch.no_grad()
    def lower_states(
        self, texts: Sequence[str], depth: int = SHARED_DEPTH, max_pieces: int = 128, batch_texts: int = 32
    ) -> list[Tensor]:
        """What the first `depth` layers make of each text, its marker tokens included: `[pieces, dimensions]` each, in
        the encoder's precision."""
        rows = [row.ids for row in self._tokenizer.encode_batch(list(texts))]
        rows = [ids if len(ids) <= max_pieces else [*ids[: max_pieces - 1], ids[-1]] for ids in rows]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        states: dict[int, Tensor] = {}
        for start in range(0, len(order), batch_texts):
            members = order[start : start + batch_texts]
            hidden, _ = self._hidden([rows[index] for index in members], depth)
            states |= {index: hidden[at, : len(rows[index])] for at, index in enumerate(members)}
        return [states[index] for index in range(len(rows))]

    @torch.inference_mode()
    def pooled(self, states: Sequence[Tensor], depth: int = SHARED_DEPTH, batch_texts: int = 32) -> Vectors:
        """Unit vectors of texts that the first `depth` layers have read: float32 `[len(states), dimensions]`."""
        return self.finished(states, depth, batch_texts)[0]

    @torch.inference_mode()
    def finished(
        self, states: Sequence[Tensor], depth: int = SHARED_DEPTH, batch_texts: int = 32
    ) -> tuple[Vectors, list[Tensor]]:
        """(unit vectors as `pooled` gives them, the last layer's states of each text's pieces) of texts that the first
        `depth` layers have read."""
        vectors = np.zeros((len(states), self.dimensions), np.float32)
        last: dict[int, Tensor] = {}
        order = sorted(range(len(states)), key=lambda index: len(states[index]))
        for start in range(0, len(order), batch_texts):
            members = order[start : start + batch_texts]
            length = max(len(states[index]) for index in members)
            hidden = torch.zeros((len(members), length, self.dimensions), dtype=self._dtype)
            mask = torch.zeros((len(members), length), dtype=torch.bool)
            for row, index in enumerate(members):
                hidden[row, : len(states[index])] = states[index]
                mask[row, : len(states[index])] = True
            hidden = self.upper_states(hidden, mask, depth).float()
            weight = mask.unsqueeze(-1).float()
            vectors[members] = F.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1).numpy()
            last |= {index: hidden[row, : len(states[index])] for row, index in enumerate(members)}
        return vectors, [last[index] for index in range(len(states))]

    def upper_states(self, hidden: Tensor, mask: Tensor, depth: int) -> Tensor:
        """The last layer's states of rows that the first `depth` layers have read: `hidden` is
        `[rows, length, dimensions]`, `mask` `[rows, length]` is false where a row has no piece."""
        attention_mask = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self._layers[depth:]:
            hidden = self._block(hidden, layer, attention_mask)
        return hidden

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where each WordPiece of the text begins and ends in it, for as many pieces as `states` answers."""
        return [(start, end) for start, end in self._tokenizer.encode(text).offsets[1:-1]][: self._max_pieces - 2]

    @torch.inference_mode()
    def _forward(self, rows: list[list[int]]) -> Vectors:
        hidden, mask = self._hidden(rows)
        weight = mask.unsqueeze(-1).float()
        pooled = (hidden.float() * weight).sum(1) / weight.sum(1)
        vectors: Vectors = F.normalize(pooled, dim=-1).numpy()
        return vectors

    def _hidden(self, rows: list[list[int]], depth: int | None = None) -> tuple[Tensor, Tensor]:
        length = max(len(ids) for ids in rows)
        ids = torch.zeros((len(rows), length), dtype=torch.long)
        mask = torch.zeros((len(rows), length), dtype=torch.bool)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = True
        hidden = F.embedding(ids, self._words) + self._positions[:length]
        hidden = F.layer_norm(hidden, (self.dimensions,), *self._norm, self._eps).to(self._dtype)
        padded = not bool(mask.all())
        attention_mask = mask[:, None, None, :] if padded else None
        for layer in self._layers[:depth]:
            hidden = self._block(hidden, layer, attention_mask)
        return hidden, mask

    def _block(self, hidden: Tensor, layer: _Layer, mask: Tensor | None) -> Tensor:
        rows, length, width = hidden.shape
        mixed = F.linear(hidden, layer.qkv_weight, layer.qkv_bias)
        query, key, value = mixed.view(rows, length, 3, self._heads, width // self._heads).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = attended.transpose(1, 2).reshape(rows, length, width)
        hidden = hidden + F.linear(attended, layer.out_weight, layer.out_bias)
        hidden = F.layer_norm(hidden, (width,), *layer.out_norm, self._eps)
        inner = F.gelu(F.linear(hidden, layer.up_weight, layer.up_bias))
        hidden = hidden + F.linear(inner, layer.down_weight, layer.down_bias)
        return F.layer_norm(hidden, (width,), *layer.down_norm, self._eps)

    def _take_layer(self, weights: dict[str, Tensor], prefix: str) -> _Layer:
        def take(name: str) -> Tensor:
            return weights[prefix + name].to(self._dtype)

        parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
        return _Layer(
            qkv_weight=torch.cat([take(f"{part}.weight") for part in parts]),
            qkv_bias=torch.cat([take(f"{part}.bias") for part in parts]),
            out_weight=take("attention.output.dense.weight"),
            out_bias=take("attention.output.dense.bias"),
            out_norm=(take("attention.output.LayerNorm.weight"), take("attention.output.LayerNorm.bias")),
            up_weight=take("intermediate.dense.weight"),
            up_bias=take("intermediate.dense.bias"),
            down_weight=take("output.dense.weight"),
            down_bias=take("output.dense.bias"),
            down_norm=(take("output.LayerNorm.weight"), take("output.LayerNorm.bias")),
        )
