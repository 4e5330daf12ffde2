"""Examples hold no personal data, and the conversation they are of keeps all of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.privacy.policy import Policy
from services.common.settings import CommonSettings
from services.common.store import Request, Store
from services.finetune.batches import Batcher

TENANT = "shop"
PROMPT = "My name is Ada Byron and my order 20931187465 is late, call +44 7911 123456."


@pytest.fixture
def store(mongo: MongoServer, database: str) -> Iterator[Store]:
    opened = Store(CommonSettings(mongo_url=mongo.url, mongo_database=database))
    opened.prepare()
    opened.tenants.create(TENANT, Request("CreateTenant", TENANT, ""), {})
    yield opened
    opened.close()


def _learn(store: Store, *edits: tuple[str, str]) -> list[dict[str, Any]]:
    blank: dict[str, Any] = {"rating": None, "comment": None, "constraints": [], "reply": "I do not know.", "user": "u"}
    opened = store.imports.open(TENANT, Request("OpenImport", edits[0][1], ""), "words")["_id"]
    words = [{**blank, "prompt": prompt, "edited_text": edit} for prompt, edit in edits]
    store.imports.append(TENANT, opened, len(words) + 1, list(enumerate(words, 1)), [])
    batcher = Batcher(store, lambda tenant, ids: None, 16, 1)
    while batcher.process():
        pass
    return list(store.feedback.export(TENANT, {"import": opened}, ""))


def test_an_example_is_masked_its_record_is_not_and_its_receipt_finds_it(store: Store) -> None:
    (record,) = _learn(store, (PROMPT, "Order 20931187465 left our warehouse today."))
    (example,) = store.examples.untrained(TENANT)
    assert example["prompt"] == "My name is <NAME_1> and my order 20931187465 is late, call <PHONE_1>."
    assert example["answer"] == "Order 20931187465 left our warehouse today."
    assert record["prompt"] == PROMPT
    found = store.receipts.example(TENANT, record, store.tenants.privacy(TENANT).masker())
    assert found is not None
    assert found["_id"] == example["_id"]


def test_an_answer_with_a_customers_data_is_refused_and_one_with_what_is_kept_is_learned(store: Store) -> None:
    first, second = _learn(
        store, ("Where to?", "It goes to 14 Maple Street, Springfield."), ("Whom do I ask?", "Call 0711 5550123.")
    )
    for record in (first, second):
        assert record["status"] == "refused"
        assert "personal data" in record["refusal"]
        assert record["preference"]["worse"] == "I do not know."
    assert store.examples.untrained(TENANT) == []
    store.tenants.update(TENANT, {"privacy": {"mode": "masked", "keep": ["+49 711 5550123"]}})
    _learn(store, ("Whom do I ask?", "Call 0711 5550123, now."))
    assert [one["answer"] for one in store.examples.untrained(TENANT)] == ["Call 0711 5550123, now."]


def test_what_was_learned_before_masking_keeps_its_receipt(store: Store) -> None:
    store.tenants.update(TENANT, {"privacy": {"mode": "off"}})
    (record,) = _learn(store, (PROMPT, "It left today."))
    assert store.examples.untrained(TENANT)[0]["prompt"] == PROMPT
    assert store.receipts.example(TENANT, record, Policy().masker()) is not None
