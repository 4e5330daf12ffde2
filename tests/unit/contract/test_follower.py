"""However streams break, repeat, skip or mix attempts, what the reader is shown adds up to the draft."""

from antiphon.follow import Follower
from antiphon.v1.conversation_pb2 import SendTurnRequest, TurnEvent
from hypothesis import given
from hypothesis import strategies as st

from tests.support.misbehaving_gateway import accepted, completed, delta, restarted

LETTERS = "abß€👍 "


class Screen:
    """Applies what a reader is shown, checking every promise of the contract on the way."""

    def __init__(self) -> None:
        self.text = ""
        self.attempt = 0
        self.kinds: list[str] = []

    def show(self, event: TurnEvent) -> None:
        kind = event.WhichOneof("event") or ""
        self.kinds.append(kind)
        if kind == "restarted":
            assert event.position.attempt >= self.attempt or "completed" not in self.kinds
            self.text = self.text[: event.position.offset]
        if kind == "delta":
            assert event.delta.text
            assert event.position.attempt >= self.attempt
            self.text += event.delta.text
            assert event.position.offset == len(self.text)
        self.attempt = event.position.attempt if kind in ("delta", "restarted") else self.attempt


@given(data=st.data())
def test_the_text_shown_is_the_draft(data: st.DataObject) -> None:
    drafts = data.draw(st.lists(st.text(LETTERS, min_size=1, max_size=30), min_size=1, max_size=4), label="texts")
    last = len(drafts)
    follower = Follower("SendTurn", SendTurnRequest(session_id="session_1"))
    screen = Screen()

    def take(event: TurnEvent) -> None:
        for shown in follower.take(event):
            screen.show(shown)

    attempt = 1
    for _ in range(data.draw(st.integers(1, 8), label="streams")):
        follower.next_call()
        take(accepted(attempt=attempt))
        for _ in range(data.draw(st.integers(0, 6), label="events")):
            if follower.broken:
                break
            attempt = data.draw(st.integers(attempt, last), label="newest attempt")
            speaker = data.draw(st.integers(1, attempt), label="speaker")
            start = data.draw(st.integers(0, len(drafts[speaker - 1]) - 1), label="start")
            end = data.draw(st.integers(start + 1, len(drafts[speaker - 1])), label="end")
            if data.draw(st.booleans(), label="announced"):
                take(restarted(speaker))
            take(delta(drafts[speaker - 1][start:end], start, attempt=speaker))
    follower.next_call()
    take(completed(drafts[-1], attempt=last))

    assert screen.text == drafts[-1]
    assert screen.kinds.count("accepted") == 1
    assert screen.kinds[-1] == "completed"
    assert follower.draft().text == drafts[-1]


def test_a_draft_of_the_same_text_needs_no_restart() -> None:
    follower = Follower("SendTurn", SendTurnRequest())
    screen = Screen()
    for event in (accepted(), delta("Hello", 0), completed("Hello", attempt=2)):
        for shown in follower.take(event):
            screen.show(shown)
    assert screen.kinds == ["accepted", "delta", "completed"]
