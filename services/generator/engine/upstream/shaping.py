"""What of a draft's constraints a server enforces while it writes; the rest is checked when the draft is there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.common.constraints import Constraint
from services.generator.decoding.settings import DecodeSettings

Means = Literal["json", "grammar", "choice", "regex", "bad_words"]
"""How a server can be made to obey: a JSON reply, GBNF (llama.cpp), one of several texts, a regular expression and
forbidden words (vLLM)."""
_PLAIN = "*#|`•"
_BAD_WORDS = 32


@dataclass(frozen=True, slots=True)
class _Form:
    """A reply that begins with `opening` and goes on without the characters of `barred`, the body of a class of
    characters; or one of `texts`."""

    opening: str = ""
    barred: str = ""
    texts: tuple[str, ...] = ()


def shaping(settings: DecodeSettings, means: frozenset[Means]) -> dict[str, Any]:
    """Fields of the request that have the server keep constraints, by the `means` it has."""
    fields: dict[str, Any] = {}
    if "bad_words" in means and (words := [*settings.forbid, *settings.refuse][:_BAD_WORDS]):
        fields["bad_words"] = words
    if any(constraint.kind == "format" and constraint.value.startswith("json") for constraint in settings.constraints):
        return fields | ({"response_format": {"type": "json_object"}} if "json" in means else {})
    form = _form(settings.constraints)
    if form.texts and "choice" in means:
        fields["structured_outputs"] = {"choice": list(form.texts)}
    elif form != _Form() and "grammar" in means:
        fields["grammar"] = _gbnf(form)
    elif form != _Form() and "regex" in means:
        fields["structured_outputs"] = {"regex": _regex(form)}
    return fields


def _form(constraints: Sequence[Constraint]) -> _Form:
    opening, barred = "", ""
    texts: tuple[str, ...] = ()
    for constraint in constraints:
        match constraint.kind, constraint.value:
            case "case", "lower":
                barred += "A-Z"
            case "case", "upper":
                barred += "a-z"
            case "format", "plain":
                barred += "".join(map(_in_class, _PLAIN))
            case "format", value if value.startswith("one_of:"):
                texts = tuple(text.strip() for text in value.partition(":")[2].split("|") if text.strip())
            case "punctuation", mark if constraint.max == 0 and len(mark) == 1:
                barred += _in_class(mark)
            case "start", value if not constraint.unit:
                opening = value
    return _Form(texts=texts) if texts else _Form(opening, barred)


def _gbnf(form: _Form) -> str:
    """The form in llama.cpp's grammar (grammars/README.md there)."""
    if form.texts:
        return "root ::= " + " | ".join(json.dumps(text, ensure_ascii=False) for text in form.texts)
    opening = json.dumps(form.opening, ensure_ascii=False) + " " if form.opening else ""
    return rf"root ::= {opening}[^{form.barred or chr(92) + 'x00'}]*"


def _regex(form: _Form) -> str:
    if form.texts:
        return "|".join(map(re.escape, form.texts))
    return re.escape(form.opening) + (f"[^{form.barred}]*" if form.barred else r"[\s\S]*")


def _in_class(character: str) -> str:
    return "\\" + character if character in "\\]^-[" else character
