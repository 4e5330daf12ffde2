"""The evaluation's scorer is code of its own: it must not be fooled, and must agree with IFEval's strict checks."""

from __future__ import annotations

import pytest

from research.eval.revision_scorer import reasons_against, satisfied

CASES = [
    ({"id": "keywords:existence", "keywords": ["Cat"]}, "My cat.", "My dog."),
    ({"id": "keywords:forbidden_words", "forbidden_words": ["field"]}, "Fields forever.", "A field."),
    ({"id": "startend:quotation"}, '"All of it."', 'He said "no".'),
    ({"id": "startend:end_checker", "end_phrase": "The end."}, "It was. The end.", "The end. Or not."),
    ({"id": "detectable_format:number_bullet_lists", "num_bullets": 2}, "* a\n* b", "* a\n* b\n* c"),
    ({"id": "change_case:english_lowercase"}, "all small.", "Not all."),
    ({"id": "change_case:english_capital"}, "ALL BIG.", "NOT all."),
    ({"id": "punctuation:no_comma"}, "None here.", "One, here."),
    ({"id": "detectable_format:json_format"}, '```json\n{"a": 1}\n```', '{"a": 1'),
    ({"id": "detectable_format:title"}, "<<Cats>>\nThey sit.", "<<>> They sit."),
    ({"id": "detectable_format:number_highlighted_sections", "num_highlights": 2}, "*a* and *b*", "*a* and b"),
    (
        {"id": "detectable_format:multiple_sections", "section_spliter": "SECTION", "num_sections": 2},
        "SECTION 1\na\nSECTION 2\nb",
        "SECTION 1\na",
    ),
    ({"id": "language:response_language_hi", "language": "hi"}, "नमस्ते दुनिया", "Hello, नमस्ते"),
    ({"id": "length_constraints:number_words", "num_words": 2}, "Two words.", "Now three words."),
    ({"id": "length_constraints:number_sentences", "num_sentences": 1}, "One sentence.", "One. Two."),
    ({"id": "detectable_content:postscript"}, "Hello.\nP.S. Bye.", "Hello."),
]


@pytest.mark.parametrize(("check", "good", "bad"), CASES, ids=[case[0]["id"] for case in CASES])
def test_a_check_takes_the_good_reply_and_refuses_the_bad_one(check: dict[str, object], good: str, bad: str) -> None:
    assert satisfied(check, good)
    assert not satisfied(check, bad)


def test_degenerate_replies_are_named() -> None:
    fine = "The cat sat on the mat and looked at the moon."
    assert reasons_against(fine, "stop", 10.0, 10.0) == []
    assert reasons_against(fine, "length", 10.0, 10.0) == ["cap"]
    assert reasons_against(fine, "stop", 16.0, 10.0) == ["perplexity"]
    assert reasons_against("cat cat " * 20, "stop", 1.0, 10.0) == ["distinct-2"]
    assert reasons_against("The word cat is a noun.", "stop", 1.0, 10.0) == ["about the word"]
