"""A tenant's own values stay: what stands in its documents and facts, and no customer brought."""

from __future__ import annotations

from functools import partial

import pytest

from services.common.privacy import Masker
from services.common.store import Store
from services.common.store.knowledge import Statement
from tests.support.documents import add_document

TENANT = "acme"


@pytest.fixture
def masker(store: Store) -> Masker:
    """What masks a dialogue of a tenant with a document and facts."""
    add_document(
        store,
        TENANT,
        "contact.md",
        "Hotline: +49 (0)711 555 0123, desk@shop.example. The shop: 14 Maple Street, Springfield. Dr. Vera Osman leads "
        "the clinic. Pay to DE89 3704 0044 0532 0130 00. 总机 021-6655 7788，地址：北京市朝阳区建国路88号。",
    )
    add_document(store, TENANT, "mine.md", "Ring me on 0171 2345678 or me@home.example", user="ann")
    store.knowledge.teach_fact(TENANT, Statement("Acme", "fax", "0711 555 0199"))
    said = Statement("Ann", "phone", "0160 5550177", provenance={"said_by": "ann"})
    store.knowledge.teach_fact(TENANT, said)
    return Masker(own=partial(store.knowledge.is_own, TENANT))


@pytest.mark.parametrize(
    "text",
    [
        "Call 0711 5550123.",
        "Call +49 711 555-0123.",
        "Call 0049 711 5550123, extension 12.",
        "Call 0711/5550123 ext. 4",
        "Write to DESK@shop.example",
        "We are at 14 Maple Street, Springfield",
        "Ask for Dr. Vera Osman",
        "IBAN DE89370400440532013000",
        "Fax: 0711 555 0199",
        "请打 021-66557788",
        "地址是北京市朝阳区建国路88号",
    ],
)
def test_what_stands_in_its_documents_and_facts_stays(masker: Masker, text: str) -> None:
    assert masker.mask(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Call 0711 5550124.", "Call <PHONE_1>."),
        ("Call 0171 2345678.", "Call <PHONE_1>."),
        ("Call 0160 5550177.", "Call <PHONE_1>."),
        ("Write to k@shop.example", "Write to <EMAIL_1>"),
        ("Write to me@home.example", "Write to <EMAIL_1>"),
        ("We are at 14 Maple Street, Denver", "We are at <ADDRESS_1>"),
        ("Ask for Dr. Vera Osmanovic", "Ask for <NAME_1>"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", "IBAN <IBAN_1>"),
        ("card 4111 1111 1111 1111", "card <CARD_1>"),
        ("请打 021-66557789", "请打 <PHONE_1>"),
    ],
)
def test_what_is_anothers_or_a_customer_brought_is_masked(masker: Masker, text: str, kept: str) -> None:
    assert masker.mask(text) == kept


def test_another_tenants_values_are_not_its_own(store: Store, masker: Masker) -> None:
    assert store.knowledge.is_own(TENANT, "PHONE", "0711 5550123")
    assert not store.knowledge.is_own("globex", "PHONE", "0711 5550123")
    assert not store.knowledge.is_own(TENANT, "NAME", "O")
    assert not store.knowledge.is_own(TENANT, "CARD", "4111111111111111")
