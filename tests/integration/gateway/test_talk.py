"""A turn as its caller sees it: accepted, streamed, completed, read again."""

from antiphon.v1 import conversation_pb2 as pb

from tests.support.gateway import Client, FakeWorkers, events_of, text_of


def kinds(events: list[pb.TurnEvent]) -> list[str | None]:
    return [one.WhichOneof("event") for one in events]


def test_a_message_is_accepted_streamed_and_completed(client: Client, workers: FakeWorkers) -> None:
    session = client.session()
    events = events_of(client.send(session, "hi"))
    assert kinds(events)[0] == "accepted"
    assert kinds(events)[-1] == "completed"
    assert text_of(events) == "Hello there, how are you?" == events[-1].completed.draft.text
    turn = client.turn(events[0].turn_id)
    assert turn.status == pb.TURN_STATUS_COMPLETED
    assert [draft.text for draft in turn.drafts] == ["Hello there, how are you?"]
