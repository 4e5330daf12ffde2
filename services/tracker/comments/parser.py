"""CommentParser: the network's scores as wants, and these as constraints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch

from services.common.constraints import Constraint
from services.tracker.comments.network import CommentBatch, CommentNetwork, CommentScores, batch_of
from services.tracker.comments.wants import COUNTED, FORMS, RELATIONS, TAGS, UNITS, Want, constraints, words_of
from services.tracker.learned import artifact
from services.tracker.learned.wordpieces import WordPieces

DEFAULT = Path(__file__).parents[2] / "models" / "weights" / "comments" / "comments.safetensors"
BRIDGED = 2
"""Most words that a phrase to begin or end with may miss in its middle."""
_HEADING = re.compile(r"\b([A-Z][a-z]+) (?:\d|[IX]\b|[Oo]ne\b|[Tt]wo\b)")  # "Part 1"
_SECOND = re.compile(r"\bP\.? ?P\.? ?S\b", re.I)
_FOREIGN = re.compile(r"[\u0370-\u1fff\u2e80-\uffdc]")
MOST_TEXT = 400
SURE = 0.5
"""Mean probability from which a span of words, or a form, counts."""


class CommentParser:
    """Reads comments by the trained network; safe to share between threads."""

    def __init__(self, network: CommentNetwork) -> None:
        self._network = network.eval().requires_grad_(False)
        self._pieces = WordPieces()

    @classmethod
    def load(cls, path: Path = DEFAULT) -> CommentParser:
        """Reads the committed weights, or those at `path`. Raises artifact.ArtifactError."""
        network = CommentNetwork()
        network.start()
        artifact.put(network, path)
        return cls(network)

    def parse(self, comment: str, draft_text: str) -> list[Constraint] | None:
        """What the comment asks of the draft; None of one that is longer than those it was trained on, or in a script
        that MiniLM's vocabulary lacks."""
        if len(comment) > MOST_TEXT or _FOREIGN.search(comment):
            return None
        return constraints(self.wants([comment])[0], draft_text)

    def wants(self, comments: Sequence[str]) -> list[list[Want]]:
        """What each comment wants, in the order of its words; forms last."""
        with torch.inference_mode():
            batch = batch_of(comments, self._pieces)
            scores = self._network(batch)
        return [_wants(text, batch, scores, row) for row, text in enumerate(comments)]


def _wants(text: str, batch: CommentBatch, scores: CommentScores, row: int) -> list[Want]:
    """What one comment wants; of several numbers of one unit the surest."""
    words = words_of(text)
    there = int(batch.mask[row].sum())
    shares = scores.tags[row, :there].softmax(-1)
    found: list[tuple[int, Want]] = []
    counts: dict[str, tuple[float, int, Want]] = {}
    spans = _spans(text, words.spans[:there], shares.argmax(-1).tolist())
    for tag, first, last in spans:
        share = float(shares[first:last, TAGS.index(tag)].mean())
        start, end = words.spans[first][0], words.spans[last - 1][1]
        if share < SURE or tag in COUNTED.values():
            continue
        if tag != "number":
            found.append((first, Want(tag, _phrase(text, words.quoted, start, end))))
            continue
        unit = UNITS[int(scores.units[row, first:last].mean(0).argmax())]
        relation = RELATIONS[int(scores.relations[row, first:last].mean(0).argmax())]
        of = [one for one in spans if one[0] == COUNTED.get(unit)]
        said = ""
        if of:
            _, left, right = min(of, key=lambda one: abs(one[1] - first))
            said = _phrase(text, words.quoted, words.spans[left][0], words.spans[right - 1][1])
        elif unit == "sections" and (heading := _HEADING.search(text)):
            said = heading[1]
        want = Want("count", said, unit, relation, text[start:end])
        if share > counts.get(f"{unit} {said}", (0.0, first, want))[0]:
            counts[f"{unit} {said}"] = (share, first, want)
    forms = scores.forms[row].sigmoid().tolist()
    marker = "P.P.S." if _SECOND.search(text) else ""
    return [
        *(want for _, want in sorted([*found, *(one[1:] for one in counts.values())], key=lambda one: one[0])),
        *(
            Want(form, marker if form == "postscript" else "")
            for form, share in zip(FORMS, forms, strict=True)
            if share >= SURE
        ),
    ]


def _spans(text: str, words: Sequence[tuple[int, int]], tags: Sequence[int]) -> list[tuple[str, int, int]]:
    """Runs of words with one tag, as (tag, first word, word behind). What must be in a reply is not run together over
    a comma; how it begins or ends is."""
    found: list[tuple[str, int, int]] = []
    for at, tag in enumerate(tags):
        if not tag:
            continue
        name = TAGS[tag]
        between = text[words[at - 1][1] : words[at][0]] if at else ""
        whole = name in ("start", "end")
        joins = "\n" not in between if whole else not between.strip() or between == "-"
        gap = at - found[-1][2] if found and found[-1][0] == name else -1
        if (gap == 0 and joins) or (whole and 0 < gap <= BRIDGED):
            found[-1] = (name, found[-1][1], at + 1)
        else:
            found.append((name, at, at + 1))
    return found


def _phrase(text: str, quoted: Sequence[tuple[int, int]], start: int, end: int) -> str:
    """The words of a span; the whole of what stands in quotation marks where the span is most of it."""
    for left, right in quoted:
        shared = min(right, end) - max(left, start)
        if shared > 0 and 2 * shared >= right - left and 2 * shared >= end - start:
            return text[left:right].strip()
    return text[start:end]
