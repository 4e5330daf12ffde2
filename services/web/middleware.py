"""What stands before every request: the body's size and time, headers that browsers obey, a count of the answers."""

from __future__ import annotations

import asyncio
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common import metrics
from services.web.errors import WebError, answer_error, error_response

# The console's pages run their own scripts and styles alone, and talk to this origin alone.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_SECURITY = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """Refuses bodies that are too large or too slow, names each request, counts answers, adds security headers."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, body_seconds: float, upload_paths: frozenset[str]) -> None:
        """``upload_paths`` take bodies of many messages, each of which is limited by itself."""
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._body_seconds = body_seconds
        self._upload_paths = upload_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = _readable(scope)
        request_id = uuid.uuid4().hex
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        body = _Body(receive, self._limit(scope), self._body_seconds)
        try:
            if body.refuses(Headers(scope=scope).get("content-length", "")):
                raise body.too_large()
            await self._app(scope, body, send_on)
        except WebError as error:
            if status == 0:
                await error_response(error)(scope, receive, send_on)
        except Exception as error:
            if status:
                raise
            answer = await answer_error(Request(scope), error)
            await answer(scope, receive, send_on)
        finally:
            metrics.HTTP_ANSWERS.labels(_area(scope["path"]), str(status or 499)).inc()

    def _limit(self, scope: Scope) -> int | None:
        return None if scope["path"] in self._upload_paths else self._max_body_bytes


class _Body:
    """Receives a request's body under its limits; raises WebError beyond them."""

    def __init__(self, receive: Receive, limit: int | None, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._bytes = 0
        self._whole = False
        self._until: float | None = None

    def refuses(self, length: str) -> bool:
        """Whether a body of this length, as its header says, is too large."""
        return self._limit is not None and length.isdecimal() and int(length[:20]) > self._limit

    def too_large(self) -> WebError:
        """What the client is told."""
        return WebError(f"the body has more than {self._limit} bytes", status=413, code="body_too_large")

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is the client's going away
            return await self._receive()
        if self._until is None or self._limit is None:  # an upload without a limit: each part by itself
            self._until = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise WebError("the body did not arrive in time", status=408, code="body_too_slow") from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._limit is not None and self._bytes > self._limit:
                raise self.too_large()
        return message


def _readable(scope: Scope) -> Scope:
    """The request with headers that are UTF-8, whatever bytes came: not all that reads them takes others."""
    headers = scope["headers"]
    if all(value.isascii() for _, value in headers):
        return scope
    return {**scope, "headers": [(name, value.decode("latin-1").encode()) for name, value in headers]}


def _area(path: str) -> str:
    """A path as metrics name it: few values, no ids."""
    first, _, rest = path.lstrip("/").partition("/")
    if first == "v1":
        return f"/v1/{rest.partition('/')[0]}" if rest.partition("/")[0] in _V1 else "/v1"
    if (first, rest) == ("mcp", ""):
        return "/mcp"
    return "contract" if first.startswith("antiphon.") else "other"


_V1 = frozenset({"chat", "models", "responses", "conversations"})
