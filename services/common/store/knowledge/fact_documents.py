"""A fact revision as a document of `facts`, and what became of it as those who ask are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.common.facts import BEGINNING, FactRevision, Resolution
from services.common.names import key
from services.common.store.connection import Document
from services.common.store.knowledge.log import SCHEMA_VERSION


@dataclass(frozen=True)
class FactView:
    """A revision with what became of it: status is current, superseded or retracted.

    `stale`: it would hold, but what it was derived from does not.
    """

    fact: FactRevision
    status: str
    superseded_by: int = 0
    stale: bool = False


def view_of(one: FactRevision, resolution: Resolution, revisions: Sequence[FactRevision]) -> FactView:
    """The revision with what became of it among `revisions`, which `resolution` resolves."""
    if one in resolution.current:
        return FactView(one, "current")
    by = resolution.superseded_by.get(one.revision, 0)
    by_operation = next((other.operation for other in revisions if other.revision == by), "assert")
    retracted = one.operation == "retract" or by_operation in ("retract", "undo")
    return FactView(one, "retracted" if retracted else "superseded", by)


def by_fact(rows: Iterable[Document]) -> Iterable[list[FactRevision]]:
    """The revisions in `facts` documents that are sorted by fact, one list a fact."""
    group: list[FactRevision] = []
    for row in rows:
        revision = read_fact(row)
        if group and group[0].id != revision.id:
            yield group
            group = []
        group.append(revision)
    if group:
        yield group


def fact_document(tenant: str, fact: FactRevision, number: int) -> Document:
    """The `facts` document of a statement that gets this revision number."""
    return {
        "_id": f"{tenant}/{fact.id}/{number}",
        "schema_version": SCHEMA_VERSION,
        "fact": fact.id,
        "revision": number,
        "entity": fact.entity,
        "entity_key": key(fact.entity),
        "slot": fact.slot,
        "slot_key": key(fact.slot),
        "value": fact.value,
        "operation": fact.operation,
        "multi": fact.multi,
        "authority": fact.authority,
        "author": fact.author,
        "valid_from": fact.valid_from,
        "dated": fact.dated,
        "valid_to": fact.valid_to,
        "recorded_at": fact.recorded_at,
        "span": fact.span,
        "provenance": fact.provenance,
        "depends_on": [list(one) for one in fact.depends_on],
        "undoes": fact.undoes,
    }


def read_fact(row: Document) -> FactRevision:
    """The revision that a `facts` document holds."""
    return FactRevision(
        id=row["fact"],
        revision=row["revision"],
        entity=row["entity"],
        slot=row["slot"],
        value=row["value"],
        operation=row["operation"],
        multi=row["multi"],
        authority=row["authority"],
        author=row["author"],
        valid_from=row["valid_from"] or BEGINNING,
        dated=row.get("dated", row["valid_from"] != row["recorded_at"]),  # older documents do not say it
        valid_to=row["valid_to"],
        recorded_at=row["recorded_at"],
        span=row["span"],
        provenance=row["provenance"],
        depends_on=tuple((other, revision) for other, revision in row["depends_on"]),
        undoes=row["undoes"],
    )
