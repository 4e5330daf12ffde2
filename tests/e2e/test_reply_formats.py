"""Replies held to a schema, by OpenAI's own client: parsed, streamed, revised, cut, and what is refused."""

from __future__ import annotations

import json
from typing import Any, Literal

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.support.http import Browser


class Answer(BaseModel):
    """What is asked for."""

    answer: str
    mood: Literal["glad", "sorry"]
    stars: int
    next: Answer | None


ASKED: Any = {"role": "user", "content": "What does the Family plan cost?"}
LOOSE = {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}


def formatted(schema: Any = None, **more: Any) -> Any:
    held = {"name": "thing", "schema": schema or {"type": "object"}, "strict": True, **more}
    return {"type": "json_schema", "json_schema": held}


def sessions(browser: Browser) -> int:
    return len(browser.call("ConversationService/ListSessions", pageSize=500).get("sessions", []))


@pytest.mark.parametrize("seed", range(3))
def test_a_chat_is_parsed(client: OpenAI, seed: int) -> None:
    completion = client.chat.completions.parse(model="antiphon", messages=[ASKED], response_format=Answer, seed=seed)
    (choice,) = completion.choices
    assert choice.finish_reason == "stop"
    assert choice.message.parsed is not None
    assert choice.message.parsed.answer.endswith(ASKED["content"])
    with client.chat.completions.stream(model="antiphon", messages=[ASKED], response_format=Answer) as stream:
        assert stream.get_final_completion().choices[0].message.parsed is not None


def test_any_object(client: OpenAI) -> None:
    form: Any = {"type": "json_object"}
    completion = client.chat.completions.create(model="antiphon", messages=[ASKED], response_format=form)
    assert isinstance(json.loads(completion.choices[0].message.content or ""), dict)


def test_what_the_limit_cut_is_whole_and_says_so(client: OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError) as cut:
        client.chat.completions.parse(model="antiphon", messages=[ASKED], response_format=Answer, max_tokens=70)
    choice = cut.value.completion.choices[0]
    assert choice.finish_reason == "length"
    Answer.model_validate_json(choice.message.content or "")


def test_a_response_is_parsed_revised_and_read_again(client: OpenAI, browser: Browser) -> None:
    response = client.responses.parse(model="antiphon", input=ASKED["content"], text_format=Answer)
    assert response.output_parsed is not None
    assert response.text is not None
    assert response.text.format is not None
    assert response.text.format.type == "json_schema"
    again = client.responses.retrieve(response.id)
    assert again.text == response.text
    revised = client.post(f"/responses/{response.id}/revise", body={"comment": "shorter"}, cast_to=object)
    assert isinstance(revised, dict)
    Answer.model_validate_json(revised["output"][0]["content"][0]["text"])
    assert revised["text"] == response.to_dict()["text"]


def test_the_same_message_without_a_format_is_answered_in_words(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="antiphon", messages=[ASKED], response_format=formatted(Answer.model_json_schema(), strict=False)
    )
    Answer.model_validate_json(raw.parse().choices[0].message.content or "")
    headers = {"x-antiphon-session": str(raw.headers["x-antiphon-session"])}
    words = client.chat.completions.create(model="antiphon", messages=[ASKED], extra_headers=headers)
    with pytest.raises(ValueError, match="JSON"):
        Answer.model_validate_json(words.choices[0].message.content or "")


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "response_format.json_schema.name"),
        (formatted(name="not a name"), "response_format.json_schema.name"),
        (formatted(LOOSE), "response_format.json_schema.schema"),
        (formatted({"type": "array"}), "response_format.json_schema.schema"),
        (formatted([1]), "response_format.json_schema.schema"),
        (formatted({"type": "object", "title": "x" * 33_000}), "response_format.json_schema.schema"),
        (formatted({"type": "object", "$ref": "https://example.com/a.json"}), "response_format.json_schema.schema"),
        (formatted(strict="yes"), "response_format.json_schema.strict"),
        (formatted(made_up=1), "response_format.json_schema.made_up"),
    ],
)
def test_a_format_that_cannot_be_held_is_refused_by_its_name(
    client: OpenAI, browser: Browser, form: Any, param: str
) -> None:
    before = sessions(browser)
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="antiphon", messages=[ASKED], response_format=form)
    assert refused.value.param == param
    assert sessions(browser) == before


def test_a_schema_that_is_nested_too_deeply_is_refused(client: OpenAI) -> None:
    deep: Any = {"type": "string"}
    for _ in range(40):
        deep = {"type": "object", "properties": {"a": deep}}
    form: Any = {"type": "json_schema", "name": "deep", "schema": deep}
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="antiphon", input="hi", text={"format": form})
    assert refused.value.param == "text.format.schema"
