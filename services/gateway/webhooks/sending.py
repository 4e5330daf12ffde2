"""One try to send an event: signed by the Standard Webhooks specification, within a time, without redirects."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from services.common.clock import now
from services.common.store import Document
from services.gateway.webhooks.targets import ForbiddenAddress, Target, read_target, resolve

AGENT = "Antiphon-Webhooks/1"
GONE = "410"


def payload(delivery: Document) -> bytes:
    """The body; the same however often it is sent."""
    at: datetime = delivery["at"]
    data = {_camel(name): value for name, value in delivery["data"].items() if value not in ("", 0, False)}
    body = {
        "type": delivery["type"],
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def signature(secret: bytes, id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and HMAC-SHA256 over ``id.timestamp.body``."""
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def headers_of(secret: bytes, id: str, body: bytes) -> dict[str, str]:
    """What goes with a body that is sent now."""
    timestamp = int(now().timestamp())
    return {
        "content-type": "application/json",
        "user-agent": AGENT,
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, id, timestamp, body),
    }


class Sender:
    """Sends events to webhooks."""

    def __init__(self, seconds: float, *, private: bool) -> None:
        """``seconds`` that a try may take in all; ``private`` networks are allowed."""
        self._seconds = seconds
        self._private = private
        self._tls = ssl.create_default_context()

    def send(self, hook: Document, delivery: Document) -> str:
        """Send a delivery; empty where it was taken, else what it met (see ``Webhook.failing``)."""
        body = payload(delivery)
        try:
            target = read_target(hook["url"], private=self._private)
            return self._post(target, body, headers_of(bytes(hook["secret"]), delivery["_id"], body))
        except ForbiddenAddress:
            return "address"
        except TimeoutError:
            return "timeout"
        except ssl.SSLError:
            return "tls"
        except OSError:
            return "refused"
        except Exception:  # a server that speaks no HTTP, a setting that no longer allows the URL
            return "error"

    def _post(self, target: Target, body: bytes, headers: dict[str, str]) -> str:
        connection = _Pinned(target, resolve(target, private=self._private), self._seconds, self._tls)
        late = threading.Event()

        def cut() -> None:  # a server that answers a byte at a time keeps each wait short
            late.set()
            connection.cut()

        timer = threading.Timer(self._seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            connection.request("POST", target.path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise TimeoutError if late.is_set() else error from None
        finally:
            timer.cancel()
            connection.close()
        return "" if 200 <= status < 300 else str(status)


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was looked at, whatever the name stands for by now."""

    def __init__(self, target: Target, address: str, seconds: float, tls: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.default_port = 443 if target.secure else 80  # so that the Host header leaves it out
        self._address = address
        self._secure_context = tls if target.secure else None

    def connect(self) -> None:
        sock: Any = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure_context is not None:
            sock = self._secure_context.wrap_socket(sock, server_hostname=self.host)
        self.sock = sock

    def cut(self) -> None:
        """End what is being waited for, from another thread."""
        sock = self.sock
        if sock is not None:
            with suppress(OSError):  # closed already
                sock.shutdown(socket.SHUT_RDWR)
