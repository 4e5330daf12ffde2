"""The parts of a draft's shape: phrases at its ends, wrapping, lists, titles, highlights and lengths."""

from __future__ import annotations

from collections.abc import Callable

from services.common import text_measures as measure
from services.common.sentences import sentence_ended
from services.generator.decoding.shape import Plain

_TITLE_WORDS = 10
_HIGHLIGHT_WORDS = 16
_SENTENCE_WORDS = 18  # room below which another sentence would not end in time


class Opening(Plain):
    """The draft begins with a phrase."""

    def __init__(self, phrase: str, follows: str = " ") -> None:
        self._phrase = phrase.strip()
        self._follows = follows if self._phrase[-1:].isalnum() else ""

    def opening(self) -> str:
        return self._phrase

    def instead(self, text: str, best: str) -> str:
        """A word does not run on from the phrase."""
        if self._follows and text.strip().endswith(self._phrase) and len(text.strip()) <= len(self._phrase) + 1:
            return self._follows if best[:1].isalnum() else ""
        return ""


class Closing(Plain):
    """The draft ends with a phrase."""

    def __init__(self, phrase: str) -> None:
        self._phrase = phrase.strip()

    def owed(self, text: str) -> str | None:
        plain = " ".join(text.split()).casefold()
        if plain.rstrip("\"'”*").endswith(" ".join(self._phrase.split()).casefold().rstrip("\"'”*")):
            return None
        return ("" if text.endswith((" ", "\n")) or not text else " ") + self._phrase


class QuoteOpened(Plain):
    """The draft begins with a quotation mark."""

    def opening(self) -> str:
        return '"'


class QuoteClosed(Plain):
    """The draft ends with a quotation mark."""

    def owed(self, text: str) -> str | None:
        text = text.rstrip()
        if len(text) < 3:
            return ""
        return None if text.endswith('"') else '"'


class Title(Plain):
    """The draft begins with a short title between angle brackets."""

    def opening(self) -> str:
        return "<<"

    def owed(self, text: str) -> str | None:
        if ">>" not in text:
            return ">>\n\n" if text.strip(" <") else ""
        return None if text.partition(">>")[2].strip() else ""

    def instead(self, text: str, best: str) -> str:
        if ">>" in text or not text.strip(" <"):
            return ""
        full = measure.count_words(text)[0] >= _TITLE_WORDS and not best[:1].isalnum()
        return ">>\n\n" if full or "\n" in best or ">" in best or sentence_ended(text) else ""

    def barred(self, text: str) -> str:
        return "" if ">>" in text else "<>\n"


class Items(Plain):
    """`low` to `high` items, each begun by its marker; `count` says how many items with words a text has.

    `between` stands before every marker but the first. An item may take its share of `limit` tokens before the
    next one must begin.
    """

    def __init__(
        self, marker: Callable[[int], str], count: Callable[[str], int], low: int, high: int | None, limit: int,
        between: str = "\n", barred: str = "",
    ) -> None:  # fmt: skip
        self._marker = marker
        self._barred = barred  # at an item's beginning: a second marker of another kind
        self._count = count
        self._low, self._high = low, high
        self._between = between
        self._room = max(40, 3 * limit // max(low, 1))  # characters

    def opening(self) -> str:
        return self._marker(1)

    def owed(self, text: str) -> str | None:
        if self._just_begun(text):
            return ""
        count = self._count(text)
        return self._next(text, count) if count < self._low else None

    def instead(self, text: str, best: str) -> str:
        count = self._count(text)
        if count >= self._low or self._just_begun(text) or not sentence_ended(text):
            return ""
        at = text.rfind(self._marker(count).strip())
        return self._next(text, count) if len(text) - at > self._room else ""

    def enough(self, text: str, best: str) -> bool:
        if self._high is None or self._just_begun(text) or self._count(text) < self._high:
            return False
        return self._between in text[-1:] + best

    def barred(self, text: str) -> str:
        return self._barred if self._just_begun(text) else ""

    def _just_begun(self, text: str) -> bool:
        line = text.rstrip().rsplit("\n", 1)[-1].strip().lower()
        return any(line == self._marker(n).strip().lower() for n in range(1, self._low + 1))

    def _next(self, text: str, count: int) -> str:
        kept = len(text) - len(text.rstrip("\n"))
        return self._between[min(kept, len(self._between)) :] + self._marker(count + 1)


class Highlights(Plain):
    """At least `low` sentences between asterisks, the first ones."""

    def __init__(self, low: int) -> None:
        self._low = low

    def opening(self) -> str:
        return "*"

    def owed(self, text: str) -> str | None:
        if self._open(text):
            return "*" if text.rsplit("*", 1)[1].strip() else ""
        return " *" if text.count("*") // 2 < self._low else None

    def instead(self, text: str, best: str) -> str:
        if self._open(text):
            inside = text.rsplit("*", 1)[1].strip()
            full = measure.count_words(inside)[0] >= _HIGHLIGHT_WORDS and not best[:1].isalnum()
            return "*" if inside and (full or sentence_ended(inside)) else ""
        if text.count("*") // 2 < self._low and (sentence_ended(text) or text.rstrip().endswith("*")):
            return "*" if text.endswith(("\n", " ")) else " *"
        return ""

    def barred(self, text: str) -> str:
        return "*\n" if self._open(text) else "*"

    @staticmethod
    def _open(text: str) -> bool:
        return text.count("*") % 2 == 1


class Capitals(Plain):
    """At least `low` words in capitals before the end."""

    def __init__(self, low: int) -> None:
        self._low = low

    def owed(self, text: str) -> str | None:
        return "" if sum(1 for word in measure.words(text) if word.isupper()) < self._low else None


class Postscript(Plain):
    """The draft ends with a postscript of the model's own."""

    def __init__(self, marker: str) -> None:
        self._marker = marker or "P.S."

    def owed(self, text: str) -> str | None:
        at = text.find(self._marker)
        if at < 0:
            return "\n\n" + self._marker
        return "" if measure.count_words(text[at + len(self._marker) :])[0] < 3 else None


class Divided(Plain):
    """`low` to `high` parts with a divider between them, a blank line for paragraphs."""

    def __init__(self, divider: str, low: int, high: int | None) -> None:
        self._divider = divider
        self._low, self._high = low, high

    def owed(self, text: str) -> str | None:
        if (text and not text.strip(f"\n {self._divider}")) or text.rstrip(" ").endswith(self._divider or "\n\n"):
            return ""
        if self._count(text) < self._low:
            return f"\n\n{self._divider}\n\n" if self._divider else "\n\n"
        return None

    def enough(self, text: str, best: str) -> bool:
        if self._high is None or self._count(text) < self._high:
            return False
        joined = text + best
        return (self._divider in joined[len(text) - len(self._divider) :]) if self._divider else (
            "\n\n" in joined[max(0, len(text) - 1) :]
        )  # fmt: skip

    def _count(self, text: str) -> int:
        return len(measure.paragraphs(text, self._divider))


class Length(Plain):
    """`low` to `high` words, sentences or characters; `reserved` of them are other parts' at the end."""

    def __init__(self, unit: str, low: int | None, high: int | None, reserved: int = 0) -> None:
        self._unit = unit
        self._low = max(0, (low or 0) - reserved)
        self._high = None if high is None else max(1, high - reserved)

    def owed(self, text: str) -> str | None:
        fewest, most = self._counts(text)
        if fewest < self._low:
            return ""
        if self._high is not None and most >= self._high and text[-1:].isalnum() and self._unit != "characters":
            return "."
        return None

    def enough(self, text: str, best: str) -> bool:
        if self._high is None:
            return False
        fewest, most = self._counts(text)
        if fewest < self._low:
            return False
        if self._unit == "sentences":
            return most >= self._high and sentence_ended(text)
        if sentence_ended(text) and most >= self._high - min(_SENTENCE_WORDS, max(self._high // 2, 4)):
            return True
        return self._counts(text + best)[1] > self._high

    def _counts(self, text: str) -> tuple[int, int]:
        if self._unit == "words":
            return measure.count_words(text)
        if self._unit == "characters":
            return measure.characters(text)
        count = len(measure.sentences(text))
        return count, count


class Mentions(Plain):
    """Phrases that occur before the draft ends."""

    def __init__(self, phrases: tuple[str, ...]) -> None:
        self._phrases = phrases

    def owed(self, text: str) -> str | None:
        for phrase in self._phrases:
            if not measure.count_phrase(phrase, text):
                return f" {phrase}" if text and not text[-1].isspace() else phrase
        return None
