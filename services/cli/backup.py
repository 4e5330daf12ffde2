"""``antiphon admin backup`` and ``restore``: the database as files, straight from MongoDB and not over the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.home import Home
from deploy.local.mongo import MongoServer
from services.cli.connection import Target
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json
from services.common.errors import AntiphonError
from services.common.settings import CommonSettings
from services.common.store import DATABASE_AWAY, Connection
from services.common.store.backup import BackedUp, restore_backup, write_backup

MongoOption = Annotated[
    str | None, typer.Option("--mongo-url", help="MongoDB of a deployment; default: the embedded stack's")
]
DatabaseOption = Annotated[str, typer.Option(help="Database of the deployment")]
DATABASE: str = CommonSettings.model_fields["mongo_database"].default


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A new folder")],
    mongo_url: MongoOption = None,
    database: DatabaseOption = DATABASE,
    as_json: JsonOption = False,
) -> None:
    """Write the whole database into a folder, as it stands at one moment; everything may go on running."""
    with _database(context, mongo_url, database) as connection:
        _report(as_json, lambda tell: write_backup(connection, folder.absolute(), tell), f"in {folder}")


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A backup's folder")],
    mongo_url: MongoOption = None,
    database: DatabaseOption = DATABASE,
    as_json: JsonOption = False,
) -> None:
    """Fill an empty database from a backup. The embedded stack is down meanwhile, with an empty home folder."""
    target: Target = context.obj
    if mongo_url is None and Home(target.home).running():
        raise Failure("the stack runs: `antiphon down` first, and name an empty folder with --home")
    with _database(context, mongo_url, database) as connection:
        _report(as_json, lambda tell: restore_backup(connection, folder.absolute(), tell), f"from {folder}")


@contextmanager
def _database(context: typer.Context, mongo_url: str | None, database: str) -> Iterator[Connection]:
    """The database named, else the running embedded stack's, else its mongod started for this alone."""
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
        server = MongoServer(home.root / "mongo", home.ports()["mongo"])
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
