"""Personal data kept out of logs and spans, whatever was said by mistake."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from services.common.privacy.masking import masked

_OURS = frozenset({"timestamp", "level", "service", "worker", "event", "trace_id", "span_id"})
"""Written by ourselves; what a person said is in none."""
_LONGEST = 4_000
"""Characters of a value that are looked at; what is longer is cut there."""
_WORD = re.compile(r"[!-?A-~]{1,200}")
_ID = re.compile(r"[a-z]{2,20}_[0-9a-z]{20,40}(?:_\d{1,10})?")
_FEWEST_DIGITS = 7


def told(value: Any) -> Any:
    """A value as it may be told: its strings with personal data masked, at most 4,000 characters each."""
    if isinstance(value, str):
        return value if _plain(value) else masked(value[:_LONGEST])
    if isinstance(value, Mapping):
        return {name: told(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(told(item) for item in value) if type(value) in (list, tuple) else value
    return value


def told_lines(text: str) -> str:
    """A text of many lines, such as a traceback, each told on its own."""
    return "\n".join(map(told, text.split("\n")))


def _plain(value: str) -> bool:
    """Whether a value is one of our ids or a word with too few digits to be anyone's number: most of what is logged."""
    if _WORD.fullmatch(value) is None:
        return not value
    return _ID.fullmatch(value) is not None or sum(map(str.isdigit, value)) < _FEWEST_DIGITS


def mask_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: masks what a line says beside its name; tracebacks too, where it stands after them."""
    for name, value in event.items():
        if name == "exception" and isinstance(value, str):
            event[name] = told_lines(value)
        elif name not in _OURS:
            event[name] = told(value)
    return event


class MaskedFormatter(logging.Formatter):
    """Lines of the standard library's loggers, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return told_lines(super().format(record))
