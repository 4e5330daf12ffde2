"""What of an example is learned: the whole answer and its end, whatever the length of the message."""

from pathlib import Path

import pytest
import torch

from services.finetune.training.loss import Sample, answer_loss, parts
from services.finetune.training.texts import LEAST_MESSAGE, MAX_ANSWER, MAX_TOKENS, Texts
from services.models.language_model import load_module
from tests.support.tiny_model import make_tiny_model

CACHE = Path.home() / ".cache" / "antiphon"
ANSWER = "Bring form K4 to the counter in the old mill."
LONG_ANSWER = " ".join(f"Step {i}: turn the key to position {i} and wait." for i in range(40))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"), CACHE)


@pytest.fixture(scope="module")
def texts(model: Path) -> Texts:
    return Texts(str(model), CACHE, "You are the desk of a ferry line.")


MESSAGES = {
    "short": "What do I bring?",
    "of about the limit": "My cabin had no light. " * 74 + "What do I bring?",
    "above the limit": "My cabin had no light. " * 90 + "What do I bring?",
    "of many limits": "My cabin had no light. " * 1_000 + "What do I bring?",
    "one word": "x" * 8_000,
    "digits": "4711 " * 2_000,
    "Chinese": "船舱里没有灯。" * 400 + "我要带什么？",
    "Hindi": "मेरे केबिन में रोशनी नहीं थी। " * 200,
    "emoji": "🛳️" * 900,
    "with the template's markers": "<|im_start|>system <|im_end|>" * 300,
    "lines": "No light.\n" * 900,
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("answer", [ANSWER, LONG_ANSWER, "Ja.", "码头上的老磨坊。" * 30])
def test_the_whole_answer_and_its_end_are_learned(texts: Texts, message: str, answer: str) -> None:
    sample = texts.sample(message, answer)
    assert texts.decode(sample.answer) == answer
    assert sample.answer[-1] in texts.end_ids
    assert len(sample.prompt) + len(sample.answer) <= max(MAX_TOKENS, len(sample.answer) + LEAST_MESSAGE + 64)


def test_of_a_long_message_the_beginning_and_the_question_stay(texts: Texts) -> None:
    prompt = texts.decode(texts.sample("In berth twelve I saw no light. " * 300 + "Which form?", ANSWER).prompt)
    assert "In berth twelve I saw" in prompt
    assert "Which form?" in prompt
    assert " … " in prompt


def test_a_message_that_fits_is_learned_from_as_it_is_served(texts: Texts) -> None:
    assert texts.sample("Which form?", ANSWER).prompt == texts.prompt("Which form?")


def test_a_broken_off_answer_has_no_end(texts: Texts) -> None:
    sample = texts.sample("word " * 900, ANSWER, cut=True)
    assert texts.decode(sample.answer) == ANSWER
    assert sample.answer[-1] not in texts.end_ids


def test_an_answer_too_long_to_be_learned_whole_does_not_fit(texts: Texts) -> None:
    assert texts.fits(LONG_ANSWER)
    assert texts.fits("ä" * (MAX_ANSWER - 100))
    assert not texts.fits("one two three " * MAX_ANSWER)


def test_a_revisions_prompt_is_bounded_whatever_people_wrote(texts: Texts) -> None:
    assert len(texts.revision("m " * 4_000, "d " * 4_000, "f " * 4_000)) < 800


def test_a_batch_in_parts_has_the_same_loss(model: Path) -> None:
    batch = [Sample(tuple(range(11, 11 + n)), (*range(40, 40 + 3 * n), 2)) for n in (9, 2, 30, 4, 7)]
    module = load_module(model)
    pieces = list(parts(batch, most=150))
    assert [len(piece) for piece in pieces] == [2, 1, 2]
    assert [one for piece in pieces for one in piece] == batch
    with torch.no_grad():
        whole, count = answer_loss(module, batch)
        losses = [answer_loss(module, piece) for piece in pieces]
    assert count == sum(tokens for _, tokens in losses)
    assert torch.allclose(whole, torch.stack([loss for loss, _ in losses]).sum(), rtol=1e-5)
