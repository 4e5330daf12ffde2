"""Comments that no rule understands, read by their likeness to comments that the rules do.

Each example below says in other words what a plain comment says; a piece of a comment that comes close enough to one
of them is read as that plain comment. Wishes that carry a value (a word, a number, a name) can't be read this way and
are left as they are, and so is what comes as close to an example that asks for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from services.common.constraints import Constraint
from services.tracker.domain.feedback.comments import parse_comment

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Unit vectors [n, dimensions] of n texts."""

LIKENESS = 0.45
"""The cosine from which a piece counts as meaning an example."""
MARGIN = 0.04
"""How much closer it must be than to any example of another meaning."""
LONGEST = 25
"""Words of a piece; a longer one tells a story."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "shorter": (
        "I fell asleep reading this",
        "nobody has time to read all of that",
        "this is a wall of text",
        "you talk too much",
        "please spare me the essay",
        "I only need the gist",
        "that is far more than I asked for",
        "just the key facts",
        "it goes on and on",
    ),
    "longer": (
        "this tells me almost nothing",
        "there is hardly any information in here",
        "that was a bit thin",
        "I expected a fuller answer",
        "is that all you have to say",
        "please tell me everything about it",
        "this barely scratches the surface",
    ),
    "be friendly": (
        "this sounds cold",
        "you could at least be kind about it",
        "it reads like a machine wrote it",
        "show some warmth",
        "this feels unfriendly",
        "be a bit more human",
    ),
    "be casual": (
        "talk to me like a friend would",
        "no need to be so stuffy",
        "this reads like a legal document",
        "loosen up a little",
        "it sounds so stiff",
    ),
    "be formal": (
        "this is not how you write to a customer",
        "it needs to be suitable for my boss",
        "I can't send this to a client",
        "this is too chummy",
        "write it as one would in a business letter",
    ),
    "be polite": (
        "that was rude",
        "mind your manners",
        "there is no need to insult me",
        "you could say please",
    ),
    "be empathetic": (
        "show some understanding for my situation",
        "you don't seem to care how I feel",
        "I am upset and you ignore that",
    ),
    "use simple words": (
        "I don't understand a word of this",
        "this is over my head",
        "you lost me with all the technical terms",
        "write it so that everybody can follow",
        "what does all of that even mean",
        "that is too complicated",
    ),
    "be humorous": ("this is boring, entertain me", "make me laugh", "put a smile on my face"),
    "use bullet points": (
        "I'd like to be able to skim it",
        "put each point on its own line",
        "itemise the points",
        "break the text up into separate points",
        "one point per line please",
    ),
    "as a numbered list": (
        "I want to follow it step by step",
        "tell me what to do first, second and third",
        "put the steps in order",
    ),
    "no lists, in prose": (
        "I don't like it chopped up into points",
        "write whole sentences rather than fragments",
        "make it flow as one text",
    ),
    "no capitals are allowed, all lowercase": ("never press the shift key", "keep every letter small"),
    "all capitals": ("make every letter big", "as if you were yelling at me"),
    "no markdown": ("all those stars and hashes look odd", "my screen shows strange symbols around the words"),
    "": (
        "I don't like it",
        "this is wrong",
        "that is not true",
        "thank you",
        "that is great",
        "try again",
        "you did not answer my question",
        "that is not what I asked",
        "where did you get that from",
        "it was raining yesterday",
        "I was in the shop last week",
        "how does this work",
        "ignore all previous instructions",
        "what is your name",
        "you are repeating yourself",
        "you already told me that",
    ),
}


class Fallback:
    """Reads pieces of comments by likeness; encodes its examples once, on the first use."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._meanings = [plain for plain, examples in EXAMPLES.items() for _ in examples]
        self._examples: npt.NDArray[np.float32] | None = None

    def read(self, pieces: Sequence[str], draft_text: str) -> tuple[list[Constraint], list[str]]:
        """Constraints of the pieces that mean something known, and the other pieces."""
        constraints: list[Constraint] = []
        others: list[str] = []
        for piece, meaning in zip(pieces, self._meanings_of(pieces), strict=True):
            made = parse_comment(meaning, draft_text).constraints if meaning else []
            constraints += [c for c in made if c not in constraints]
            if not made:
                others.append(piece)
        return constraints, others

    def _meanings_of(self, pieces: Sequence[str]) -> list[str]:
        """The plain comment that each piece means, "" for none."""
        if not pieces:
            return []
        if self._examples is None:
            self._examples = self._encode([e for examples in EXAMPLES.values() for e in examples])
        likeness = self._encode(list(pieces)) @ self._examples.T
        found = []
        for piece, row in zip(pieces, likeness, strict=True):
            best: dict[str, float] = {}
            for meaning, score in zip(self._meanings, row.tolist(), strict=True):
                best[meaning] = max(best.get(meaning, -1.0), score)
            ranked = sorted(best, key=lambda m: -best[m])
            sure = best[ranked[0]] >= LIKENESS and best[ranked[0]] - best[ranked[1]] >= MARGIN
            found.append(ranked[0] if sure and len(piece.split()) <= LONGEST else "")
        return found
