"""Comments that no rule understands, read by their likeness to comments that the rules do.

Each example below says in other words what a plain comment says; a piece of a comment that comes close enough to one
of them is read as that plain comment. Pieces with a phrase in quotation marks (or "the word …") are likened with a
letter in the phrase's place, to examples that have one, and the phrase goes into the plain comment; so are pieces with
a number. Wishes that carry another value (a name) can't be read this way and are left as they are, and so is what comes
as close to an example that asks for nothing.

A reader who says it again of a draft that does all that was understood was not understood: `guesses` answers what a
comment could mean, the likeliest first, however unlike it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from services.common.constraints import Constraint
from services.common.number_words import NUMBER_WORDS
from services.tracker.domain.feedback.comments import parse_comment
from services.tracker.domain.feedback.phrases import number

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Unit vectors [n, dimensions] of n texts."""
Told = Callable[[str, str], list[Constraint] | None]
"""What a trained reader makes of a comment on a draft; None where it can't read it."""

LIKENESS = 0.45
"""The cosine from which a piece counts as meaning an example."""
UNLIKE = 0.2
"""The cosine below which a comment is not even guessed to mean an example."""
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
    "put the whole answer in quotation marks": (
        "quote the complete answer",
        "everything should stand in quotes",
        "set speech marks before and after the text",
        "I want it as a quotation from beginning to end",
    ),
    "no commas": ("I can't stand commas", "commas bother me", "drop all the commas", "the text is full of commas"),
    "add a postscript": ("put a remark after your closing line, as in letters", "I'd like a PS below the text"),
    "answer in JSON format": (
        "a program has to read this",
        "it has to be machine-readable",
        "I need an object to parse",
    ),
    "add a title in double angle brackets, <<title>>": ("there is no title between << and >> on top",),
    "": (
        "I don't like it",
        "put phrases between asterisks",
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

PHRASE, NUMBER = "X", "7"
WITH_NUMBER: dict[str, tuple[str, ...]] = {
    "at most {} words": (
        "7 words are plenty", "it has to fit into 7 words", "squeeze it into 7 words", "do not go beyond 7 words",
        "stay with 7 words", "make do with 7 words", "my limit is 7 words", "stop at 7 words",
    ),
    "at most {} sentences": (
        "7 sentences are plenty", "squeeze it into 7 sentences", "make do with 7 sentences", "7 sentences, then stop",
        "do not go beyond 7 sentences", "I will read 7 sentences and no more",
    ),
    "exactly {} bullet points": (
        "break it into 7 points with a star before each", "itemise it: 7 items", "7 points, each with a dash",
        "list 7 things, each with its own bullet", "turn it into 7 dotted lines",
    ),
    "highlight at least {} parts with *asterisks*": (
        "make 7 bits stand out", "7 spots should catch my eye", "put stars around 7 pieces", "mark up 7 key phrases",
        "set 7 pieces in italics with asterisks", "let 7 phrases be starred",
    ),
    "divide it into {} sections with the heading Section": (
        "structure it as 7 blocks with headings", "chop it up into 7 headed portions", "7 chapters, please",
        "it should fall into 7 numbered sections",
    ),
    "write at least {} words in all caps": (
        "shout 7 of the words", "let 7 words scream at me", "7 words should be in big letters",
        "put 7 of the words in large letters",
    ),
    "at least {} words": ("I want 7 words or more", "it must fill 7 words", "give me 7 words at the very least"),
    "": (
        "my order number is 7", "I waited for 7 days", "it costs 7 dollars", "7 of them are broken", "I asked 7 times",
        "the answer is 7", "that is not 7", "chapter 7 says so", "I am 7 years old", "call me at 7",
    ),
}  # fmt: skip
WITH_PHRASE: dict[str, tuple[str, ...]] = {
    'mention "{}"': (
        "it lacks X", "there is no X in this", "I miss X here", "X is missing", "where is X", "you forgot X",
        "I had hoped for X", "X should have come up", "bring X in somewhere", "your text ought to have X in it",
        "I want to see X in the answer", "say something about X",
    ),
    'avoid "{}"': (
        "I do not want X in the answer", "X has no place here", "get rid of X", "stop saying X", "spare me X",
        "never say X again", "I hate X", "X must disappear", "say it without X", "strike X from the text",
    ),
    'begin with "{}"': (
        "say X first, then answer", "at the beginning write X", "the first words should be X", "put X at the top",
        "lead with X", "X comes first", "your opening line is X",
    ),
    'end with "{}"': (
        "I want X as the last words", "stop after saying X", "X must come last", "your closing line is X",
        "put X at the very bottom", "sign off with X",
    ),
    "": (
        "what does X mean", "X is wrong", "you wrote X", "is X a person", "why do you say X", "I like X", "X is fine",
        "who is X", "my name is X", "I asked you about X",
    ),
}  # fmt: skip
_PHRASE = re.compile(
    r"[\"“”„«](?P<quoted>[^\"“”„«»]{1,200})[\"“”»]|\bthe (?:word|phrase|term|expression)s? (?P<word>[\w'’-]+)"
)

_NUMBER = re.compile(
    rf"\b(?:\d{{1,4}}|{'|'.join(one for one in NUMBER_WORDS if one not in ('a', 'an', 'one'))})\b", re.I
)


class Fallback:
    """Reads what the grammar does not: the comment by a trained reader (`told`, see `joining`), pieces that nothing
    understood by likeness. Encodes its examples once, on the first use."""

    def __init__(self, encode: Encode, told: Told | None = None) -> None:
        self._encode = encode
        self.told: Told = told or (lambda comment, draft_text: None)
        self._tables: dict[int, tuple[list[str], npt.NDArray[np.float32]]] = {}

    def read(self, pieces: Sequence[str], draft_text: str) -> tuple[list[Constraint], list[str]]:
        """Constraints of the pieces that mean something known, and the other pieces."""
        constraints: list[Constraint] = []
        others: list[str] = []
        for piece in pieces:
            likened, value, examples = _without_value(piece)
            meaning = self._meaning(likened, examples)
            made = parse_comment(meaning.replace("{}", value), draft_text).constraints if meaning else []
            constraints += [c for c in made if c not in constraints]
            if not made:
                others.append(piece)
        return constraints, others

    def guesses(self, comment: str, draft_text: str) -> Iterator[list[Constraint]]:
        """What the whole comment could mean, the likeliest first; nothing of a long one."""
        if len(comment.split()) > LONGEST:
            return
        likened, value, examples = _without_value(comment)
        ranked = sorted(self._likenesses(likened, examples).items(), key=lambda one: -one[1])
        for meaning, likeness in ranked:
            if likeness >= UNLIKE and (made := parse_comment(meaning.replace("{}", value), draft_text).constraints):
                yield made

    def _meaning(self, piece: str, examples: dict[str, tuple[str, ...]]) -> str:
        """The plain comment that the piece means, "" for none."""
        if len(piece.split()) > LONGEST:
            return ""
        best = self._likenesses(piece, examples)
        first, second = sorted(best, key=lambda meaning: -best[meaning])[:2]
        return first if best[first] >= LIKENESS and best[first] - best[second] >= MARGIN else ""

    def _likenesses(self, piece: str, examples: dict[str, tuple[str, ...]]) -> dict[str, float]:
        """How close the piece is to the closest example of each meaning."""
        if id(examples) not in self._tables:
            meanings = [plain for plain, alike in examples.items() for _ in alike]
            self._tables[id(examples)] = meanings, self._encode([e for alike in examples.values() for e in alike])
        meanings, vectors = self._tables[id(examples)]
        best: dict[str, float] = {}
        for meaning, likeness in zip(meanings, (self._encode([piece])[0] @ vectors.T).tolist(), strict=True):
            best[meaning] = max(best.get(meaning, -1.0), likeness)
        return best


def _without_value(piece: str) -> tuple[str, str, dict[str, tuple[str, ...]]]:
    """The piece with a sign in the place of its phrase or number, that value ("" for none), and the examples to liken
    it to."""
    if found := _PHRASE.search(piece):
        phrase = (found["quoted"] or found["word"]).strip()
        return f"{piece[: found.start()]}{PHRASE}{piece[found.end() :]}", phrase, WITH_PHRASE
    if found := _NUMBER.search(piece):
        count = number(found[0])
        return f"{piece[: found.start()]}{NUMBER}{piece[found.end() :]}", str(count or found[0]), WITH_NUMBER
    return piece, "", EXAMPLES
