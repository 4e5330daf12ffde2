"""What the knowledge base's callers are told: how far a document has come, and what held at another time."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from antiphon.client import document
from antiphon.v1 import knowledge_pb2 as pb
from antiphon.v1 import knowledge_pb2_grpc as rpc

from services.common.store import Store
from services.common.store.knowledge import document_id
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


def test_documents_are_listed_by_name_until_they_are_deleted(client: Client, store: Store, tenant: str) -> None:
    knowledge = rpc.KnowledgeServiceStub(client.channel)

    def upload(name: str, text: str) -> pb.Ingestion:
        parts = iter(document(name, text.encode()))
        return knowledge.IngestDocument(parts, metadata=client.metadata, timeout=20).ingestion

    def listed(**page: object) -> tuple[list[tuple[str, int]], str]:
        answer = knowledge.ListDocuments(pb.ListDocumentsRequest(**page), metadata=client.metadata)  # type: ignore[arg-type]
        return [(each.name, each.revision) for each in answer.documents], answer.next_page_token

    assert listed() == ([], "")
    upload("tariffs.md", "Basic costs 9 euros.")
    upload("returns.md", "Within 30 days.")
    upload("tariffs.md", "Basic costs 12 euros.")
    assert listed() == ([("returns.md", 1), ("tariffs.md", 2)], "")
    first, token = listed(page_size=1)
    assert (first, listed(page_size=1, page_token=token)[0]) == ([("returns.md", 1)], [("tariffs.md", 2)])
    knowledge.DeleteDocument(pb.DeleteDocumentRequest(name="returns.md"), metadata=client.metadata)
    assert listed()[0] == [("tariffs.md", 2)]


def test_passages_are_read_by_their_ids_and_what_is_gone_is_left_out(client: Client, store: Store, tenant: str) -> None:
    knowledge = rpc.KnowledgeServiceStub(client.channel)

    def read(*ids: str) -> list[str]:
        request = pb.GetPassagesRequest(passage_ids=ids)
        return [each.text for each in knowledge.GetPassages(request, metadata=client.metadata).passages]

    fields = {"source": "doc_a", "uri": "a.md", "revision": 1, "title": "A", "headings": []}
    for number, owner in enumerate((tenant, tenant, "somebody else")):
        row = {"_id": f"psg_{tenant}_{number}", "text": f"Text {number}.", **fields}
        store.knowledge._connection.scoped("passages", owner).insert_one(row)
    names = [f"psg_{tenant}_{number}" for number in range(3)]
    assert read(names[1], "psg_gone", names[2], names[0]) == ["Text 1.", "Text 0."]
    for ids in ([], [""], ["psg_1"] * 101, ["p" * 200]):
        with pytest.raises(grpc.RpcError) as refused:
            read(*ids)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]


def test_a_document_shows_what_was_kept_of_it_page_by_page(client: Client, store: Store, tenant: str) -> None:
    knowledge = rpc.KnowledgeServiceStub(client.channel)
    ingestion = knowledge.IngestDocument(
        iter(document("tea.md", b"# Tea")), metadata=client.metadata, timeout=20
    ).ingestion.id

    def shown(**page: object) -> tuple[list[str], str]:
        request = pb.ListPassagesRequest(document_name="tea.md", **page)  # type: ignore[arg-type]
        answer = knowledge.ListPassages(request, metadata=client.metadata)
        assert answer.document.id == ingestion
        return [each.text for each in answer.passages], answer.next_page_token

    assert shown() == ([], "")  # not read yet
    names = [f"psg_{tenant}_{letter}" for letter in "cab"]  # in the document's order, not in that of their ids
    fields = {"source": document_id("tea.md"), "uri": "tea.md", "revision": 1, "title": "Tea", "headings": []}
    for name in sorted(names):
        row = {"_id": name, "text": f"Text {name[-1]}.", **fields}
        store.knowledge._connection.scoped("passages", tenant).insert_one(row)
    store.knowledge.plan_passages(tenant, ingestion, names)
    assert shown() == (["Text c.", "Text a.", "Text b."], "")
    first, token = shown(page_size=2)
    assert (first, shown(page_size=2, page_token=token)) == (["Text c.", "Text a."], (["Text b."], ""))
    knowledge.DeleteDocument(pb.DeleteDocumentRequest(name="tea.md"), metadata=client.metadata)
    for name, token, code in (
        ("tea.md", "", grpc.StatusCode.NOT_FOUND),
        ("coffee.md", "", grpc.StatusCode.NOT_FOUND),
        ("tea.md", "next", grpc.StatusCode.INVALID_ARGUMENT),
        ("", "", grpc.StatusCode.INVALID_ARGUMENT),
    ):
        request = pb.ListPassagesRequest(document_name=name, page_token=token)
        with pytest.raises(grpc.RpcError) as refused:
            knowledge.ListPassages(request, metadata=client.metadata)
        assert refused.value.code() == code  # type: ignore[attr-defined]


def test_documents_and_passages_of_limited_access_are_not_shown_without_the_label(
    client: Client, store: Store, tenant: str
) -> None:
    knowledge = rpc.KnowledgeServiceStub(client.channel)
    for name, labels in (("open.md", []), ("board.md", ["access:board"])):
        parts = iter(document(name, b"Some words.", labels=labels))
        knowledge.IngestDocument(parts, metadata=client.metadata, timeout=20)
        row = {"_id": f"psg_{name}", "text": name, "source": document_id(name), "uri": name, "revision": 1}
        store.knowledge._connection.scoped("passages", tenant).insert_one({**row, "title": "", "headings": []})

    def seen(scopes: tuple[str, ...]) -> tuple[list[str], list[str]]:
        metadata = [("authorization", f"Bearer {store.keys.create(tenant, 'reviewer', 'desk', scopes=scopes)[1]}")]
        listed = knowledge.ListDocuments(pb.ListDocumentsRequest(), metadata=metadata).documents
        request = pb.GetPassagesRequest(passage_ids=["psg_board.md", "psg_open.md"])
        read = knowledge.GetPassages(request, metadata=metadata).passages
        shown = pb.ListPassagesRequest(document_name="board.md")
        if scopes:
            assert knowledge.ListPassages(shown, metadata=metadata).document.name == "board.md"
        else:
            with pytest.raises(grpc.RpcError) as hidden:
                knowledge.ListPassages(shown, metadata=metadata)
            assert hidden.value.code() == grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]
        return [each.name for each in listed], [each.text for each in read]

    assert seen(("access:board",)) == (["board.md", "open.md"], ["board.md", "open.md"])
    assert seen(()) == (["open.md"], ["open.md"])


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
