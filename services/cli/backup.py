"""``antiphon admin backup`` and ``restore``: the database as files, straight from MongoDB and not over the gateway.

What talks to MongoDB is imported where it is used: no other command needs it, and it would double the time each takes
to begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.local.home import Home
from services.cli.connection import Target
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json
from services.common.errors import AntiphonError

if TYPE_CHECKING:
    from services.common.store import Connection
    from services.common.store.backup import BackedUp

MongoOption = Annotated[
    str | None, typer.Option("--mongo-url", help="MongoDB of a deployment; default: the embedded stack's")
]
DatabaseOption = Annotated[
    str | None, typer.Option(help="Database of the deployment; default: the one of the settings' defaults")
]


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A new folder")],
    mongo_url: MongoOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole database into a folder, as it stands at one moment; everything may go on running."""
    from services.common.store.backup import write_backup

    with _database(context, mongo_url, database) as connection:
        _report(as_json, lambda tell: write_backup(connection, folder.absolute(), tell), f"in {folder}")


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A backup's folder")],
    mongo_url: MongoOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fill an empty database from a backup. The embedded stack is down meanwhile, with an empty home folder."""
    from services.common.store.backup import restore_backup

    target: Target = context.obj
    if mongo_url is None and Home(target.home).running():
        raise Failure("the stack runs: `antiphon down` first, and name an empty folder with --home")
    with _database(context, mongo_url, database) as connection:
        _report(as_json, lambda tell: restore_backup(connection, folder.absolute(), tell), f"from {folder}")


@contextmanager
def _database(context: typer.Context, mongo_url: str | None, database: str | None) -> Iterator[Connection]:
    """The database named, else the running embedded stack's, else its mongod started for this alone."""
    from services.common.settings import CommonSettings
    from services.common.store import DATABASE_AWAY, Connection

    database = database or str(CommonSettings.model_fields["mongo_database"].default)
    with _mongo(context.obj, mongo_url) as url:
        connection = Connection(url, database, name="antiphon-backup", pool=2)
        try:
            yield connection
        except (AntiphonError, *DATABASE_AWAY) as error:
            raise Failure(str(error)) from error
        finally:
            connection.close()


@contextmanager
def _mongo(target: Target, mongo_url: str | None) -> Iterator[str]:
    from deploy.local.mongo import MongoServer

    if mongo_url is not None:
        yield mongo_url
        return
    home = Home(target.home)
    status = home.status()
    if status is not None:
        yield str(status["endpoint"]["mongo"])
        return
    home.prepare()
    with home.claimed():
        server = MongoServer(home.root / "mongo", home.ports()["mongo"], password=home.secret("mongo"))
        server.program.log_path = home.logs / "mongod.log"
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def _report(as_json: bool, work: Callable[[Callable[[str, int], None]], BackedUp], where: str) -> None:
    def tell(name: str, count: int) -> None:
        if not as_json:
            console.print(f"[dim]  {name} {count}[/dim]")

    done = work(tell)
    if as_json:
        print_json({"documents": done.documents, "bytes": done.size})
    else:
        console.print(f"{sum(done.documents.values())} documents, {done.size / 2**20:.1f} MB {where}")
