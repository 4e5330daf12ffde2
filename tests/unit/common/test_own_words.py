"""What a document says in a reply is no offer of the assistant's."""

from typing import Any

import pytest

from services.common.drafts import own_words

QUOTE = "Solo Off-Peak – Where: home club; Month to month: $44.50."


def draft(text: str, *citations: tuple[int, int], composed_by: str = "evidence") -> dict[str, Any]:
    spans = [{"start": start, "end": end} for start, end in citations]
    return {"text": text, "citations": spans, "manifest": {"composed_by": composed_by}}


@pytest.mark.parametrize(
    ("reply", "own"),
    [
        (draft(QUOTE, (0, len(QUOTE))), "Solo Off-Peak."),
        (draft(f"{QUOTE} What is the start date?", (0, len(QUOTE))), "Solo Off-Peak. What is the start date?"),
        (draft("We open at 9:00. Shall I go ahead?", (0, 16)), " Shall I go ahead?"),
        (draft("Shall I book Monday?", composed_by="lead"), "Shall I book Monday?"),
        ({"text": "There is a table at 7 pm.", "citations": []}, "There is a table at 7 pm."),
        (draft("Monday – Friday: 9:00 to 17:00.", (0, 31)), ""),
        (draft("Open 9 am – 5 pm.", (0, 17)), ""),
        ({}, ""),
        ({"text": "<tool_call>…", "tool_calls": [{"id": "a", "name": "book", "arguments": '{"day": "Monday"}'}]}, ""),
    ],
)
def test_quotations_are_not_the_assistants_words(reply: dict[str, Any], own: str) -> None:
    assert own_words(reply) == own
