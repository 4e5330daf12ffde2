"""A turn as its caller sees it: accepted, streamed, completed, revised, replaced, read again."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import feedback_pb2, state_pb2, state_pb2_grpc

from tests.support.gateway import Client, FakeWorkers, Gateways, Script, events_of, held_script, kinds, text_of
from tests.support.waiting import wait_until

REPLY = "Hello there, how are you?"


def first(stream: object, kind: str) -> pb.TurnEvent:
    """The next event of this kind."""
    for response in stream:  # type: ignore[attr-defined]
        if response.event.WhichOneof("event") == kind:
            return response.event  # type: ignore[no-any-return]
    raise AssertionError(f"the stream ended without {kind}")


def reason_of(error: grpc.RpcError) -> str:
    from google.rpc import error_details_pb2
    from grpc_status import rpc_status

    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    return info.reason


def test_a_message_is_accepted_streamed_and_completed(client: Client, workers: FakeWorkers) -> None:
    session = client.session()
    events = events_of(client.send(session, "hi"))
    assert kinds(events)[0] == "accepted"
    assert kinds(events)[-1] == "completed"
    assert text_of(events) == REPLY == events[-1].completed.draft.text
    turn = client.turn(events[0].turn_id)
    assert turn.status == pb.TURN_STATUS_COMPLETED
    assert [draft.text for draft in turn.drafts] == [REPLY]


def test_who_wants_one_answer_gets_the_end_alone(client: Client, workers: FakeWorkers) -> None:
    events = events_of(client.send(client.session(), "hi", wait_for_completion=True))
    assert kinds(events) == ["completed"]


def test_a_message_waits_while_another_is_answered_and_hears_its_place(client: Client, workers: FakeWorkers) -> None:
    script = held_script()
    workers.script = lambda text: script if text == "first" else Script()
    session = client.session()
    running = client.send(session, "first")
    first(running, "delta")
    waiting = client.send(session, "second")
    queued = first(waiting, "queued")
    assert queued.queued.place == 1
    script.go.set()
    assert kinds(events_of(running))[-1] == "completed"
    assert kinds(events_of(waiting))[-1] == "completed"


def test_a_busy_session_refuses_under_the_policy_reject(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: held_script()
    session = client.session(policy=pb.DOUBLE_TEXTING_POLICY_REJECT)
    first(client.send(session, "first"), "delta")
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.send(session, "second"))
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(refused.value) == "SESSION_BUSY"


@pytest.mark.parametrize("policy", ["INTERRUPT", "ROLLBACK"])
def test_a_new_message_stops_the_one_in_work(client: Client, workers: FakeWorkers, policy: str) -> None:
    workers.script = lambda text: held_script() if text == "first" else Script()
    session = client.session(policy=pb.DoubleTextingPolicy.Value(f"DOUBLE_TEXTING_POLICY_{policy}"))
    running = client.send(session, "first")
    stopped = first(running, "delta").turn_id
    assert kinds(events_of(client.send(session, "second")))[-1] == "completed"
    end = events_of(running)[-1]
    expected = {"INTERRUPT": pb.CANCEL_REASON_INTERRUPTED, "ROLLBACK": pb.CANCEL_REASON_ROLLED_BACK}[policy]
    assert end.cancelled.reason == expected
    turn = client.turn(stopped)
    assert turn.status == pb.TURN_STATUS_CANCELLED
    assert turn.excluded == (policy == "ROLLBACK")
    wait_until(lambda: [draft.text for draft in client.turn(stopped).drafts] == ["one"], message="the partial text")


def test_a_revision_is_another_round_of_the_last_turn(client: Client, workers: FakeWorkers) -> None:
    turn = events_of(client.send(client.session(), "hi"))[0].turn_id
    workers.script = lambda _text: Script(["Shorter."])
    feedback = feedback_pb2.Feedback(comment="shorter, please", rating=2)
    events = events_of(client.revise(turn, expected_round=0, feedback=feedback))
    assert text_of(events) == "Shorter."
    assert events[-1].position.round == 1
    stored = client.turn(turn)
    assert [draft.text for draft in stored.drafts] == [REPLY, "Shorter."]
    assert stored.drafts[1].feedback.comment == "shorter, please"
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.revise(turn, expected_round=0, resample=pb.Resample()))
    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.ABORTED, "ROUND_MISMATCH")


def test_only_the_last_turn_is_revised_and_none_that_was_accepted(client: Client, workers: FakeWorkers) -> None:
    session = client.session()
    old = events_of(client.send(session, "one"))[0].turn_id
    new = events_of(client.send(session, "two"))[0].turn_id
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.revise(old, resample=pb.Resample()))
    assert reason_of(refused.value) == "NOT_LAST_TURN"
    assert client.turn(old).accepted_round == 0, "the talk went on, so its reply counts"
    assert not client.turn(new).HasField("accepted_round")
    accepted = client.call("AcceptDraft", pb.AcceptDraftRequest(turn_id=new)).turn
    assert (accepted.accepted_round, accepted.drafts[0].accepted) == (0, True)
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.revise(new, resample=pb.Resample()))
    assert reason_of(refused.value) == "TURN_ACCEPTED"


def test_rounds_have_a_limit(client: Client, workers: FakeWorkers) -> None:
    turn = events_of(client.send(client.session(), "hi"))[0].turn_id
    for _ in range(4):
        assert kinds(events_of(client.revise(turn, resample=pb.Resample())))[-1] == "completed"
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.revise(turn, resample=pb.Resample()))
    assert reason_of(refused.value) == "ROUND_LIMIT"


@pytest.mark.parametrize("still_running", [False, True])
def test_an_edited_message_replaces_the_last_turn(client: Client, workers: FakeWorkers, still_running: bool) -> None:
    workers.script = lambda text: held_script() if text == "typo" and still_running else Script([f"to {text}"])
    session = client.session()
    stream = client.send(session, "typo")
    old = (first(stream, "delta") if still_running else events_of(stream)[0]).turn_id
    request = pb.EditTurnRequest(turn_id=old, text="no typo")
    events = events_of(client.conversation.EditTurn(request, metadata=client.metadata, timeout=30))
    assert text_of(events) == "to no typo"
    assert client.turn(old).excluded
    new = client.turn(events[0].turn_id)
    assert (new.number, new.replaces_turn_id, new.excluded) == (2, old, False)


def test_a_failed_turn_is_tried_again(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: Script(fail=True)
    events = events_of(client.send(client.session(), "hi"))
    assert events[-1].failed.error.message == "on purpose"
    workers.reset()
    request = pb.RetryTurnRequest(turn_id=events[0].turn_id)
    again = events_of(client.conversation.RetryTurn(request, metadata=client.metadata, timeout=30))
    assert text_of(again) == REPLY
    assert client.turn(events[0].turn_id).status == pb.TURN_STATUS_COMPLETED
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.conversation.RetryTurn(request, metadata=client.metadata, timeout=30))
    assert reason_of(refused.value) == "TURN_NOT_FAILED"


@pytest.mark.parametrize("still_running", [False, True])
def test_a_person_takes_over(client: Client, workers: FakeWorkers, still_running: bool) -> None:
    workers.script = lambda _text: held_script() if still_running else Script()
    stream = client.send(client.session(), "hi")
    turn = (first(stream, "delta") if still_running else events_of(stream)[0]).turn_id
    answer = client.call("PostReply", pb.PostReplyRequest(turn_id=turn, text="I am Ann.", author="Ann"))
    assert answer.turn.status == pb.TURN_STATUS_COMPLETED
    assert answer.turn.drafts[-1].origin == pb.DRAFT_ORIGIN_HUMAN
    assert answer.turn.accepted_round == 1
    if still_running:
        end = events_of(stream)
        assert kinds(end) == ["restarted", "delta", "completed"]
        assert end[-1].completed.draft.text == "I am Ann."


def test_a_session_is_taken_over_in_the_middle_of_a_reply_and_handed_back(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: held_script()
    session = client.session()
    stream = client.send(session, "hi")
    turn = first(stream, "delta").turn_id
    request = pb.TakeoverRequest(session_id=session, author="Ann", expected_mode_revision=0)
    taken = client.call("Takeover", request).session
    assert (taken.mode, taken.mode_revision, taken.held_by) == (pb.SESSION_MODE_HUMAN, 1, "Ann")
    with pytest.raises(grpc.RpcError) as refused:
        client.call("Takeover", request)
    assert reason_of(refused.value) == "MODE_MISMATCH"
    assert client.turn(turn).status == pb.TURN_STATUS_HELD
    asked = pb.ListSessionsRequest(modes=[pb.SESSION_MODE_HUMAN], with_last_turn=True)
    [listed] = client.call("ListSessions", asked).sessions
    assert (listed.id, listed.last_turn.text) == (session, "hi")
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.revise(turn, resample=pb.Resample()))
    assert reason_of(refused.value) == "SESSION_TAKEN_OVER"

    waiting = client.send(session, "anybody there?")
    later = first(waiting, "accepted").turn_id
    answer = client.call("PostReply", pb.PostReplyRequest(turn_id=turn, text="I am Ann.", author="Ann"))
    assert answer.turn.drafts[-1].origin == pb.DRAFT_ORIGIN_HUMAN
    end = events_of(stream)
    assert next(one.restarted.reason for one in end if one.HasField("restarted")) == "TAKEN_OVER"
    assert end[-1].completed.draft.text == text_of(end[-2:-1]) == "I am Ann."
    assert client.turn(later).status == pb.TURN_STATUS_HELD

    workers.reset()
    back = client.call("Return", pb.ReturnRequest(session_id=session)).session
    assert (back.mode, back.held_by) == (pb.SESSION_MODE_BOT, "")
    assert events_of(waiting)[-1].completed.draft.text == REPLY


def test_who_watches_sees_what_changes_in_the_sessions_they_may_read(
    client: Client, workers: FakeWorkers, gateways: Gateways, stack: Any, tenant: str
) -> None:
    other = gateways.client(stack.address, tenant, role="agent")
    watched = client.call("WatchTenant", pb.WatchTenantRequest())
    handed = other.call("WatchTenant", pb.WatchTenantRequest())
    assert [next(stream).WhichOneof("change") for stream in (watched, handed)] == ["begun", "begun"]
    session = client.session()
    one = client.call("WatchTenant", pb.WatchTenantRequest(session_id=session))
    assert next(one).HasField("begun")

    def until(stream: Any, seen: Callable[[pb.WatchTenantResponse], bool]) -> pb.WatchTenantResponse:
        return next(response for response in stream if seen(response))

    workers.script = lambda _text: held_script()
    turn = first(client.send(session, "hi"), "delta").turn_id
    accepted = until(watched, lambda response: response.session.last_turn.id == turn).session
    assert (accepted.id, accepted.last_turn.text) == (session, "hi")
    holder = workers.store.turns.get(tenant, turn)["holder"]
    workers.store.steps.renew(tenant, turn, holder, "x" * 500 + "so far")
    grown = until(watched, lambda response: response.HasField("progress")).progress
    assert (grown.session_id, grown.turn_id, grown.length) == (session, turn, 506)
    assert (len(grown.end), grown.end[-6:]) == (400, "so far")

    client.session(user_id="bob")
    client.call("Takeover", pb.TakeoverRequest(session_id=session, author="Ann"))
    for stream in (watched, one):
        taken = until(stream, lambda response: response.session.held_by == "Ann").session
        assert taken.id == session
    client.call("Handoff", pb.HandoffRequest(session_id=session, note="lost"))  # every agent may see it from now on
    assert next(handed).session.handoff_note == "lost"
    client.call("PostReply", pb.PostReplyRequest(turn_id=turn, text="I am Ann."))
    for stream in (watched, one, handed):
        assert until(stream, lambda response: response.session.last_turn.status == pb.TURN_STATUS_COMPLETED)
        stream.cancel()


def test_a_session_may_begin_with_a_history(client: Client, workers: FakeWorkers) -> None:
    said = [("hello", pb.SPEAKER_USER), ("hi", pb.SPEAKER_ASSISTANT)] * 2
    session = client.session(history=[pb.HistoryMessage(speaker=who, text=text) for text, who in said])
    assert events_of(client.send(session, "and now"))[0].accepted.turn_number == 3
    turns = client.call("ListTurns", pb.ListTurnsRequest(session_id=session, page_size=2))
    assert [turn.drafts[0].origin for turn in turns.turns] == [pb.DRAFT_ORIGIN_SEEDED] * 2
    rest = client.call("ListTurns", pb.ListTurnsRequest(session_id=session, page_token=turns.next_page_token))
    assert [turn.text for turn in rest.turns] == ["and now"]


def test_sessions_are_changed_listed_ended_and_erased(client: Client, workers: FakeWorkers) -> None:
    session, other = client.session(labels={"team": "a", "old": "x"}), client.session(user_id="bob")
    changed = client.call(
        "UpdateSession",
        pb.UpdateSessionRequest(
            session_id=session, labels={"old": "", "new": "y"}, policy=pb.DOUBLE_TEXTING_POLICY_REJECT
        ),
    ).session
    assert dict(changed.labels) == {"team": "a", "new": "y"}
    assert changed.policy == pb.DOUBLE_TEXTING_POLICY_REJECT
    listed = client.call("ListSessions", pb.ListSessionsRequest(user_id="bob")).sessions
    assert [one.id for one in listed] == [other]

    workers.script = lambda _text: held_script()
    running = client.send(session, "hi")
    first(running, "delta")
    ended = client.call("EndSession", pb.EndSessionRequest(session_id=session))
    assert (ended.cancelled_turns, ended.session.status) == (1, pb.SESSION_STATUS_ENDED)
    assert events_of(running)[-1].cancelled.reason == pb.CANCEL_REASON_SESSION_ENDED
    with pytest.raises(grpc.RpcError) as refused:
        events_of(client.send(session, "more"))
    assert reason_of(refused.value) == "SESSION_ENDED"

    assert client.call("EraseSession", pb.EraseSessionRequest(session_id=session)).erased_turns == 1
    with pytest.raises(grpc.RpcError) as gone:
        client.call("GetSession", pb.GetSessionRequest(session_id=session))
    assert gone.value.code() == grpc.StatusCode.NOT_FOUND
    remaining = client.call("ListSessions", pb.ListSessionsRequest()).sessions
    assert [one.id for one in remaining] == [other]


def used_twice(call: Callable[[], object]) -> bool:
    """Whether the call is refused because its request id was used with another payload."""
    with pytest.raises(grpc.RpcError) as refused:
        call()
    return refused.value.code() == grpc.StatusCode.ALREADY_EXISTS


def test_a_repeated_change_of_a_session_is_answered_as_the_first_and_undoes_nothing(client: Client) -> None:
    session, other = client.session(), client.session()

    def label(value: str, request_id: str, of: str = session) -> str:
        request = pb.UpdateSessionRequest(session_id=of, request_id=request_id, labels={"a": value})
        return str(client.call("UpdateSession", request).session.labels["a"])

    assert [label("1", "u1"), label("3", "u2"), label("1", "u1")] == ["1", "3", "1"]
    assert client.call("GetSession", pb.GetSessionRequest(session_id=session)).session.labels["a"] == "3"
    assert used_twice(lambda: label("2", "u1"))
    assert used_twice(lambda: label("1", "u1", of=other))
    end = pb.EndSessionRequest(session_id=session, request_id="e1")
    for _ in range(2):
        assert client.call("EndSession", end).session.status == pb.SESSION_STATUS_ENDED
    assert label("1", "u1") == "1"
    assert used_twice(lambda: client.call("EndSession", pb.EndSessionRequest(session_id=other, request_id="e1")))
    assert client.call("GetSession", pb.GetSessionRequest(session_id=other)).session.status == pb.SESSION_STATUS_OPEN


def test_the_end_of_a_session_is_answered_alike_each_time(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: held_script()
    session = client.session()
    stream = client.send(session, "hi")
    first(stream, "delta")
    end = pb.EndSessionRequest(session_id=session, request_id="e1")
    assert [client.call("EndSession", end).cancelled_turns for _ in range(2)] == [1, 1]


def test_a_repeated_acceptance_is_that_of_its_own_turn(client: Client, workers: FakeWorkers) -> None:
    session = client.session()
    one = events_of(client.send(session, "one"))[0].turn_id
    accept = pb.AcceptDraftRequest(turn_id=one, request_id="a1")
    client.call("AcceptDraft", accept)
    two = events_of(client.send(session, "two"))[0].turn_id
    assert client.call("AcceptDraft", accept).turn.accepted_round == 0, "though a later turn has come"
    assert used_twice(lambda: client.call("AcceptDraft", pb.AcceptDraftRequest(turn_id=two, request_id="a1")))
    assert not client.turn(two).HasField("accepted_round")


def test_a_repeated_revision_tells_the_draft_that_it_made(client: Client, workers: FakeWorkers) -> None:
    turn = events_of(client.send(client.session(), "hi"))[0].turn_id
    drafts = []
    for name in ("r1", "r2", "r1"):
        workers.script = lambda _text, name=name: Script([f"by {name}"])  # type: ignore[misc]
        drafts.append(events_of(client.revise(turn, request_id=name, resample=pb.Resample())))
    assert [text_of(events) for events in drafts] == ["by r1", "by r2", "by r1"]
    assert [events[-1].position.round for events in drafts] == [1, 2, 1]
    assert drafts[0][-1].completed.draft.id == drafts[2][-1].completed.draft.id


SCHEMA = """
services:
  - name: hotel
    slots:
      - {name: area, values: [north, south]}
      - {name: guests}
"""


def test_a_state_is_read_and_corrected(client: Client, workers: FakeWorkers) -> None:
    states = state_pb2_grpc.StateServiceStub(client.channel)
    schema = states.PutSchema(
        state_pb2.PutSchemaRequest(name="stay", definition=SCHEMA), metadata=client.metadata
    ).schema
    assert (schema.revision, schema.services[0].slots[0].values[1].value) == (1, "south")
    session = client.session(schema_name="stay")
    correction = state_pb2.StateCorrection(service="hotel", slot="area", value="North")
    request = state_pb2.CorrectStateRequest(session_id=session, expected_revision=0, corrections=[correction])
    snapshot = states.CorrectState(request, metadata=client.metadata).snapshot
    assert snapshot.revision == 1
    assert snapshot.state.services["hotel"].slots["area"].value == "north"
    with pytest.raises(grpc.RpcError) as stale:
        states.CorrectState(request, metadata=client.metadata)
    assert (stale.value.code(), reason_of(stale.value)) == (grpc.StatusCode.ABORTED, "REVISION_MISMATCH")
    correction.value = "west"
    request = state_pb2.CorrectStateRequest(session_id=session, corrections=[correction])
    with pytest.raises(grpc.RpcError) as unknown:
        states.CorrectState(request, metadata=client.metadata)
    assert unknown.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "corrections[0].value" in (unknown.value.details() or "")
    read = states.GetState(state_pb2.GetStateRequest(session_id=session), metadata=client.metadata).snapshot
    assert read.state.services["hotel"].slots["area"].origin == state_pb2.ORIGIN_CORRECTION

    def correct(value: str, request_id: str, of: str = session) -> state_pb2.StateSnapshot:
        wish = state_pb2.CorrectStateRequest(session_id=of, request_id=request_id)
        wish.corrections.add(service="hotel", slot="guests", value=value)
        snapshot: state_pb2.StateSnapshot = states.CorrectState(wish, metadata=client.metadata).snapshot
        return snapshot

    one, two = correct("1", "k1"), correct("2", "k2")
    assert (one.revision, two.revision) == (2, 3)
    assert correct("1", "k1") == one, "the first answer, whatever was corrected since"
    assert used_twice(lambda: correct("3", "k1"))
    assert used_twice(lambda: correct("1", "k1", of=client.session(schema_name="stay")))
    client.call("EndSession", pb.EndSessionRequest(session_id=session))
    assert correct("1", "k1") == one
