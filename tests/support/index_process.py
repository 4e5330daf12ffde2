"""Brings a tenant's index up to date and saves it, halting at a point where a test kills it.

`python -m tests.support.index_process MONGO DATABASE FOLDER TENANT POINT`: at POINT (`saving`: the snapshot is written
under its other name; `applying`: passages are in the index, their vectors and the log number are not) it writes a line
and waits for good.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

from services.common.settings import CommonSettings
from services.common.store import Store
from services.knowledge import indexes as module
from services.knowledge.domain.index import TenantIndex
from tests.support.documents import DIMENSIONS, ENCODER


def halt(*_: Any) -> None:
    """Says that the point is reached and stays there."""
    print("reached", flush=True)
    threading.Event().wait()


def main() -> None:
    """Runs until the point, or to the end where it is never reached."""
    url, database, folder, tenant, point = sys.argv[1:]
    module._WORTH_SAVING = 1
    if point == "saving":
        os.fsync = halt  # type: ignore[assignment]
    elif point == "applying":
        TenantIndex.add_vectors = halt  # type: ignore[assignment, method-assign]
    store = Store(CommonSettings(mongo_url=url, mongo_database=database))
    indexes = module.Indexes(store, ENCODER, DIMENSIONS, 1000, Path(folder))
    indexes.catch_up(tenant)
    indexes.save(tenant)


if __name__ == "__main__":
    main()
