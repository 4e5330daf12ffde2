"""A shop of another origin: a page with the widget's tag under a strict policy, and the tokens of its visitors."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.certificates import AUDIENCE, ISSUER, TokenIssuer

TENANT = "default"
PAGE = """<!doctype html>
<html lang="{lang}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>A shop</title>
    <link rel="stylesheet" href="/shop.css">
    <script src="/keys.js"></script>
  </head>
  <body>
    <main>
      <h1>Router and Sons</h1>
      <p>Plans, routers and <a href="#repair">repairs</a>, since 1987.</p>
      <label>Find a product <input></label>
    </main>
    <script src="{server}/widget.js" async {attributes}></script>
  </body>
</html>
"""
# A page that would spoil whatever its rules can reach, and whose own look a leaking rule would spoil.
STYLE = """
body { margin: 0; font: 18px/1.6 Georgia, serif; color: #1b1b19; background: #fdfaf3; }
main { max-width: 760px; margin: auto; padding: 24px; }
div, button, p, dialog, form { color: rgb(200, 0, 0) !important; letter-spacing: 9px !important; }
body > * { filter: none; }
main p { color: #1b1b19 !important; letter-spacing: normal !important; }
textarea { display: none !important; }
"""
SHORTCUTS = "document.addEventListener('keydown', (event) => (document.title = 'shortcut ' + event.key));"


class Shop:
    """Serves the page; ``attributes`` stand on the script tag and ``lifetime`` is how long a token is good."""

    def __init__(self) -> None:
        self._issuer = TokenIssuer()
        self.server = ""
        self.attributes = 'data-token-url="/token"'
        self.lang = "en"
        self.lifetime = 600.0
        self.visitor = "ada"
        self.refuses = False
        self.tokens_given = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def settings(self, folder: Path) -> dict[str, str]:
        """What a stack is told to let its pages and its visitors in; the public key is put into the folder."""
        return {
            "ANTIPHON_WEB_ORIGINS": self.origin,
            "ANTIPHON_JWT_JWKS": str(self._issuer.write(folder / "jwks.json")),
            "ANTIPHON_JWT_ISSUER": ISSUER,
            "ANTIPHON_JWT_AUDIENCE": AUDIENCE,
        }

    def token(self) -> str:
        """A token of the visitor, as the shop's own server mints it."""
        self.tokens_given += 1
        return self._issuer.token(TENANT, "end_user", sub=self.visitor, lifetime=self.lifetime)

    def close(self) -> None:
        """Serve no more."""
        self._http.shutdown()
        self._http.server_close()

    def _policy(self) -> str:
        return (
            f"default-src 'none'; script-src 'self' {self.server}; style-src 'self'; img-src 'self'; "
            f"connect-src 'self' {self.server}; base-uri 'none'; require-trusted-types-for 'script'"
        )

    def _answer(self, path: str) -> tuple[int, str, str]:
        if path == "/token":
            return (403, "text/plain", "no") if self.refuses else (200, "text/plain", self.token())
        if path == "/shop.css":
            return 200, "text/css", STYLE
        if path == "/keys.js":
            return 200, "text/javascript", SHORTCUTS
        if path == "/favicon.ico":
            return 204, "text/plain", ""
        page = PAGE.format(lang=self.lang, server=self.server, attributes=self.attributes)
        return 200, "text/html; charset=utf-8", page

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, text = shop._answer(self.path.partition("?")[0])
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", shop._policy())
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
