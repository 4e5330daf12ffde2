"""Webhooks hear of what happens: signed, at least once with one id, in order per session, whatever receivers do."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import feedback_pb2, feedback_pb2_grpc, webhook_pb2, webhook_pb2_grpc

from services.common.store.knowledge.facts import Statement
from tests.support.gateway import Client, FakeWorkers, Gateways, events_of
from tests.support.receiver import Received, Receiver
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def stub(client: Client) -> Any:
    return webhook_pb2_grpc.WebhookServiceStub(client.channel)


def register(client: Client, url: str, *events: Any, request_id: str = "") -> webhook_pb2.CreateWebhookResponse:
    request = webhook_pb2.CreateWebhookRequest(url=url, events=events, request_id=request_id)
    answer: webhook_pb2.CreateWebhookResponse = stub(client).CreateWebhook(request, metadata=client.metadata)
    return answer


def listed(client: Client) -> list[webhook_pb2.Webhook]:
    return list(stub(client).ListWebhooks(webhook_pb2.ListWebhooksRequest(), metadata=client.metadata).webhooks)


def say(client: Client, session: str, text: str) -> str:
    """The id of a turn that has ended."""
    return events_of(client.send(session, text))[-1].turn_id


def about(received: list[Received], session: str) -> list[tuple[str, str]]:
    """The type and the turn of what was received of a session, as it came."""
    events = [one.event for one in received]
    return [(one["type"], one["data"].get("turnId", "")) for one in events if one["data"].get("sessionId") == session]


def test_a_webhook_is_registered_once_and_its_secret_shown_once(
    client: Client, receiver: Receiver, gateways: Gateways, stack: Any
) -> None:
    answer = register(client, receiver.url, request_id="one")
    assert answer.secret.startswith("whsec_")
    again = register(client, receiver.url, request_id="one")
    assert (again.webhook.id, again.secret) == (answer.webhook.id, "")
    assert [one.id for one in listed(client)] == [answer.webhook.id]
    for url, events, field in (
        ("gopher://x", (), "url"),
        (receiver.url, (1, 1), "events[1]"),
        (receiver.url, (99,), "events[0]"),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            register(client, url, *events)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert field in (refused.value.details() or "")
    caller = gateways.client(stack.address, "elsewhere")
    assert listed(caller) == []
    request = webhook_pb2.UpdateWebhookRequest(webhook_id=answer.webhook.id, disabled=True)
    with pytest.raises(grpc.RpcError) as refused:
        stub(caller).UpdateWebhook(request, metadata=caller.metadata)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    stub(client).DeleteWebhook(webhook_pb2.DeleteWebhookRequest(webhook_id=answer.webhook.id), metadata=client.metadata)
    assert listed(client) == []
    logged = stack.gateways.services.report()
    assert answer.secret not in logged
    caller.channel.close()


def test_what_happens_is_told_signed_and_in_its_order(
    client: Client, receiver: Receiver, workers: FakeWorkers, tenant: str, store: Any
) -> None:
    secret = register(client, receiver.url).secret
    session = client.session()
    first = say(client, session, "one")
    rated = feedback_pb2.SubmitFeedbackRequest(turn_id=first, round=0, feedback=feedback_pb2.Feedback(rating=2))
    feedback_pb2_grpc.FeedbackServiceStub(client.channel).SubmitFeedback(rated, metadata=client.metadata)
    events_of(client.revise(first, feedback=feedback_pb2.Feedback(comment="shorter")))
    client.call("Handoff", pb.HandoffRequest(session_id=session))
    second = say(client, session, "two")
    wanted = [
        ("turn.completed", first), ("feedback.received", first), ("feedback.received", first),
        ("turn.completed", first), ("handoff.asked", ""), ("turn.completed", second),
    ]  # fmt: skip
    wait_until(lambda: len(about(receiver.received, session)) == len(wanted), 30)
    told = about(receiver.received, session)
    assert sorted(told) == sorted(wanted)
    assert [one for one in told if one[0] != "feedback.received"] == [
        one for one in wanted if one[0] != "feedback.received"
    ]
    assert told[0] == wanted[0]
    assert all(one.signed_by(secret) for one in receiver.received)
    assert len({one.id for one in receiver.received}) == len(wanted)
    assert b"shorter" not in b"".join(one.body for one in receiver.received)
    statement = Statement("tea", "price", "3 EUR", "tea costs 3 EUR", provenance={"kind": "test"})
    candidate, _ = store.knowledge.propose_fact(tenant, statement)
    wait_until(lambda: receiver.received[-1].event["type"] == "candidate.waiting", 30)
    assert receiver.received[-1].event["data"] == {"tenantId": tenant, "candidateId": candidate["_id"]}
    for version, status in (("version-1", "gate_failed"), ("version-2", "ready")):
        store.versions.add(tenant, version, io.BytesIO(b"weights"), {"status": status})
    wait_until(lambda: receiver.received[-1].event["type"] == "version.offered", 30)
    assert receiver.received[-1].event["data"] == {"tenantId": tenant, "versionId": "version-2"}


def test_what_is_not_taken_is_sent_again_with_one_id_and_the_rest_of_its_session_waits(
    client: Client, receiver: Receiver, workers: FakeWorkers
) -> None:
    refusals = iter((500, 302, 429, 0, 503))
    slow = threading.Event()
    session, other = client.session(), client.session()

    def answer(received: Received) -> int:
        if received.event["data"]["sessionId"] == other:
            return 200
        status = next(refusals, 204)
        if status == 0:  # the receiver hangs
            slow.wait(30)
        return status

    receiver.answers = answer
    register(client, receiver.url, webhook_pb2.WEBHOOK_EVENT_TURN_COMPLETED)
    wanted = [("turn.completed", say(client, session, text)) for text in ("one", "two", "three")]
    say(client, other, "elsewhere")
    wait_until(lambda: about(receiver.taken, other), 30, message="another session does not wait")
    wait_until(lambda: len(about(receiver.taken, session)) == 3, 60)
    slow.set()
    assert about(receiver.taken, session) == wanted
    tries = [one.id for one in receiver.received if one.event["data"]["sessionId"] == session]
    assert len(set(tries)) == 3
    assert tries == sorted(tries, key=list(dict.fromkeys(tries)).index), "the next went before the one before was taken"
    wait_until(lambda: listed(client)[0].waiting == 0 and not listed(client)[0].failing, 30)


def test_events_outlive_the_gateway_that_was_sending_them(
    stack: Any, receiver: Receiver, workers: FakeWorkers, tenant: str
) -> None:
    process, address = stack.gateways.start()
    client = stack.gateways.client(address, tenant)
    hang = threading.Event()
    receiver.answers = lambda _: 500 if hang.wait(0.2) else 503
    register(client, receiver.url)
    session = client.session()
    turns = [say(client, session, f"turn {number}") for number in range(3)]
    wait_until(lambda: receiver.received, 30)
    process.kill()
    receiver.answers = lambda _: 200
    wait_until(lambda: len(about(receiver.taken, session)) >= 3, 60)
    assert list(dict.fromkeys(turn for _, turn in about(receiver.taken, session))) == turns
    assert len({one.id for one in receiver.received}) == 3
    client.channel.close()


def test_a_webhook_that_is_off_or_gone_hears_nothing(client: Client, receiver: Receiver, workers: FakeWorkers) -> None:
    other = Receiver()
    other.answers = lambda _: 410
    off = register(client, receiver.url).webhook
    register(client, other.url)
    stub(client).UpdateWebhook(
        webhook_pb2.UpdateWebhookRequest(webhook_id=off.id, disabled=True), metadata=client.metadata
    )
    say(client, client.session(), "hello")
    wait_until(lambda: all(one.disabled for one in listed(client)), 30, message="410 switches it off")
    assert receiver.received == []
    assert len(other.received) == 1
    other.close()
