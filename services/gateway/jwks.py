"""The public keys that tokens are checked with: a file, or a URL fetched beside the calls that need it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import structlog

from services.common.errors import Unauthenticated, Unavailable

log = structlog.get_logger(__name__)
FETCH_TIMEOUT = 5.0  # for the whole of it: name, connection, answer
FRESH_SECONDS = 300.0  # a key that its owner withdrew is gone from here after that long, and a fetch
FETCH_AGAIN = 10.0  # an unknown key id makes us look again, but not more often than this
MAX_JWKS_BYTES = 2**20
_UNREADABLE = (OSError, ValueError, TypeError, AttributeError, http.client.HTTPException)


class KeySet:
    """The public keys of a JWKS: a file, read again when it changes, or a URL, fetched again after a while.

    One fetch is under way at most. Keys that are known are served meanwhile, however old they are; only a call whose
    key is not known waits for it, FETCH_TIMEOUT at most.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._stamp: tuple[int, int] | None = None
        self._fetched = float("-inf")
        self._fetching: Future[None] | None = None

    def key(self, key_id: str, *, wait: bool = True) -> jwt.PyJWK:
        """The key of this id; ``wait`` for it where it has to be fetched.

        Raises Unauthenticated for an unknown one, Unavailable where none can be read.
        """
        fetching = self.awaited(key_id)
        if fetching is not None and wait:
            with suppress(TimeoutError):
                fetching.result(FETCH_TIMEOUT)
        known = self._keys.get(key_id)
        if known is None and not self._keys:
            raise Unavailable("the keys that tokens are checked with cannot be read")
        if known is None:
            raise Unauthenticated("the token is signed with an unknown key")
        return known

    def awaited(self, key_id: str) -> Future[None] | None:
        """The fetch that a token of this key has to wait for; None where there is none. Begins one that is due."""
        with self._lock:
            if not self._remote:
                if self._changed():
                    self._load()
                return None
            known, age = key_id in self._keys, time.monotonic() - self._fetched
            if self._fetching is None and age > (FRESH_SECONDS if known else FETCH_AGAIN):
                self._fetched = time.monotonic()
                self._fetching = Future()
                threading.Thread(target=self._fetch, args=(self._fetching,), name="jwks", daemon=True).start()
            return None if known else self._fetching

    @property
    def _remote(self) -> bool:
        return self._source.startswith(("https://", "http://"))

    def _changed(self) -> bool:
        try:
            status = Path(self._source).stat()
        except OSError:
            return not self._keys
        return (status.st_mtime_ns, status.st_size) != self._stamp

    def _load(self) -> None:
        """Read the file; where that fails the keys known so far stay good."""
        try:
            status = Path(self._source).stat()
            content = Path(self._source).read_bytes()
            self._stamp = (status.st_mtime_ns, status.st_size)
            self._keys = _parse(json.loads(content))
        except _UNREADABLE as error:
            log.error("jwks_unreadable", source=self._source, error=repr(error))

    def _fetch(self, fetching: Future[None]) -> None:
        """Fetch the keys; where that fails the ones known so far stay good."""
        try:
            self._keys = _parse(json.loads(_get(self._source)))
        except _UNREADABLE as error:
            log.error("jwks_unreadable", source=self._source, error=repr(error))
        finally:
            with self._lock:
                self._fetching = None
            fetching.set_result(None)


def _get(url: str) -> bytes:
    """What the URL answers within FETCH_TIMEOUT. Follows no redirect: whoever sends us on decides who may sign."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=FETCH_TIMEOUT)
    connection.connect()
    # The connection's own limit is for each packet; an answer may take the socket over from it.
    cut = threading.Timer(FETCH_TIMEOUT, _cut, (connection.sock,))
    cut.start()
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        with connection.getresponse() as answer:
            if answer.status != http.client.OK:
                raise OSError(f"answered with status {answer.status}")
            content = answer.read(MAX_JWKS_BYTES + 1)
        if len(content) > MAX_JWKS_BYTES:
            raise ValueError(f"more than {MAX_JWKS_BYTES} bytes")
        return content
    finally:
        cut.cancel()
        connection.close()


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _parse(document: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    keys: dict[str, jwt.PyJWK] = {}
    for entry in document.get("keys", ()):
        if entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
            continue
        try:
            keys[entry.get("kid", "")] = jwt.PyJWK(entry)
        except jwt.PyJWTError as error:
            log.warning("jwk_ignored", kid=entry.get("kid"), error=str(error))
    return keys
