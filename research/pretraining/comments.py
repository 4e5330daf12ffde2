"""Feedback by rules: comments on drafts, made from any text or dialogue, with the reply that follows from them."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from research.pretraining.triples import Triple, split_sentences

WORD = re.compile(r"[^\W_]+(?:[-'.:][^\W_]+)*")
COMMON = 0.02  # a word in a larger share of the texts than this is no content word


class ContentWords:
    """Which words of a text carry its content: those that few of the corpus' texts hold (Spärck Jones 1972)."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.counts: Counter[str] = Counter()
        self.texts = 0
        for text in texts:
            self.texts += 1
            self.counts.update({word.lower() for word in WORD.findall(text)})

    def of(self, text: str, besides: str = "", most: int = 4) -> list[str]:
        """At most `most` content words of `text` that `besides` lacks, in order of appearance."""
        known = {word.lower() for word in WORD.findall(besides)}
        words = dict.fromkeys(word for word in WORD.findall(text) if word.lower() not in known)
        rare = sorted((self.counts[word.lower()], place, word) for place, word in enumerate(words))
        limit = COMMON * self.texts
        kept = [(place, word) for count, place, word in rare if count <= limit and len(word) > 1][:most]
        return [word for _, word in sorted(kept)]


def commented_prose(texts: Sequence[str], count: int, seed: int, sentences: int = 2) -> list[Triple]:
    """`count` triples from prose: a sentence was left out of the draft, the comment names its content words.

    The question is the sentence before the stretch. Raises ValueError where no text is long enough.
    """
    chosen = random.Random(seed)
    split = [s for text in texts if len(s := split_sentences(text)) > sentences]
    if not split:
        raise ValueError(f"no text has more than {sentences} sentences")
    content = ContentWords(sentence for text in split for sentence in text)
    triples: list[Triple] = []
    for _ in range(20 * count):
        if len(triples) == count:
            break
        text = chosen.choice(split)
        at = chosen.randrange(len(text) - sentences)
        before, reply = text[at], text[at + 1 : at + 1 + sentences]
        hidden = chosen.randrange(len(reply))
        draft = " ".join(sentence for number, sentence in enumerate(reply) if number != hidden)
        if words := content.of(reply[hidden], besides=f"{before} {draft}"):
            triples.append(Triple(before, draft, f"Mention {', '.join(words)}", " ".join(reply), "prose"))
    return triples


def commented_dialogues(dialogues: Sequence[Sequence[str]], count: int, seed: int) -> list[Triple]:
    """`count` triples from dialogues (texts by turns, the user first): another answer was drafted for the turn.

    The draft is a reply from anywhere in the dialogues; the comment says what the true reply mentions and neither
    the user nor the draft did. Where the reply mentions nothing of its own, there is no triple. Raises ValueError
    without a single pair of turns.
    """
    chosen = random.Random(seed)
    turns = [(d[i], d[i + 1]) for d in dialogues for i in range(0, len(d) - 1, 2)]
    if not turns:
        raise ValueError("no dialogue has a turn and its reply")
    content = ContentWords(reply for _, reply in turns)
    triples: list[Triple] = []
    for _ in range(20 * count):
        if len(triples) == count:
            break
        (said, reply), (_, draft) = chosen.choice(turns), chosen.choice(turns)
        if words := content.of(reply, besides=f"{said} {draft}"):
            triples.append(Triple(said, draft, f"Mention {', '.join(words)}", reply, "dialogue"))
    return triples
