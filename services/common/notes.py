"""How found facts and passages are written for a model: numbered notes, by whose numbers a reply cites."""

from __future__ import annotations

from collections.abc import Iterable

NOTE_LIMIT = 1_500
"""Characters of one note that the model reads; the rest of a long passage is rarely what matched."""


def note_text(heading: str, text: str) -> str:
    """One note on one line: its text, after its heading unless that is empty or begins the text."""
    line = " ".join(text.split())[:NOTE_LIMIT]
    return f"{heading}: {line}" if heading and not line.startswith(heading) else line


def numbered(lines: Iterable[str]) -> str:
    """Notes with their numbers, one a line."""
    return "\n".join(f"[{number}] {line}" for number, line in enumerate(lines, 1))


def noted_text(notes: str) -> str:
    """Numbered notes with the sentence that asks to answer from them."""
    return f"Answer from these notes and cite them by number:\n{notes}"
