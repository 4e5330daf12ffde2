"""Documents in the knowledge base as the ingest job leaves them, and what an index finds of them."""

from __future__ import annotations

import numpy as np

from services.common.store import Store
from services.common.store.knowledge import Upload, document_id
from services.knowledge.domain.query import Query
from services.knowledge.indexes import Indexes

ENCODER = "enc"
DIMENSIONS = 8


def add_document(store: Store, tenant: str, uri: str, *texts: str, user: str = "") -> str:
    """A document of one passage a text, each with a vector; answers its ingestion."""
    source, _ = store.knowledge.accept_document(tenant, Upload(uri, texts[0].encode(), "text/plain", user=user))
    document = document_id(uri)
    rows = [
        {"_id": f"{tenant}-{uri}-{n}", "source": document, "uri": uri, "revision": 1, "heading": "",
         "text": text, "user": user}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    ids = [str(row["_id"]) for row in rows]
    store.knowledge.plan_passages(tenant, source["_id"], ids)
    store.knowledge.add_passages(tenant, source["_id"], 0, rows)
    vector = np.ones(DIMENSIONS, np.float16).tobytes()
    store.knowledge.add_vectors(tenant, f"{source['_id']}/v", document, ENCODER, [(one, vector) for one in ids])
    store.knowledge.close_ingestion(tenant, source["_id"], "done")
    return str(source["_id"])


def found(indexes: Indexes, tenant: str, text: str) -> set[str]:
    """Ids of passages and values of facts that a search for the text finds."""
    index = indexes.ready(tenant)
    if index is None:
        return set()
    result = index.search(Query(text, access=frozenset()), None, 50, 50)
    return {hit.id for hit in result.passages} | {fact.value for fact, _ in result.facts}
