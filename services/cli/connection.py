"""The way from a command to a gateway: its address and key, given or taken from the embedded stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from antiphon.client import Client

from deploy.local.home import Home
from services.cli.output import Failure


@dataclass(frozen=True)
class Target:
    """What the command line said about the gateway; None is found out in ``connected``."""

    address: str | None = None
    key: str | None = None
    home: Path | None = None
    tls: bool = False


@contextmanager
def connected(context: typer.Context) -> Iterator[Client]:
    """A client for the gateway that this command is about. Raises Failure when none is known."""
    target: Target = context.obj
    with open_client(target) as client:
        yield client


@contextmanager
def open_client(target: Target) -> Iterator[Client]:
    """A client for the target: what was given, else the running embedded stack's gateway and key."""
    home = Home(target.home)
    address, key = target.address, target.key
    if address is None:
        status = home.status()
        if status is None:
            raise Failure("nothing is running here: start it with `antiphon up`, or name a gateway with --address")
        address = str(status["endpoint"]["address"])
    if key is None:
        key = home.api_key() or ""
    with Client(address, key, tls=target.tls) as client:
        yield client
