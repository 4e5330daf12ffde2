"""What the knowledge base's callers are told: how far a document has come, and what held at another time."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from antiphon.client import document
from antiphon.v1 import knowledge_pb2 as pb
from antiphon.v1 import knowledge_pb2_grpc as rpc

from services.common.store import Store
from tests.support.gateway import Client
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)  # nothing here is about the broker


def test_progress_is_streamed_until_the_ingestion_ends(client: Client, store: Store, tenant: str) -> None:
    knowledge = rpc.KnowledgeServiceStub(client.channel)
    ingestion = knowledge.IngestDocument(
        iter(document("rules.md", b"# Returns\n\nWithin 30 days.")), metadata=client.metadata, timeout=20
    ).ingestion.id
    watched = knowledge.WatchIngestion(
        pb.WatchIngestionRequest(ingestion_id=ingestion), metadata=client.metadata, timeout=60
    )
    assert next(watched).ingestion.status == pb.INGESTION_STATUS_ACCEPTED
    store.knowledge.progress(tenant, ingestion, status="searchable", passages_total=7)
    seen = next(watched).ingestion
    assert (seen.status, seen.passages, seen.embedded) == (pb.INGESTION_STATUS_SEARCHABLE, 7, 0)
    store.knowledge.progress(tenant, ingestion, passages_embedded=7)
    store.knowledge.close_ingestion(tenant, ingestion, "done")
    rest = [one.ingestion for one in watched]
    assert (rest[-1].status, rest[-1].embedded) == (pb.INGESTION_STATUS_COMPLETE, 7)
    with pytest.raises(grpc.RpcError) as missing:
        next(knowledge.WatchIngestion(pb.WatchIngestionRequest(ingestion_id="ing_1"), metadata=client.metadata))
    assert missing.value.code() == grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]


def test_facts_are_asked_for_as_they_held_and_as_they_were_known_at_another_time(client: Client) -> None:
    knowledge = rpc.KnowledgeServiceStub(client.channel)

    def teach(value: str, valid_from: datetime | None = None) -> datetime:
        request = pb.TeachFactRequest(entity="Basic plan", slot="price", value=value)
        if valid_from is not None:
            request.valid_from.FromDatetime(valid_from)
        recorded = knowledge.TeachFact(request, metadata=client.metadata).fact.create_time
        wait_until(lambda: datetime.now(UTC) > recorded.ToDatetime(UTC) + timedelta(milliseconds=1))
        return recorded.ToDatetime(UTC)

    def values(**when: datetime) -> list[str]:
        request = pb.ListFactsRequest(entity="Basic plan", slot="price")
        for name, at in when.items():
            getattr(request, name).FromDatetime(at)
        return [one.value for one in knowledge.ListFacts(request, metadata=client.metadata).facts]

    yesterday, tomorrow = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
    first = teach("9 euros", valid_from=yesterday)
    second = teach("12 euros")
    teach("15 euros", valid_from=tomorrow)
    assert values() == ["12 euros"]
    assert values(as_of=first) == values(known_at=first) == ["9 euros"]
    assert values(as_of=tomorrow + timedelta(hours=1)) == ["15 euros"]
    assert values(as_of=tomorrow + timedelta(hours=1), known_at=second) == ["12 euros"], "not yet told of then"
    assert values(as_of=yesterday - timedelta(hours=1)) == values(known_at=yesterday) == []
    wrong = pb.ListFactsRequest(entity="Basic plan")
    wrong.as_of.seconds = -(2**40)
    with pytest.raises(grpc.RpcError) as refused:
        knowledge.ListFacts(wrong, metadata=client.metadata)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]
    assert "as_of" in str(refused.value)
