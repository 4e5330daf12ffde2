"""Which form the database's documents have, who may use it, and how it gets into another form while everything runs.

Every document has the ``schema_version`` of whoever wrote it. A release that changes a form raises SCHEMA_VERSION by
one, writes the new form, reads the old one as well, and adds a Migration, which brings old documents into the new form
before the release comes and once more after it, for what the release before has written meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.common.errors import FailedPrecondition
from services.common.store.connection import Connection, Document
from services.common.store.turns import SCHEMA_VERSION

# The oldest form of the database with which this release can begin; its migrations may still be to come.
OLDEST_DATABASE = 1
PLACE = "deployment"
_SCHEMA = "schema"
_BATCH = 1_000


@dataclass(frozen=True)
class Migration:
    """Into form ``version``, by an update pipeline for each collection whose documents change.

    Processes of the release before may go on updating documents that have the new form already, and no later pass
    looks at those again: what such an update leaves must be right for both.

    ``readable_from``: the oldest SCHEMA_VERSION whose processes can work with the new form. Where that is ``version``
    itself, no process of the release before may run.
    """

    version: int
    changes: Mapping[str, Sequence[Mapping[str, Any]]]
    readable_from: int


MIGRATIONS: tuple[Migration, ...] = ()


@dataclass(frozen=True)
class Form:
    """What the database says of itself; nothing said is the first form."""

    version: int = 1
    readable_from: int = 1


def form_of(connection: Connection) -> Form:
    """What the database says of itself."""
    found = connection.every_tenant(PLACE).find_one({"_id": _SCHEMA})
    return Form() if found is None else Form(found["version"], found["readable_from"])


def check_form(form: Form, release: int = SCHEMA_VERSION, oldest: int = OLDEST_DATABASE) -> None:
    """Raise FailedPrecondition where a process of this release must not work with the database."""
    if release < form.readable_from:
        raise FailedPrecondition(
            f"the database has form {form.version}, which releases before form {form.readable_from} cannot read; this "
            f"one is of form {release}: install a newer release, or restore a backup made before the migration",
            reason="SCHEMA_TOO_NEW",
        )
    if form.version < oldest:
        raise FailedPrecondition(
            f"the database has form {form.version} and this release needs {oldest}: run "
            "`python -m services.gateway migrate` first",
            reason="SCHEMA_TOO_OLD",
        )


def migrate(
    connection: Connection,
    migrations: Sequence[Migration] = MIGRATIONS,
    release: int = SCHEMA_VERSION,
    *,
    stopped: bool = False,
) -> dict[int, int]:
    """Bring every older document into this release's form; answers how many changed, by the form they got.

    Safe to repeat, to break off and to run twice at once: each document changes once, and the database's form is
    raised when all of its documents have it. Raises FailedPrecondition where the release cannot read the database
    (SCHEMA_TOO_NEW) and, unless ``stopped`` says that nothing runs, where processes of the form that the database has
    could not go on (SCHEMA_IN_USE); nothing is changed then.
    """
    form = form_of(connection)
    check_form(form, release, oldest=1)
    coming = [one for one in migrations if one.version > form.version]
    too_far = [one for one in coming if one.readable_from > form.version]
    if too_far and not stopped:
        raise FailedPrecondition(
            f"form {too_far[0].version} cannot be read by the release that uses form {form.version}: stop all of its "
            "processes and migrate with --stopped, or install a release between the two first",
            reason="SCHEMA_IN_USE",
        )
    changed: dict[int, int] = {}
    for migration in sorted(migrations, key=lambda one: one.version):
        changed[migration.version] = sum(
            _change(connection, name, migration.version, pipeline) for name, pipeline in migration.changes.items()
        )
        connection.every_tenant(PLACE).update_one(
            {"_id": _SCHEMA},
            {
                "$max": {"version": migration.version, "readable_from": migration.readable_from},
                "$setOnInsert": {"schema_version": release},
            },
            upsert=True,
        )
    return changed


def _change(connection: Connection, name: str, version: int, pipeline: Sequence[Mapping[str, Any]]) -> int:
    """Apply a pipeline to the documents of older forms, those without a form included, a batch at a time."""
    collection = connection.every_tenant(name)
    older: Document = {"schema_version": {"$not": {"$gte": version}}}
    steps = [*pipeline, {"$set": {"schema_version": version}}]
    changed = 0
    while ids := [one["_id"] for one in collection.find(older, {"_id": True}).limit(_BATCH)]:
        changed += collection.update_many({"_id": {"$in": ids}, **older}, steps).modified_count
    return changed
