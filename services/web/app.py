"""The HTTP service put together: settings, gateways, routes, server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import structlog
import uvicorn
from antiphon.errors import CallError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route

from services.common.runtime import Runtime
from services.web import connect
from services.web.console import console
from services.web.errors import WebError, answer_error
from services.web.gateways import Gateways
from services.web.mcp.endpoint import McpEndpoint
from services.web.middleware import Guard
from services.web.openai.chat import ChatCompletions
from services.web.openai.conversations import Conversations
from services.web.openai.models import Models
from services.web.openai.response_feedback import ResponseFeedback
from services.web.openai.responses import Responses
from services.web.openapi.document import Description
from services.web.serving import Serving
from services.web.settings import WebSettings

log = structlog.get_logger(__name__)

UPLOADS = frozenset({"/antiphon.v1.KnowledgeService/IngestDocument"})
KEEP_ALIVE_SECONDS = 75
CORS_SECONDS = 86_400
# What a page's script may read of an answer.
EXPOSED = [
    "x-request-id", "x-antiphon-session", "x-antiphon-turn", "retry-after", "retry-after-ms", "x-should-retry",
    "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
]  # fmt: skip


def main() -> None:
    """Entry of `python -m services.web`; settings come from the environment."""
    settings = WebSettings()
    with Runtime(settings, "web") as runtime:
        asyncio.run(serve(settings, runtime))


def application(settings: WebSettings, gateways: Gateways, serving: Serving) -> Starlette:
    """All routes over the gateways."""

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> JSONResponse:
        up = not serving.draining and await gateways.serving()
        return JSONResponse({"status": "ready" if up else "not ready"}, 200 if up else 503)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await mcp.close()
        await gateways.close()

    mcp = McpEndpoint(gateways, settings.web_max_body_bytes)
    routes: list[BaseRoute] = [Route("/healthz", alive), Route("/readyz", ready)]
    routes += [Mount(service.path, service) for service in connect.contract(gateways, settings.web_max_body_bytes)]
    responses = Responses(gateways, serving)
    rooms = (
        Models(gateways),
        ChatCompletions(gateways, serving),
        responses,
        ResponseFeedback(gateways, responses),
        Conversations(gateways),
        Description(),
    )
    routes += [*mcp.routes(), *(route for room in rooms for route in room.routes())]
    if (pages := console()) is not None:
        routes.append(Mount("/", pages))
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers=dict.fromkeys((Exception, HTTPException, WebError, CallError), answer_error),
        middleware=[
            Middleware(
                Guard,
                max_body_bytes=settings.web_max_body_bytes,
                body_seconds=settings.web_body_seconds,
                upload_paths=UPLOADS,
            ),
            *_cors(settings),
        ],
    )


def _cors(settings: WebSettings) -> list[Middleware]:
    """Pages of other origins, where the settings name some. Keys come in a header: no cookie is ever taken."""
    if not settings.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
            max_age=CORS_SECONDS,
        )
    ]


class _Server(uvicorn.Server):
    """A server whose process's signals are the runtime's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: WebSettings, runtime: Runtime) -> None:
    """Take requests until the process is asked to end, then let the open ones finish."""
    state = Serving(settings.web_ping_seconds)
    app = application(settings, Gateways(settings), state)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            http="httptools",
            limit_concurrency=settings.web_connections,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.drain_seconds),
        )
    )
    with _listen(settings) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if not serving.done():
            log.info("listening", host=settings.web_host, port=listener.getsockname()[1])
            runtime.ready()
            await asyncio.get_running_loop().run_in_executor(None, runtime.wait)
        state.draining = True
        server.should_exit = True
        await serving


def _listen(settings: WebSettings) -> socket.socket:
    """The open port. Raises OSError where it is taken."""
    family = socket.AF_INET6 if ":" in settings.web_host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.web_host, settings.web_port))
    return listener
