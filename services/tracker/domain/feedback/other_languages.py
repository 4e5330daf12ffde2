"""Which reader reads a comment: by its language, and none where no reader knows it."""

from __future__ import annotations

from functools import cache

from services.tracker.domain.feedback.chinese import read_chinese
from services.tracker.domain.feedback.comments import Parsed
from services.tracker.domain.feedback.european import EuropeanReader
from services.tracker.domain.feedback.french import FRENCH
from services.tracker.domain.feedback.german import GERMAN
from services.tracker.domain.feedback.spanish import SPANISH

_GRAMMARS = {grammar.code: grammar for grammar in (GERMAN, FRENCH, SPANISH)}


def read_foreign(language: str, comment: str, draft_text: str) -> Parsed:
    """What a comment in a language other than English asks for; all of it is unparsed where no reader knows it."""
    if language == "zh":
        return read_chinese(comment, draft_text)
    if language in _GRAMMARS:
        return _european(language).read(comment, draft_text)
    return Parsed(unparsed=[" ".join(comment.split())[:200]])


@cache
def _european(language: str) -> EuropeanReader:
    return EuropeanReader(_GRAMMARS[language])
