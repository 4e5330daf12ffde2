"""The console's files, where the package has them: pages at "/", the widget's script, cached as their names allow."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).with_name("console")
# The build puts a hash into these names: what they hold never changes.
HASHED = "assets/"
# One script for the pages of others, at a path that stays: a new version is there within minutes.
WIDGET = "widget.js"
_FOR_ALL = {
    "cache-control": "public, max-age=300",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}
_VIEW = re.compile(r"(?!v\d+(?:/|$))[\w/-]*")
"""A path of the console's own; one of an API's, such as /v1/respones, is no view, and files have a dot."""


class Console(StaticFiles):
    """Files of a single-page application: a path that is no file is one of its views."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or not _VIEW.fullmatch(path) or scope["method"] not in ("GET", "HEAD"):
                raise
            response = await super().get_response("index.html", scope)
        if path == WIDGET:
            response.headers.update(_FOR_ALL)
            return response
        hashed = path.startswith(HASHED)
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response


def console(folder: Path = FOLDER) -> Console | None:
    """The console; None where none was built."""
    return Console(directory=folder, html=True) if (folder / "index.html").is_file() else None
