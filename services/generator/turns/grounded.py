"""Holds a model's draft against its sources while it streams: a sentence leaves when it is borne out, or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from services.common.citations import support
from services.common.text_measures import sentence_ends
from services.generator.engine import DraftListener, FinishedDraft

_BORNE_OUT = 0.5  # of a sentence's words that a source must have
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_NAME = re.compile(r"(?<=[\w,;] )[A-ZÄÖÜ][\w'’-]+")
_LINK = re.compile(r"[\w.+-]+@[\w.-]+\w|(?:https?://|www\.)\S+\w")


@dataclass(frozen=True)
class Sources:
    """What a draft may rest on: quotations of the `evidence`, and what the user `said`. `instead` is the reply where
    nothing of the draft remains or where what remains leaves out the values of the evidence."""

    evidence: tuple[str, ...]
    said: str
    instead: str

    def bear_out(self, sentence: str) -> bool:
        """Whether a quotation says what the sentence says, and its values stand in the sources."""
        sources = "\n".join((*self.evidence, self.said))
        return values_stand_in(sentence, sources) and any(support(sentence, one) >= _BORNE_OUT for one in self.evidence)

    def missing(self, text: str) -> bool:
        """Whether the evidence has numbers and the text has none of them."""
        wanted = set(_NUMBER.findall(self.instead))
        return bool(wanted) and wanted.isdisjoint(_NUMBER.findall(text))


def values_stand_in(sentence: str, sources: str) -> bool:
    """Whether every number, link and name of the sentence stands in the sources; names are capitalised words that do
    not begin it."""
    numbers = set(_NUMBER.findall(sources))
    folded = sources.casefold()
    return (
        all(number in numbers for number in _NUMBER.findall(sentence))
        and all(link.casefold() in folded for link in _LINK.findall(sentence))
        and all(
            name.casefold() in folded for name in _NAME.findall(sentence) if name not in ("I", "I'm", "I'll", "I'd")
        )
    )


class GroundedListener:
    """Passes on of a draft what its sources bear out, sentence by sentence; on the engine's thread."""

    def __init__(self, listener: DraftListener, sources: Sources) -> None:
        self._listener = listener
        self._sources = sources
        self._waiting = ""
        self._passed: list[str] = []
        self._space = ""  # what stands before the next sentence that passes, if there is any
        self._seen: set[str] = set()
        self.cut = 0

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        """Keeps the text until its sentence is complete."""
        self._waiting += text
        *lines, rest = self._waiting.splitlines(keepends=True) or [""]
        if rest.endswith(("\n", "\r")):
            lines, rest = [*lines, rest], ""
        for line in lines:
            self._judge_line(line)
        ends = [end for end in sentence_ends(rest) if end < len(rest)]
        if ends:
            self._judge_line(rest[: ends[-1]])
            rest = rest[ends[-1] :]
        self._waiting = rest

    def on_progress(self) -> None:
        """The engine advanced."""
        self._listener.on_progress()

    def on_finish(self, draft: FinishedDraft) -> None:
        """Judges what is left and ends the draft with what was passed on; a cut-off last sentence goes."""
        if draft.finish_reason != "cancelled":
            whole = draft.finish_reason != "length"
            if whole:
                self._judge_line(self._waiting)
            if self._sources.missing("".join(self._passed)) or not self._passed:
                self._space = self._space or " "
                self._pass(self._sources.instead)
        text = "".join(self._passed)
        kept = draft.token_ids if text == draft.text else ()
        self._listener.on_finish(replace(draft, text=text, token_ids=kept))

    def on_error(self, error: Exception) -> None:
        """The draft failed."""
        self._listener.on_error(error)

    def _judge_line(self, line: str) -> None:
        begin, gone = 0, False
        for end in [*sentence_ends(line), len(line)]:
            sentence = line[begin:end]
            begin = end
            body = sentence.rstrip()
            plain = " ".join(body.split())
            if plain and plain not in self._seen and self._sources.bear_out(plain):  # a loop says the same again
                self._seen.add(plain)
                self._pass(body)
                gone = False
            elif plain:
                self.cut += 1
                gone = True
            if not (gone and "\n" in self._space):  # a line that is cut goes with its end
                self._space += sentence[len(body) :]

    def _pass(self, text: str) -> None:
        *lines, last = self._space.split("\n")
        space = f"{lines[0]}\n{last}" if len(lines) == 1 else "\n\n" + last if lines else last
        text = space + (text.lstrip(" ") if space.endswith(" ") else text) if self._passed else text.lstrip()
        self._space = ""
        self._passed.append(text)
        self._listener.on_delta(text, [])
