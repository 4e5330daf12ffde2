"""The multilingual encoder's file is read as it was written."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from research.evidence.multilingual import convert
from services.models.sentence_encoder import SentenceEncoder

WIDTH, LAYERS, HEADS, WIDE, POSITIONS = 32, 1, 2, 64, 16
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", ":", "▁送货", "要", "三天", "▁three", "▁days"]


def quantised(values: np.ndarray) -> bytes:
    """Q4_0, written out: one scale of .5, so that whole halves between -4 and 3.5 survive."""
    rows = np.clip(np.round(values.reshape(-1, 32) / 0.5) + 8, 0, 15).astype(np.uint8)
    packed = rows[:, :16] | (rows[:, 16:] << 4)
    return b"".join(struct.pack("<e", 0.5) + row.tobytes() for row in packed)


def a_file(rng: np.random.Generator) -> tuple[bytes, np.ndarray]:
    """A model of one layer in the package's form, and its word vectors."""
    words = rng.integers(-8, 8, (len(PIECES), WIDTH)) * 0.5
    tensors: dict[str, bytes] = {"emb.word": quantised(words)}
    for name, count in (("emb.pos", POSITIONS * WIDTH), ("emb.type", WIDTH), ("emb.ln.w", WIDTH), ("emb.ln.b", WIDTH)):
        tensors[name] = rng.normal(size=count).astype(np.float32).tobytes()
    for short, rows, columns in (
        *((short, WIDTH, WIDTH) for short in ("q", "k", "v", "ao")),
        ("fi", WIDE, WIDTH),
        ("fo", WIDTH, WIDE),
    ):
        tensors[f"l0.{short}.w"] = quantised(rng.integers(-1, 2, (rows, columns)) * 0.5)
        tensors[f"l0.{short}.b"] = rng.normal(size=rows).astype(np.float32).tobytes()
    for short in ("aln.w", "aln.b", "oln.w", "oln.b"):
        tensors[f"l0.{short}"] = rng.normal(size=WIDTH).astype(np.float32).tobytes()
    encoded = [piece.encode() for piece in PIECES]
    places = np.cumsum([0, *map(len, encoded)]).astype(np.uint32)
    scores = np.full(len(PIECES), -1.0, np.float32)
    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, WIDE, len(PIECES), POSITIONS, 1, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(places[-1]))
    head += places.tobytes() + scores.tobytes() + b"".join(encoded) + struct.pack("<iI", 0, 0)
    directory = struct.pack("<i", len(tensors))
    size = len(head) + len(directory) + sum(2 + len(name) + 5 + 16 for name in tensors)
    for name, raw in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, size, len(raw))
        size += len(raw)
    return head + directory + b"".join(tensors.values()), words


def test_an_encoder_reads_chinese_and_english_with_the_files_own_pieces_and_weights(tmp_path: Path) -> None:
    data, words = a_file(np.random.default_rng(3))
    convert(data, tmp_path)
    encoder = SentenceEncoder.load(str(tmp_path), "fp32")
    assert encoder.dimensions == WIDTH
    assert encoder.count("query: 送货要三天") == 5
    assert encoder.known(["送货要三天"]) == [1.0]
    assert np.array_equal(encoder._words.float().numpy(), words)
    vectors = encoder.encode(["query: 送货要三天", "query: three days"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert abs(float(vectors[0] @ vectors[1])) < 0.999


def test_another_file_and_weights_cut_short_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model"):
        convert(b"GGUF" + bytes(64), tmp_path)
    data, _ = a_file(np.random.default_rng(3))
    with pytest.raises(ValueError, match="buffer"):
        convert(data[:-100], tmp_path)
