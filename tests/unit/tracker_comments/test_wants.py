"""What comments want: read from files, found in words, made into constraints."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch

from research.comments.train import behind, loss, vary
from services.common.constraints import Constraint
from services.tracker.comments.network import CommentNetwork, batch_of
from services.tracker.comments.wants import Comment, Want, WantError, constraints, count_of, read_comments, words_of
from services.tracker.learned.wordpieces import WordPieces

COMMENT = Comment(
    "Use “honey” twice, in at most forty words.",
    (Want("count", "honey", "times", "exact", "twice"), Want("count", "", "words", "max", "forty")),
)


@pytest.mark.parametrize(
    ("want", "reason"),
    [
        ({"kind": "includes", "text": "a"}, "kind: 'includes' is none"),
        ({"kind": "include", "text": "tea"}, "'tea' does not stand in"),
        ({"kind": "count", "unit": "words", "number": "2"}, "needs unit, relation and number"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, want: dict[str, str], reason: str) -> None:
    file = tmp_path / "some.jsonl"
    lines = [{"comment": "fine", "wants": []}, {"comment": "say a 2", "wants": [want]}]
    file.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(WantError, match=rf"some.jsonl:2: .*{reason}"):
        list(read_comments(file))


@pytest.mark.parametrize(
    ("said", "number"),
    [("40", 40), ("a couple of", 2), ("twice", 2), ("one hundred and fifty", 150), ("1,200", 1200), ("many", None)],
)
def test_numbers_are_read_as_people_say_them(said: str, number: int | None) -> None:
    assert count_of(said) == number


def test_wants_are_constraints() -> None:
    def made(*wants: Want) -> list[Constraint]:
        return constraints(wants, "Some draft.")

    assert made(Want("include", "tea"), Want("exclude", "milk")) == [
        Constraint("must_include", "tea", source="comment"),
        Constraint("must_not_include", "milk", source="comment"),
    ]
    assert made(*COMMENT.wants) == [
        Constraint("must_include", "honey", "", 2, 2, "comment"),
        Constraint("length", "", "words", None, 40, "comment"),
    ]
    assert made(Want("count", "", "sentences", "below", "4")) == [
        Constraint("length", "", "sentences", None, 3, "comment")
    ]
    assert made(Want("count", "", "bullets", "above", "4")) == [Constraint("format", "bullets", "", 5, None, "comment")]
    assert made(Want("count", "tea", "times", "below", "1")) == [
        Constraint("must_not_include", "tea", source="comment")
    ]
    assert made(Want("count", "", "words", "max", "umpteen")) == []


@pytest.mark.parametrize(
    "form", ["lower", "upper", "no_comma", "title", "quotes", "json", "postscript", "two_answers", "shorter", "longer"]
)
def test_every_form_comes_to_one_constraint(form: str) -> None:
    assert len(constraints([Want(form)], "One two three four five six seven eight nine ten. Eleven.")) == 1


def test_phrases_in_quotation_marks_are_found() -> None:
    text = "it's “one”, \"two\" or 'don't'"
    assert [text[start:end] for start, end in words_of(text).quoted] == ["one", "two", "don't"]


def test_a_varied_comment_wants_words_of_its_own() -> None:
    dice = random.Random(3)
    drawn = [vary(COMMENT, ["lantern", "cheap"], ["so it goes"], dice) for _ in range(60)]
    assert {one.wants[0].text.lower() for one in drawn} >= {"honey", "lantern", "cheap"}
    assert len({one.wants[1].number for one in drawn}) > 3
    assert all(want.text in one.text and want.number in one.text for one in drawn for want in one.wants)
    both = behind(COMMENT, Comment("no commas", (Want("no_comma"),)))
    assert both == Comment(f"{COMMENT.text} no commas", (*COMMENT.wants, Want("no_comma")))


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    network = CommentNetwork()
    network.start()
    optimiser = torch.optim.AdamW([weight for _, weight in network.learned()], 1e-3)
    batch, losses = batch_of([COMMENT.text, "thanks"], WordPieces()), []
    for _ in range(6):
        value = loss(network(batch), [COMMENT, Comment("thanks")])
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        losses.append(value.item())
    assert losses[-1] < 0.5 * losses[0]
