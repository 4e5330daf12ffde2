"""The way from a command to a gateway: its address and key, given or taken from the embedded stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer
from antiphon.client import Client
from antiphon.link import Setup

from deploy.local.home import Home
from services.cli.output import Failure


@dataclass(frozen=True)
class Target:
    """What the command line said about the gateway; None is found out in ``connected``."""

    address: str | None = None
    key: str | None = None
    home: Path | None = None
    tls: bool = False
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    token_file: Path | None = None

    def trust(self) -> bool | bytes:
        """What `Client` takes as ``tls``. Raises Failure for a file that cannot be read."""
        return self.tls or self.tls_certificate is not None if self.tls_ca is None else _read(self.tls_ca)

    def certificate(self) -> tuple[bytes, bytes] | None:
        """The client's own certificate and private key. Raises Failure unless both are there, or neither."""
        if self.tls_certificate is None or self.tls_key is None:
            if self.tls_certificate is not self.tls_key:
                raise Failure("--tls-certificate and --tls-key go together")
            return None
        return _read(self.tls_certificate), _read(self.tls_key)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from None


@contextmanager
def connected(context: typer.Context) -> Iterator[Client]:
    """A client for the gateway that this command is about. Raises Failure when none is known."""
    target: Target = context.obj
    with open_client(target) as client:
        yield client


@contextmanager
def open_client(target: Target) -> Iterator[Client]:
    """A client for the target. Raises Failure when none is known."""
    setup = setup_of(target)
    with Client(setup.addresses, setup.key, tls=setup.tls, certificate=setup.certificate) as client:
        yield client


def setup_of(target: Target) -> Setup:
    """How to reach the target: as was given, else the running embedded stack's gateway and key. Raises Failure."""
    home = Home(target.home)
    address = target.address
    if address is None:
        status = home.status()
        if status is None:
            raise Failure("nothing is running here: start it with `antiphon up`, or name a gateway with --address")
        address = str(status["endpoint"]["address"])
    key: str | Callable[[], str] = target.key or ""
    if target.key is None and target.token_file is None:
        key = _own_key(home, address)
    if (file := target.token_file) is not None:
        key = partial(_token, file)  # read for each call: a token is renewed in place
    return Setup(address, key, tls=target.trust(), certificate=target.certificate())


def _own_key(home: Home, address: str) -> str:
    """The key of the embedded stack, for its own gateway alone. Raises Failure for any other."""
    status = home.status()
    if status is None or address != str(status["endpoint"]["address"]):
        raise Failure(f"{address} is not the stack that runs here: name a key with --key, or a token with --token-file")
    return home.api_key() or ""


def _token(file: Path) -> str:
    return _read(file).decode("ascii", "replace").strip()
