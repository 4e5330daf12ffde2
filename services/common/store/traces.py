"""What is left of somebody in the database: every collection is searched, also those that nobody thought of."""

from __future__ import annotations

from collections.abc import Collection as Words
from collections.abc import Iterator, Mapping
from typing import Any

from services.common.store.connection import Connection

# They say that somebody was erased, or who did what: kept on purpose, and named in the certificate.
KEPT = frozenset({"erasures", "audit"})


def search(connection: Connection, tenant: str, words: Words[str]) -> dict[str, int]:
    """Of every collection searched, how many of the tenant's documents hold one of these words as a value, or as the
    name of a field.

    Reads all that the tenant has, so that it takes its time; ids and names of people are what it is for: a word is a
    whole value, not a part of one.
    """
    wanted = frozenset(words) - {""}
    found: dict[str, int] = {}
    for name in sorted(connection.database.list_collection_names()):
        if name in KEPT or name.startswith("system.") or name.endswith(".chunks"):
            continue
        documents = connection.every_tenant(name).find({"tenant": tenant})
        found[name] = sum(not wanted.isdisjoint(_strings(document)) for document in documents)
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
