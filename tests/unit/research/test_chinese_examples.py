"""Chinese dialogues as examples: what a turn does to each slot, where its values stand, variations, the schema."""

from typing import Any

import numpy as np

from research.tracker.chinese_examples import DROP, KEEP, SAID, TAKEN, Varied, examples, labelled, schema_of
from services.tracker.chinese.reading import read
from services.tracker.chinese.values import plain

PRICE, NAME, NEAR, FREE = "酒店-价格", "酒店-名称", "景点-周边酒店", "景点-门票"


def turn(speaker: str, text: str, acts: list[list[str]], **state: dict[str, str]) -> dict[str, Any]:
    services = {name: {"slots": {slot: [value] for slot, value in slots.items()}} for name, slots in state.items()}
    return {"speaker": speaker, "text": text, "acts": acts} | ({"state": services} if speaker == "USER" else {})


DIALOGUE = {
    "turns": [
        turn(
            "USER", "找一家200元到300元的酒店。", [["Inform", "酒店", "价格", "200-300元"]], 酒店={PRICE: "200-300元"}
        ),
        turn("SYSTEM", "推荐您去银泉大厦。", [["Recommend", "酒店", "名称", "银泉大厦"]]),
        turn("USER", "好，就住这儿。", [], 酒店={PRICE: "200-300元", NAME: "银泉大厦"}),
        turn("SYSTEM", "好的。", []),
        turn(
            "USER",
            "那附近有不收门票的景点吗？另外酒店贵点也行。",
            [["Inform", "景点", "门票", "免费"], ["Select", "景点", "源领域", "酒店"]],
            酒店={NAME: "银泉大厦"},
            景点={FREE: "免费", NEAR: "银泉大厦"},
        ),
    ]
}
SCHEMA = schema_of([DIALOGUE], [DIALOGUE], least=1)


def test_a_turn_says_takes_and_drops() -> None:
    found = []
    for example in examples(DIALOGUE, SCHEMA):
        operations, _ = labelled(example)
        views = example.turn.views
        found.append({view.key[1]: int(op) for view, op in zip(views, operations, strict=True) if op != KEEP})
    assert found == [{PRICE: SAID}, {NAME: TAKEN}, {PRICE: DROP, FREE: SAID, NEAR: TAKEN}]


def test_what_is_labelled_reads_as_the_annotated_state() -> None:
    varied = Varied(examples(DIALOGUE, SCHEMA), ["金桥宾馆", "海景大酒店"], seed=1)
    for example in examples(DIALOGUE, SCHEMA):
        for one in (example, *(varied.vary(example) for _ in range(20))):
            operations, tags = labelled(one)
            assert operations.min() >= KEEP
            reading = read(
                9 * np.eye(5, dtype=np.float32)[operations], np.eye(3, dtype=np.float32)[tags], one.turn, [0] * 5
            )
            state = dict(one.turn.previous)
            for key, change in reading.changes.items():
                state.pop(key, None)
                if change.value is not None:
                    state[key] = change.value
            assert {k: plain(v) for k, v in state.items()} == {k: plain(v) for k, v in one.state.items()}


def test_values_of_dialogues_that_are_not_learned_from_are_not_listed() -> None:
    other = {"turns": [turn("USER", "门票20元以下", [], 景点={FREE: "20元以下", "景点-评分": "5分"})]}
    schema = schema_of([DIALOGUE, other], [DIALOGUE], least=1)
    assert schema.service("景点").has_slot("景点-评分")
    listed = {value.value for service in schema.services for slot in service.slots for value in slot.values}
    assert {"免费", "200-300元"} <= listed
    assert not {"20元以下", "5分"} & listed
