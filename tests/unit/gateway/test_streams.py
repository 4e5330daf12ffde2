"""What a client is shown of the events of a turn, whatever way they arrive."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.common.bus.events import event
from services.gateway.streams import Hub, Outgoing, Stream


class Reader:
    """A stream with everything it says, and how often it asked for a snapshot."""

    def __init__(self, backlog: int = 10_000, at: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.asked = 0
        self.stream = Stream("t", "turn", backlog, self._ask)
        self.stream.begin(*at)

    def _ask(self, _stream: Stream) -> None:
        self.asked += 1

    def take(self, *events: dict[str, Any]) -> None:
        for one in events:
            self.stream.take(one)

    def read(self) -> list[Outgoing]:
        async def drain() -> list[Outgoing]:
            found = []
            while self.stream._waiting:
                found.append(await self.stream.next())
            return found

        return asyncio.run(drain())

    def shown(self) -> list[tuple[Any, ...]]:
        return [(one.kind, one.payload.get("text", one.payload.get("reason"))) for one in self.read()]


def delta(offset: int, text: str, attempt: int = 1, round_number: int = 0) -> dict[str, Any]:
    return event("turn", "delta", round_number, attempt, offset, text=text)


def completed(text: str, attempt: int = 1, round_number: int = 0) -> dict[str, Any]:
    return event("turn", "completed", round_number, attempt, draft={"text": text, "round": round_number})


def test_text_that_overlaps_is_shown_once() -> None:
    reader = Reader()
    reader.take(delta(0, "abc"), delta(1, "bcde"), delta(0, "abc"))
    assert reader.shown() == [("delta", "abcde")]


def test_a_lower_attempt_is_not_heard_any_more() -> None:
    reader = Reader()
    reader.take(delta(0, "abc", attempt=2), delta(3, "old", attempt=1))
    assert reader.shown() == [("delta", "abc")]


def test_a_higher_attempt_begins_anew_and_says_so() -> None:
    reader = Reader()
    reader.take(delta(0, "abc"))
    assert reader.shown() == [("delta", "abc")]
    reader.take(delta(0, "xy", attempt=2))
    assert reader.shown() == [("restarted", "WORKER_LOST"), ("delta", "xy")]


def test_text_of_a_lost_attempt_that_was_not_sent_yet_never_is() -> None:
    reader = Reader()
    reader.take(delta(0, "abc"), delta(0, "xy", attempt=2))
    assert reader.shown() == [("restarted", "WORKER_LOST"), ("delta", "xy")]


def test_the_first_attempt_is_no_restart() -> None:
    reader = Reader()
    reader.take(delta(0, "abc"))
    assert [kind for kind, _ in reader.shown()] == ["delta"]


def test_a_gap_is_asked_for_and_the_snapshot_fills_it() -> None:
    reader = Reader()
    reader.take(delta(0, "abc"))
    reader.read()
    reader.take(delta(5, "fg"))
    assert reader.asked == 1
    assert reader.shown() == []
    reader.take(delta(0, "abcdefg"))
    assert reader.shown() == [("delta", "defg")]


def test_a_position_ahead_of_what_is_known_waits_for_the_text_to_get_there() -> None:
    reader = Reader(at=(0, 1, 5))
    reader.take(delta(0, "abc"), delta(3, "defg"))
    assert reader.shown() == [("delta", "fg")]


def test_the_end_brings_what_deltas_did_not() -> None:
    reader = Reader()
    reader.take(delta(0, "abc"), completed("abcdef"))
    assert [kind for kind, _ in reader.shown()] == ["delta", "completed"]
    assert reader.stream.offset == 6


def test_an_end_of_another_attempt_replaces_the_text() -> None:
    reader = Reader()
    reader.take(delta(0, "abc"))
    reader.read()
    reader.take(completed("xyz", attempt=3))
    assert reader.shown()[:2] == [("restarted", "WORKER_LOST"), ("delta", "xyz")]


def test_a_further_round_is_a_restart_with_its_reason() -> None:
    reader = Reader(at=(0, 1, 3))
    reader.take(delta(0, "new", round_number=1))
    assert reader.shown() == [("restarted", "REVISED"), ("delta", "new")]


def test_snapshots_are_shown_once_and_move_nothing() -> None:
    reader = Reader()
    state = event("turn", "state", 0, 0, state={"services": {}})
    reader.take(delta(0, "abc"), state, dict(state))
    found = reader.read()
    assert [one.kind for one in found] == ["delta", "state"]
    assert (found[1].attempt, found[1].offset) == (1, 3)


def test_events_before_the_beginning_are_held_back() -> None:
    asked: list[Stream] = []
    stream = Stream("t", "turn", 1_000, asked.append)
    stream.take(delta(0, "abc"))
    stream.begin(0, 1, 2)
    assert [one.payload["text"] for one in stream._waiting] == ["c"]


def test_a_slow_client_loses_no_text_and_holds_no_memory() -> None:
    reader = Reader(backlog=10)
    reader.take(delta(0, "abcdef"))
    assert reader.read()[0].offset == 6
    for offset in range(6, 60, 6):
        reader.take(delta(offset, "ghijkl"))
    assert sum(len(one.payload["text"]) for one in reader.stream._waiting) <= 10
    assert all(one.offset <= 6 + 10 for one in reader.stream._waiting)
    reader.read()
    reader.stream.want_snapshot()
    assert reader.asked >= 1
    whole = "abcdef" + "ghijkl" * 9
    reader.take(completed(whole))
    assert reader.stream.offset == len(whole)


def test_nothing_follows_an_end() -> None:
    reader = Reader()
    reader.take(completed("abc"), delta(3, "def"), completed("abcdef", attempt=2))
    assert [kind for kind, _ in reader.shown()] == ["delta", "completed"]


@given(
    text=st.text(max_size=40),
    cuts=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=30),
    reads=st.lists(st.booleans(), max_size=30),
    backlog=st.integers(1, 50),
    attempts=st.integers(1, 3),
)
def test_any_loss_doubling_and_order_of_deltas_ends_in_the_text(
    text: str, cuts: list[tuple[int, int]], reads: list[bool], backlog: int, attempts: int
) -> None:
    """Pieces from anywhere, of several attempts, read at any pace: put together they are the reply."""
    reader = Reader(backlog)
    found: list[Outgoing] = []
    for number, (start, end) in enumerate(cuts):
        piece = text[min(start, end) : max(start, end)]
        reader.take(delta(min(start, end, len(text)), piece, attempt=1 + number % attempts))
        if number < len(reads) and reads[number]:
            found += reader.read()
    reader.take(completed(text, attempt=attempts))
    found += reader.read()
    seen = ""
    for one in found:
        if one.kind == "restarted":
            seen = ""
        elif one.kind == "delta":
            seen += one.payload["text"]
            assert one.offset == len(seen)
    assert seen == text
    assert found[-1].kind == "completed"


def test_a_hub_knows_its_streams_by_turn() -> None:
    hub = Hub(100, lambda _stream: None)
    first, second = hub.open("t", "turn"), hub.open("t", "turn")
    for stream in (first, second):
        stream.begin(0)
    hub.deliver([delta(0, "a"), event("other", "delta", 0, 1, 0, text="b")])
    assert (first.offset, second.offset) == (1, 1)
    hub.close(first)
    hub.deliver([delta(1, "b")])
    assert (first.offset, second.offset, len(hub)) == (1, 2, 1)


def said(offset: int, text: str, writer: str = "") -> dict[str, Any]:
    return event("turn", "delta", 0, 1, offset, text=text, writer=writer)


def test_text_of_two_writers_of_one_attempt_is_not_mixed() -> None:
    reader = Reader()
    reader.take(said(0, "one two ", "holder_a"))
    assert reader.shown() == [("delta", "one two ")]
    reader.take(said(0, "eins ", "holder_b"))
    reader.take(said(8, "three ", "holder_a"))  # it does not know yet that it lost the turn
    reader.take(said(5, "zwei", "holder_b"))
    assert reader.shown() == [("restarted", "WORKER_LOST"), ("delta", "eins zwei")]
    assert reader.stream.writer == "holder_b"


def test_a_client_that_comes_back_with_another_writer_s_position_begins_anew() -> None:
    stream = Stream("t", "turn", 1000, lambda _: None)
    stream.begin(0, 1, 8, "holder_a")
    stream.take(said(0, "eins zwei drei", "holder_b"))
    assert [(item.kind, item.offset) for item in stream._waiting] == [("restarted", 0), ("delta", 14)]


def test_shown_text_that_is_not_the_stored_draft_s_is_taken_back_at_the_end() -> None:
    reader = Reader()
    reader.take(said(0, "one two "))
    assert reader.shown() == [("delta", "one two ")]
    reader.take(event("turn", "completed", 0, 1, 0, draft={"text": "eins zwei"}))
    assert [kind for kind, _ in reader.shown()] == ["restarted", "delta", "completed"]
    assert reader.stream.text == "eins zwei"
