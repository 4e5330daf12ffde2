"""A server of chat completions that does what its script says: answers, stalls, cuts, refuses and lies."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ScriptedUpstream:
    """An honest server until `script` says otherwise, one word for each request of a stream, the last one staying:

    `answer`; `busy` (429); `broken` (500); `long` (400, too long for the context); `call`: of the first tool; `cut`
    after two chunks; `stall` after two, with pings; `quiet` after two, healthy; `hang` before the first, `/health` too;
    `slow` before the first, healthy; `nonsense` in the stream; `endless`; `unended`: the end is told, then nothing;
    `split`: code points and marks cut in two.
    """

    def __init__(self, *script: str, port: int = 0, knows: tuple[str, ...] = ("seed", "top_k", "grammar")) -> None:
        self.script = list(script) or ["answer"]
        self.knows = knows
        self.bodies: list[dict[str, Any]] = []
        self.closed_early = threading.Event()
        self.streaming = threading.Event()
        self.go_on = threading.Event()
        self._hung = False
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

            def do_GET(self) -> None:
                upstream.get(self)

            def do_POST(self) -> None:
                upstream.post(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Health, models and the properties of llama.cpp's server."""
        if self._hung:
            self.go_on.wait(30)
            return
        answers: dict[str, dict[str, Any]] = {
            "/health": {"status": "ok"},
            "/props": {"default_generation_settings": {"n_ctx": 2048}, "build_info": "b7-scripted"},
            "/v1/models": {"data": [{"id": "scripted"}]},
        }
        answer = answers.get(request.path)
        _respond(request, 200 if answer else 404, answer or {})

    def post(self, request: BaseHTTPRequestHandler) -> None:
        """A completion."""
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        if not body.get("stream") and "tools" in body and "tools" in self.knows:
            call = {"id": "c", "type": "function", "function": {"name": "note_down", "arguments": '{"number":4711}'}}
            _respond(request, 200, {"choices": [{"message": {"content": None, "tool_calls": [call]}}]})
            return
        if not body.get("stream") and "response_format" in body and "response_format" in self.knows:
            _respond(request, 200, {"choices": [{"message": {"content": '{"number": 4711}'}}]})
            return
        if not body.get("stream"):
            _respond(request, 200, {"choices": [{"message": {"content": self._short(body)}}]})
            return
        self.bodies.append(body)
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        refused = {"busy": 429, "broken": 500, "long": 400}.get(act)
        if refused is not None:
            _respond(request, refused, {"error": {"message": "the prompt exceeds the context"}})
            return
        if act in ("hang", "slow"):
            self._hung = act == "hang"
            self.go_on.wait(30)
            self._hung = False
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.end_headers()
        try:
            for chunk in self._stream(act, body):
                request.wfile.write(chunk)
                request.wfile.flush()
        except OSError:
            self.closed_early.set()

    def _short(self, body: dict[str, Any]) -> str:
        """What experiments hear: settings that the server does not know change nothing."""
        if "grammar" in body and "grammar" in self.knows:
            return "7 7 7"
        if body.get("temperature") and not ("top_k" in body and "top_k" in self.knows):
            return f"draw {body['seed']}" if "seed" in self.knows else f"draw {time.monotonic_ns()}"
        return "A library lends books."

    def _stream(self, act: str, body: dict[str, Any]) -> Iterator[bytes]:
        text = f"You said: {body['messages'][-1]['content']}"
        pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
        if act == "endless":
            while True:
                yield _event("on and ")
        if act == "call":
            function = {"name": body["tools"][0]["function"]["name"], "arguments": ""}
            yield _told({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]})
            for piece in ('{"city":', '"Os', 'lo"}'):
                yield _told({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            yield _told({}, "tool_calls")
            return
        if act == "split":
            yield b'data: {"choices":[{"delta":{"content":"caf\\u00e9 \\ud83d"}}]}\n\n'
            yield b'data: {"choices":[{"delta":{"content":"\\ude00 ST"}}]}\n\n'
            pieces = ["OP", " hidden"]
        for at, piece in enumerate(pieces):
            if at == 2:
                self.streaming.set()
                if act == "cut":
                    return
                if act == "nonsense":
                    yield b"data: {nonsense\n\n"
                if act == "quiet":
                    self.go_on.wait(30)
                if act == "stall":
                    while not self.go_on.wait(0.02):
                        yield b": a ping, which says nothing of the reply\n\n"
            yield _event(piece)
        yield _event("", "stop")
        if act == "unended":
            self.go_on.wait(30)
        usage = {"prompt_tokens": 9, "completion_tokens": len(pieces), "prompt_tokens_details": {"cached_tokens": 4}}
        yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n".encode()


def _told(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return f"data: {json.dumps({'choices': [{'delta': delta, 'finish_reason': reason}]})}\n\n".encode()


def _event(text: str, reason: str | None = None) -> bytes:
    choice = {"delta": {"content": text} if text else {}, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def _respond(request: BaseHTTPRequestHandler, status: int, answer: dict[str, Any]) -> None:
    raw = json.dumps(answer).encode()
    request.send_response(status)
    request.send_header("Content-Length", str(len(raw)))
    request.end_headers()
    request.wfile.write(raw)
