"""``python -m services.gateway backup`` and ``restore``, for Jobs: the gateways' image is the smallest with a store."""

from __future__ import annotations

from pathlib import Path

from services.common.errors import AntiphonError
from services.common.store import DATABASE_AWAY, Connection
from services.common.store.backup import BackedUp, restore_backup
from services.common.store.backup_series import add_backup
from services.gateway.settings import GatewaySettings


def back_up(settings: GatewaySettings, place: Path, keep: int) -> None:
    """Add a backup to those in ``place`` and delete all but the newest ``keep``. Exits with a message if it fails."""
    connection = _connection(settings)
    try:
        folder, done = add_backup(connection, place.absolute(), keep)
    except (AntiphonError, OSError, *DATABASE_AWAY) as error:
        raise SystemExit(f"no backup was made: {error}") from error
    finally:
        connection.close()
    _print(done, folder)


def restore(settings: GatewaySettings, folder: Path) -> None:
    """Fill the empty database from a backup. Exits with a message if it fails."""
    connection = _connection(settings)
    try:
        done = restore_backup(connection, folder.absolute())
    except (AntiphonError, OSError, *DATABASE_AWAY) as error:
        raise SystemExit(f"not restored: {error}") from error
    finally:
        connection.close()
    _print(done, folder)


def _connection(settings: GatewaySettings) -> Connection:
    return Connection(settings.mongo_url, settings.mongo_database, name="antiphon-backup", pool=2)


def _print(done: BackedUp, folder: Path) -> None:
    print(f"{sum(done.documents.values())} documents, {done.size / 2**20:.1f} MB: {folder}")
