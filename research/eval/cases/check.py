"""What a case's checks answer, and what they are given to work with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from antiphon.client import Client

from research.eval.service.stack import RunningStack
from services.common.settings import CommonSettings
from services.common.store import Store

_tenants = itertools.count(1)


@dataclass(frozen=True)
class Check:
    """One expectation: what was given and asked for, whether it held, and what was there instead."""

    name: str
    right: bool
    seen: str = ""


@dataclass(frozen=True)
class Desk:
    """A tenant of its own on the running stack, and the stack's store to look into."""

    client: Client
    store: Store
    tenant: str
    key: str
    address: str


@contextmanager
def desk(stack: RunningStack) -> Iterator[Desk]:
    """A new tenant."""
    name = f"case-{next(_tenants)}"
    store = Store(CommonSettings(mongo_url=stack.mongo_url))
    try:
        with stack.tenant(name) as client:
            _, key = store.keys.create(name, "operator", "case")
            yield Desk(client, store, name, key, stack.address)
    finally:
        store.close()


def lines_of(file: Path) -> list[str]:
    """The file's lines that say something."""
    return [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
