"""A reader who asks again for what a draft seems to do already gets something else than that draft."""

from __future__ import annotations

from typing import Any

from services.common.constraints import Constraint
from services.generator.decoding.settings import decode_settings
from services.generator.engine.backends.echo import EchoCodec
from services.generator.prompt.builder import PromptBuilder, said_again
from services.generator.revision import policy
from services.generator.settings import GeneratorSettings
from services.models.chat import CHATML

UPPER = Constraint("case", "upper", source="comment")


def turn(
    *comments: str, texts: tuple[str, ...] = ("Cats sleep.", "CATS SLEEP."), again: tuple[str, ...] = ("upper",)
) -> dict[str, Any]:
    drafts: list[dict[str, Any]] = [{"id": "0", "round": 0, "status": "completed", "text": texts[0]}]
    for number, comment in enumerate(comments, 1):
        done = {"status": "completed", "text": texts[number]} if number < len(texts) else {}
        drafts.append({"id": str(number), "round": number, "feedback": {"comment": comment}, **done})
    understood = {"1": {"constraints": [UPPER.to_json()]}}
    for number in range(2, len(comments) + 1):
        wishes = [Constraint("case", value, source="comment").to_json() for value in again]
        understood[str(number)] = {"constraints": wishes}
    return {
        "_id": "t", "n": 1, "round": len(comments), "text": "What do cats do?", "drafts": drafts,
        "understood": understood,
    }  # fmt: skip


def about(made: dict[str, Any]) -> int | None:
    return PromptBuilder(EchoCodec(), CHATML, 512, "").build(made, [], reply_tokens=8).about_round


def test_the_same_wish_in_other_words_goes_back_to_the_draft_before_any_feedback() -> None:
    made = turn("All in capitals.", "Every letter should be uppercase.")
    assert said_again(made)
    assert about(made) == 0


def test_the_same_words_go_back_whatever_they_were_understood_as() -> None:
    made = turn("Louder!", "Louder!", again=())
    assert said_again(made)
    assert about(made) == 0


def test_a_further_wish_is_about_the_latest_draft() -> None:
    made = turn("All in capitals.", "And drop the second sentence.", again=())
    assert not said_again(made)
    assert about(made) == 1


def test_a_wish_that_the_draft_misses_is_no_repetition_and_drops_that_draft() -> None:
    made = turn("All in capitals.", "All in capitals, I said.", texts=("Cats sleep.", "Cats sleep a lot."))
    assert not said_again(made)
    assert about(made) == 0


def test_what_was_refused_is_known_and_the_first_draft_is_changed_in_another_way() -> None:
    made = turn("All in capitals.", "Every letter should be uppercase.")
    prompt = PromptBuilder(EchoCodec(), CHATML, 512, "").build(made, [], reply_tokens=8)
    assert policy.revision_context(made, prompt).refused == ("CATS SLEEP.",)
    assert policy.amends(made, prompt)
    decode = policy.adjusted(decode_settings(made, GeneratorSettings()), prompt, made, 500, GeneratorSettings())
    assert decode.temperature > 0
