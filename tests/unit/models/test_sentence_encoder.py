"""The sentence encoder gives unit vectors in which meaning is near."""

from pathlib import Path

import numpy as np
import pytest

from services.models.encoder_files import EncoderNotFound
from services.models.sentence_encoder import SentenceEncoder


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.load(precision="fp32")


def test_gives_unit_vectors_in_the_order_of_the_texts(encoder: SentenceEncoder) -> None:
    texts = ["a much longer sentence about the weather in Vienna", "short", "of middle length, say"]
    together = encoder.encode(texts)
    assert together.shape == (3, encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=2e-5)


def test_near_meanings_are_near(encoder: SentenceEncoder) -> None:
    question, answer, other = encoder.encode(
        ["How do I send shoes back?", "Returns are free within thirty days.", "The cathedral was built in 1137."]
    )
    assert question @ answer > question @ other + 0.2


def test_bf16_stays_close_to_fp32(encoder: SentenceEncoder) -> None:
    texts = ["The card has no annual fee.", "退款政策"]
    half = SentenceEncoder.load(precision="bf16").encode(texts)
    assert (half * encoder.encode(texts)).sum(1).min() > 0.999


def test_cuts_what_is_too_long_and_counts_wordpieces(encoder: SentenceEncoder) -> None:
    assert encoder.count("hello world") == 2
    assert encoder.count_many(["hello", "hello world"]) == [1, 2]
    assert np.isfinite(encoder.encode(["word " * 5000])).all()


def test_nothing_to_encode_is_no_error(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimensions)
    assert np.isfinite(encoder.encode([""])).all()


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderNotFound, match=tmp_path.name):
        SentenceEncoder.load(str(tmp_path))
