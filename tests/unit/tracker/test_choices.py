"""What is picked from a choice by its place, and that nothing is where nothing was offered."""

from __future__ import annotations

import pytest

from tests.unit.tracker.test_rules import after


@pytest.mark.parametrize(
    "text",
    ["the last one please", "the latter", "The third one.", "the first one", "最后那个吧", "后者", "第三个吧"],
)
@pytest.mark.parametrize(
    "reply", ["", "What else can I do?", "Which day shall we come?", "还需要什么？", "Would you like that or not?"]
)
def test_nothing_is_picked_where_nothing_is_offered(text: str, reply: str) -> None:
    state = after(("", "I need a table for two in Norwich"), (reply, text))
    slots = {slot for part in state.services.values() for slot in part.slots}
    assert slots.isdisjoint({"date", "time", "pickup_time"})
