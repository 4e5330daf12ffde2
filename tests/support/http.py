"""A caller over HTTP as a browser is one: JSON and envelopes by hand, as docs/http.md says."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import httpx2


class HttpError(AssertionError):
    """A call was refused; ``error`` is what the answer said."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        self.status = status
        self.error = error
        super().__init__(f"{status}: {error}")

    @property
    def reasons(self) -> list[str]:
        """The stable words of the details."""
        return [one["debug"]["reason"] for one in self.error.get("details", ()) if "reason" in one["debug"]]

    @property
    def fields(self) -> list[str]:
        """The fields at fault."""
        bad = [one["debug"].get("fieldViolations", ()) for one in self.error.get("details", ())]
        return [violation["field"] for violations in bad for violation in violations]


class Browser:
    """Calls the contract over HTTP with a key."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def call(self, method: str, **request: Any) -> Any:
        """One answer of ``Service/Method``. Raises HttpError."""
        answer = self.http.post(f"/antiphon.v1.{method}", json=request)
        if answer.status_code != 200:
            raise HttpError(answer.status_code, answer.json())
        return answer.json()

    def stream(self, method: str, **request: Any) -> Iterator[Any]:
        """The messages of a stream to its end. Raises HttpError for an end that is an error."""
        yield from self.exchange(method, [request])

    def exchange(self, method: str, requests: Iterable[Any]) -> Iterator[Any]:
        """As ``stream``, for a stream of requests too."""
        body = b"".join(envelope(json.dumps(request).encode()) for request in requests)
        headers = {"content-type": "application/connect+json"}
        with self.http.stream("POST", f"/antiphon.v1.{method}", content=body, headers=headers) as answer:
            if answer.status_code != 200:
                answer.read()
                raise HttpError(answer.status_code, answer.json())
            for flags, message in envelopes(answer.iter_bytes()):
                if not flags & 2:
                    yield json.loads(message)
                elif error := json.loads(message).get("error"):
                    raise HttpError(200, error)
                else:
                    return
        raise AssertionError("the stream broke off")

    def session(self, user: str = "ada", **fields: Any) -> str:
        """A new session's id."""
        return str(self.call("ConversationService/CreateSession", userId=user, **fields)["session"]["id"])

    def events(self, method: str, **request: Any) -> list[dict[str, Any]]:
        """All events of one of a turn's streams."""
        return [message["event"] for message in self.stream(f"ConversationService/{method}", **request)]

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def envelope(message: bytes, flags: int = 0) -> bytes:
    """A message as streams carry it."""
    return struct.pack(">BI", flags, len(message)) + message


def envelopes(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The flags and the message of each envelope in a body."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        while len(rest) >= 5 and len(rest) >= (end := 5 + int.from_bytes(rest[1:5], "big")):
            yield rest[0], rest[5:end]
            rest = rest[end:]
    assert not rest, "the body ends within an envelope"


def text_of(events: Iterable[dict[str, Any]]) -> str:
    """The text that a reader has at the end of a turn's events."""
    text = ""
    for event in events:
        if "restarted" in event:
            text = text[: event["position"].get("offset", 0)]
        if "delta" in event:
            text += event["delta"]["text"]
    return text
