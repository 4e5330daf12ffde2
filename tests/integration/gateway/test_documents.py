"""How far a document has come, as its uploader is told."""

import grpc
import pytest
from antiphon.client import document
from antiphon.v1 import knowledge_pb2 as pb
from antiphon.v1 import knowledge_pb2_grpc as rpc

from services.common.store import Store
from tests.support.gateway import Client

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
