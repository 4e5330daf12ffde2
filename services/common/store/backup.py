"""Backup and restore of the whole database, as files of BSON that ``mongorestore`` reads as well.

A backup is one state: every collection, GridFS included, is read at the same cluster time by a snapshot session. What
generators say of themselves is left out; it is about processes that will not be there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bson import json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from services.common.clock import now
from services.common.errors import FailedPrecondition, InvalidArgument
from services.common.store.connection import Connection, Document

FORMAT = "antiphon-backup-1"
MANIFEST = "manifest.json"
PASSING = frozenset({"serving"})
MAX_ATTEMPTS = 3
_BATCH_BYTES = 8 * 2**20
_SNAPSHOT_ERRORS = frozenset({239, 246})  # SnapshotTooOld; SnapshotUnavailable: an index was made meanwhile
_LENGTH = struct.Struct("<i")
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds: documents and bytes by collection."""

    documents: dict[str, int]
    size: int


def write_backup(connection: Connection, folder: Path, progress: Progress = lambda name, count: None) -> BackedUp:
    """Write the database into a new folder, which appears when it is whole; ``progress`` hears each collection.

    Raises FailedPrecondition where the folder exists, or the database did not keep one state for as long as it took
    (MongoDB's minSnapshotHistoryWindowInSeconds, five minutes by default).
    """
    if folder.exists():
        raise FailedPrecondition(f"{folder} is there already; name a new folder", reason="FOLDER_EXISTS")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        try:
            manifest = _write(connection, unfinished, progress)
            break
        except OperationFailure as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if error.code not in _SNAPSHOT_ERRORS:
                raise
            if attempt == MAX_ATTEMPTS:
                raise FailedPrecondition(
                    "the database did not keep one state for as long as the backup took; raise its parameter "
                    "minSnapshotHistoryWindowInSeconds",
                    reason="SNAPSHOT_LOST",
                ) from error
    with _private(unfinished / MANIFEST) as file:
        file.write(json.dumps(manifest, indent=1).encode())
    os.replace(unfinished, folder)
    return _summary(manifest)


def _write(connection: Connection, folder: Path, progress: Progress) -> Document:
    database = connection.database
    collections: Document = {}
    with connection.client.start_session(snapshot=True) as session:
        for name in sorted(database.list_collection_names()):
            if name in PASSING or name.startswith("system."):
                continue
            indexes = [dict(one) for one in database[name].list_indexes() if one["name"] != "_id_"]
            with _private(folder / f"{name}.bson") as file:
                collections[name] = _dump(connection, name, session, file)
            collections[name]["indexes"] = json.loads(json_util.dumps(indexes))
            progress(name, collections[name]["documents"])
    return {
        "format": FORMAT,
        "database": database.name,
        "taken_at": now().isoformat(timespec="seconds"),
        "collections": collections,
    }


def _dump(connection: Connection, name: str, session: ClientSession, file: BinaryIO) -> Document:
    digest, documents, size = hashlib.sha256(), 0, 0
    batches: Iterable[Any] = connection.database[name].find_raw_batches({}, session=session)
    for batch in batches:  # bytes: documents one after the other
        file.write(batch)
        digest.update(batch)
        size += len(batch)
        at = 0
        while at < len(batch):
            at += _LENGTH.unpack_from(batch, at)[0]
            documents += 1
    return {"documents": documents, "bytes": size, "sha256": digest.hexdigest()}


def restore_backup(connection: Connection, folder: Path, progress: Progress = lambda name, count: None) -> BackedUp:
    """Fill an empty database from a backup, after every file was checked; its indexes come with it.

    Raises InvalidArgument (no whole backup) and FailedPrecondition (NOT_EMPTY); nothing is written then. A restore
    that breaks off leaves a database to be dropped.
    """
    manifest = read_manifest(folder)
    database = connection.database
    for name in database.list_collection_names():
        if name not in PASSING and not name.startswith("system.") and database[name].find_one({}, ("_id",)):
            raise FailedPrecondition(f"the database {database.name} is not empty: {name}", reason="NOT_EMPTY")
    raw: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
    for name, about in manifest["collections"].items():
        target = database.get_collection(name, raw, write_concern=WriteConcern(w="majority", j=True))
        with (folder / f"{name}.bson").open("rb") as file:
            for batch in _batches(file):
                target.insert_many(batch, ordered=False)
        models = [_index(one) for one in json_util.loads(json.dumps(about["indexes"]))]
        if models:
            target.create_indexes(models)
        if target.count_documents({}) != about["documents"]:
            raise FailedPrecondition(f"{name} was not restored whole", reason="NOT_WHOLE")
        progress(name, about["documents"])
    return _summary(manifest)


def read_manifest(folder: Path) -> Document:
    """A backup's manifest, its files checked against it. Raises InvalidArgument."""
    try:
        manifest: Document = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise InvalidArgument("folder", f"{folder} is no backup: {error}") from None
    if manifest.get("format") != FORMAT:
        raise InvalidArgument("folder", f"the format is {manifest.get('format')!r}, not {FORMAT}")
    for name, about in manifest["collections"].items():
        path = folder / f"{name}.bson"
        if not path.is_file():
            raise InvalidArgument("folder", f"{path.name} is missing")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != about["sha256"]:
                raise InvalidArgument("folder", f"{path.name} is damaged")
    return manifest


def _summary(manifest: Document) -> BackedUp:
    collections = manifest["collections"]
    counts = {name: int(about["documents"]) for name, about in collections.items()}
    return BackedUp(counts, sum(int(about["bytes"]) for about in collections.values()))


def _batches(file: BinaryIO) -> Iterator[list[RawBSONDocument]]:
    batch: list[RawBSONDocument] = []
    size = 0
    while header := file.read(_LENGTH.size):
        document = header + file.read(_LENGTH.unpack(header)[0] - _LENGTH.size)
        batch.append(RawBSONDocument(document))
        size += len(document)
        if size >= _BATCH_BYTES or len(batch) >= 1_000:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _index(about: Document) -> IndexModel:
    options = {name: value for name, value in about.items() if name not in ("key", "v", "ns")}
    return IndexModel(list(about["key"].items()), **options)


def _private(path: Path) -> BinaryIO:
    """A new file that its owner alone reads."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
