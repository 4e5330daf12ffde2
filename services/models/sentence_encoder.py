"""Turns sentences into unit vectors with a BERT-shaped encoder (all-MiniLM-L6-v2 by default)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from services.models.arithmetic import half_or_float
from services.models.bert import Bert, cut, mean_pooled
from services.models.encoder_files import BUNDLED, EncoderFiles, EncoderNotFound, Precision, Vectors
from services.models.int8_rows import read_int8
from services.models.mapped import map_tensor

SHARED_DEPTH = 3
"""Layers that read a text by itself, for readers that read two texts together above them."""


class SentenceEncoder:
    """Mean-pooled, normalised sentence vectors (Reimers & Gurevych 2019, section 3).

    At "bf16" a CPU that does not compute in bfloat16 computes in fp32: the vectors are then the same but for bfloat16's
    rounding, and go by the same name.

    Rows are sorted by length and padded per batch, so a vector does not depend on its company beyond rounding.
    """

    def __init__(self, files: EncoderFiles, precision: Precision, max_pieces: int = 256) -> None:
        config = files.config
        self.name = files.name(precision)
        self.dimensions = files.dimensions
        self._max_pieces = min(max_pieces, config["max_position_embeddings"])
        self.tokenizer_file = files.tokenizer
        self._tokenizer = Tokenizer.from_file(str(self.tokenizer_file))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        weights = load_file(files.weights)
        name = next(key for key in weights if key.endswith("embeddings.word_embeddings.weight"))
        words = map_tensor(files.weights, name)  # rows come when they are read; the layers' pages can go
        weights = {key.removeprefix("bert."): value for key, value in weights.items()}
        dtype = half_or_float() if precision == "bf16" else torch.float32
        self.bert = Bert(config, weights, lambda ids: F.embedding(ids, words), dtype)

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
        try:
            made.bert = self.bert.tuned(weights)
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
        rows = [cut(row.ids, self._max_pieces) for row in self._tokenizer.encode_batch(list(texts))]
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
        rows = [cut(row.ids, self._max_pieces) for row in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        found: dict[int, Tensor] = {}
        for start in range(0, len(order), batch_texts):
            members = order[start : start + batch_texts]
            hidden, _ = self.bert.states([rows[index] for index in members])
            found |= {index: hidden[at, 1 : len(rows[index]) - 1].float() for at, index in enumerate(members)}
        return [found[index] for index in range(len(rows))]

    @torch.no_grad()
    def lower_states(
        self, texts: Sequence[str], depth: int = SHARED_DEPTH, max_pieces: int = 128, batch_texts: int = 32
    ) -> list[Tensor]:
        """What the first `depth` layers make of each text, its marker tokens included: `[pieces, dimensions]` each, in
        the encoder's precision."""
        rows = [cut(row.ids, max_pieces) for row in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        states: dict[int, Tensor] = {}
        for start in range(0, len(order), batch_texts):
            members = order[start : start + batch_texts]
            hidden, _ = self.bert.states([rows[index] for index in members], depth)
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
            hidden = torch.zeros((len(members), length, self.dimensions), dtype=self.bert.dtype)
            mask = torch.zeros((len(members), length), dtype=torch.bool)
            for row, index in enumerate(members):
                hidden[row, : len(states[index])] = states[index]
                mask[row, : len(states[index])] = True
            hidden = self.bert.upper_states(hidden, mask, depth).float()
            vectors[members] = mean_pooled(hidden, mask).numpy()
            last |= {index: hidden[row, : len(states[index])] for row, index in enumerate(members)}
        return vectors, [last[index] for index in range(len(states))]

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where each WordPiece of the text begins and ends in it, for as many pieces as `states` answers."""
        return [(start, end) for start, end in self._tokenizer.encode(text).offsets[1:-1]][: self._max_pieces - 2]

    @torch.inference_mode()
    def _forward(self, rows: list[list[int]]) -> Vectors:
        vectors: Vectors = mean_pooled(*self.bert.states(rows)).numpy()
        return vectors
