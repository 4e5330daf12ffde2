"""What was said last about a prompt: which of its stored examples stands, and whether a training has learned it.

An example is one answer to one prompt. ``said`` is the moment of the last word for it, ``unsaid`` of the last word
against it, ``reviewed`` and ``overruled`` those of the last such words of a reviewer, ``trained`` or ``fused`` the
start of the last training that learned it. Only maxima are kept, so words may be stored in any order and more than
once.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Example = Mapping[str, Any]
GOOD_RATING = 4
"""A rating from which on a reply is approved of, of 1 to 5."""


def moment(at: datetime, record: str) -> str:
    """When a record was given, as text that sorts; records of one millisecond sort by their ids."""
    return f"{at.astimezone(UTC).isoformat(timespec='milliseconds')}|{record}"


def prompt_key(prompt: str) -> str:
    """What prompts that ask the same share: case, spaces and composed letters tell none apart."""
    return unicodedata.normalize("NFC", " ".join(prompt.split())).casefold()


def answer_key(answer: str) -> str:
    """What equal answers share. Case and line breaks are what corrections may be about, so they count."""
    return unicodedata.normalize("NFC", answer.strip())


def last_words(examples: Iterable[Example], mark: str) -> tuple[list[Example], list[Example]]:
    """(to be learned, learned): each prompt's last answer, unless a later word speaks against it.

    An answer is learned when it is the one that the last training of the prompt learned (``mark`` names the field) and
    nobody has spoken against it since. Answers before the last do not come back when that is spoken against. What a
    reviewer said last stands against whatever users say of it.
    """
    by_prompt: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_prompt[prompt_key(example["prompt"])].append(example)
    new: list[Example] = []
    learned: list[Example] = []
    for alternatives in by_prompt.values():
        last = max(alternatives, key=_reviewed)
        unsaid = _overruled(last)
        if not reviewers_word(last):
            last = max(alternatives, key=_said)
            unsaid = str(last.get("unsaid") or "")
            if _said(last) <= unsaid:
                continue
        trained = max(alternatives, key=lambda example: _marked(example, mark))
        known = trained is last and _marked(last, mark) > unsaid
        (learned if known else new).append(last)
    return sorted(new, key=_said), sorted(learned, key=_said)


def reviewers_word(example: Example) -> bool:
    """Whether a reviewer spoke for the answer and none has spoken against it since."""
    return _reviewed(example) > _overruled(example)


def _reviewed(example: Example) -> str:
    return str(example.get("reviewed") or "")


def _overruled(example: Example) -> str:
    return str(example.get("overruled") or "")


def _said(example: Example) -> str:
    """Empty for an answer that was only ever spoken against."""
    if example.get("kind") == "rejection":
        return ""
    return str(example.get("said") or moment(example["created_at"], str(example["_id"])))


def _marked(example: Example, mark: str) -> str:
    """Empty where no training has learned it; examples of older releases are marked by True."""
    at = example.get(mark)
    return moment(example["created_at"] if at is True else at, "~") if at else ""
