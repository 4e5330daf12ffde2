"""What a reply is held to be: words, or a JSON object by the caller's schema.

A turn keeps it in its settings as `{"kind": "json", "name", "description", "schema", "strict"}`, the schema as JSON
text; another kind, or none, is words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT, JSON = "text", "json"


def reply_format(turn: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The format that the turn's reply is held to; None where it is words."""
    chosen: Mapping[str, Any] = (turn.get("settings") or {}).get("reply_format") or {}
    return chosen if chosen.get("kind") == JSON else None


def format_text(chosen: Mapping[str, Any]) -> str:
    """What the system text says of a format."""
    about = str(chosen.get("description") or "").strip()
    called = f" It is called {chosen['name']}." if chosen.get("name") else ""
    purpose = f" It is for: {about}" if about else ""
    schema = str(chosen.get("schema") or "").strip()
    asked = f"\n\nThe JSON Schema of the object:\n{schema}" if schema else ""
    return f"# Format\n\nYou answer with one JSON object and with nothing else.{called}{purpose}{asked}"
