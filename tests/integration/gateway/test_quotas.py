"""What a tenant may use: each quota refuses what goes beyond it, says when to come again, and lets the rest go on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import pytest
from antiphon.client import Client as Caller
from antiphon.client import ResourceExhausted
from antiphon.retry import RetryPolicy
from antiphon.v1 import admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2

from services.common.store import Request, Store
from tests.support.gateway import Client, FakeWorkers, Gateways
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)  # no quota is about the broker
Limited = Callable[..., Caller]


@pytest.fixture
def limited(client: Client, tenant: str, store: Store) -> Iterator[Limited]:
    """A caller of the test's tenant, which has these quotas."""
    callers: list[Caller] = []

    def make(address: str = client.address, **quotas: int) -> Caller:
        _, key = store.keys.create(tenant, "operator", "quotas")
        callers.append(Caller(address, key=key, policy=RetryPolicy(patience=0)))
        if quotas:
            store.tenants.create(tenant, Request("CreateTenant", tenant, ""), {})
            request = admin_pb2.SetQuotasRequest(quotas=admin_pb2.Quotas(**quotas))
            _first(store, client.address).admin.SetQuotas(_of(request, tenant))
        return callers[-1]

    yield make
    for one in callers:
        one.close()


def _first(store: Store, address: str) -> Caller:
    return Caller(address, key=store.keys.create("default", "operator", "quotas")[1])


def _of(request: admin_pb2.SetQuotasRequest, tenant: str) -> admin_pb2.SetQuotasRequest:
    request.tenant_id = tenant
    return request


@contextmanager
def refused(below: float) -> Iterator[None]:
    with pytest.raises(ResourceExhausted) as error:
        yield
    assert error.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.value.reason == "QUOTA_EXCEEDED"
    assert error.value.retry_delay is not None
    assert 0 < error.value.retry_delay <= below


def _session(caller: Caller, request_id: str = "") -> str:
    request = conversation_pb2.CreateSessionRequest(request_id=request_id, user_id="ada")
    return caller.conversations.CreateSession(request).session.id


def test_turns_a_minute_are_counted_over_all_gateways(
    limited: Limited, gateways: Gateways, workers: FakeWorkers
) -> None:
    here = limited(turns_per_minute=3)
    process, address = gateways.start()
    there = limited(address)
    session = _session(here)
    first = conversation_pb2.SendTurnRequest(request_id="one", session_id=session, text="a")
    assert here.send(session, "a", request_id="one").result().text
    assert there.send(session, "b").result().text
    stream = here.send(session, "c")
    assert stream.result().text
    for caller in (here, there):
        with refused(below=65):
            caller.send(session, "d").result()
        with refused(below=65):
            caller.revise(stream.turn_id, "shorter").result()
    repeated = next(iter(here.conversations.SendTurn(first))).event  # what was accepted before is told again
    assert repeated.accepted.repeated_request
    process.terminate()


def test_open_sessions(limited: Limited) -> None:
    caller = limited(sessions=2)
    sessions = [_session(caller, f"session-{i}") for i in range(2)]
    with refused(below=60):
        _session(caller)
    assert _session(caller, "session-1") == sessions[1]
    caller.conversations.EndSession(conversation_pb2.EndSessionRequest(session_id=sessions[0]))
    _session(caller)


def test_bytes_of_documents(limited: Limited) -> None:
    caller = limited(document_bytes=100)

    def upload(name: str, size: int) -> None:
        header = knowledge_pb2.IngestDocumentRequest(header=knowledge_pb2.DocumentHeader(name=name))
        chunk = knowledge_pb2.IngestDocumentRequest(chunk=b"x" * size)
        caller.knowledge.IngestDocument(iter((header, chunk)))

    upload("a.md", 60)
    with refused(below=3600):
        upload("b.md", 60)
    upload("a.md", 90)  # in the place of the one before
    with refused(below=3600):
        upload("a.md", 101)


def test_current_facts(limited: Limited) -> None:
    caller = limited(facts=1)
    teach = caller.knowledge.TeachFact
    taught = teach(knowledge_pb2.TeachFactRequest(entity="Basic", slot="price", value="1 euro")).fact
    with refused(below=3600):
        teach(knowledge_pb2.TeachFactRequest(entity="Family", slot="price", value="2 euros"))
    teach(knowledge_pb2.TeachFactRequest(entity="Basic", slot="price", value="3 euros"))
    caller.knowledge.RetractFact(knowledge_pb2.RetractFactRequest(fact_id=taught.id))
    teach(knowledge_pb2.TeachFactRequest(entity="Family", slot="price", value="2 euros"))


def test_feedback_that_waits_to_be_processed(limited: Limited, store: Store, tenant: str) -> None:
    caller = limited(pending_feedback=3)  # nobody processes anything here
    opened = getattr(caller.feedback.OpenImport(feedback_pb2.OpenImportRequest(name="x")), "import")
    said = feedback_pb2.Feedback(edited_text="yes")
    item = feedback_pb2.ImportItem(item=feedback_pb2.FeedbackItem(prompt="p", reply="no", feedback=said))

    def append(first: int, count: int) -> None:
        request = feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=first, items=[item] * count)
        caller.feedback.AppendImport(request)

    append(1, 3)
    with refused(below=10):
        append(4, 1)
    waiting = [one["_id"] for one in store.feedback.waiting() if one["tenant"] == tenant]
    store.feedback.processed(tenant, dict.fromkeys(waiting, ""))
    append(4, 1)


def test_trainings_a_day(limited: Limited, store: Store, tenant: str) -> None:
    caller = limited(trainings_per_day=1)
    store.examples.add(tenant, [{"prompt": "p", "answer": "a", "kind": "correction"}])
    request = model_pb2.StartTrainingRequest(request_id="first")
    training = caller.models.StartTraining(request).training
    caller.models.CancelTraining(model_pb2.CancelTrainingRequest(training_id=training.id))
    with refused(below=86_400):
        caller.models.StartTraining(model_pb2.StartTrainingRequest())
    assert caller.models.StartTraining(request).training.id == training.id


def test_what_leaves_the_window_may_be_taken_again(store: Store, tenant: str) -> None:
    """Half a second's window instead of a minute's: never more than the limit in it, and then again as many."""
    granted: list[float] = []

    def take() -> bool:
        if not store.usage.spend(tenant, "test", 2, 0.5):
            granted.append(time.monotonic())
        return len(granted) == 6

    wait_until(take, 60, "six grants")
    assert all(later - earlier > 0.45 for earlier, later in zip(granted, granted[2:], strict=False))
