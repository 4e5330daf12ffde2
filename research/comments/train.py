"""Trains the comment reader: `python -m research.comments.train --data FILE… --test FILE --export FILE`.

FILEs hold comments with their wants (`wants.read_comments`). Every time a comment is drawn its phrases may be replaced
by other words, its quotation marks and numbers by others, its capitals dropped, and another comment put behind it:
what is to be learned is how people ask, not for what.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from services.models.arithmetic import computes_in_bf16
from services.models.int8_rows import save_int8
from services.models.minilm import wheel_path
from services.tracker.comments.network import CommentNetwork, CommentScores, batch_of
from services.tracker.comments.parser import CommentParser
from services.tracker.comments.wants import (
    COUNTED,
    FORMS,
    RELATIONS,
    TAGS,
    UNITS,
    Comment,
    Want,
    constraints,
    read_comments,
    words_of,
)
from services.tracker.domain.feedback.voice_words import LANGUAGES
from services.tracker.learned.wordpieces import WordPieces

_MARKS = (("“", "”"), ('"', '"'), ("'", "'"), ("‘", "’"))
_NUMBERS = (
    *"2 3 4 5 6 7 8 10 12 15 20 25 30 40 50 60 75 80 100 120 150 200 300".split(),
    *"two three four five six seven eight nine ten twelve fifteen twenty thirty forty fifty".split(),
)
_LANGUAGES = [name for name in LANGUAGES if name.isascii()]
SAME = 0.35
"""Share of draws in which a comment's phrases stay as they were written."""


def main() -> None:
    """Parses the command line, trains, exports, and says what is read right of the test file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate-encoder", type=float, default=2e-4)
    parser.add_argument("--rate-heads", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    comments = [comment for file in options.data for comment in read_comments(file)]
    about = {"comments": len(comments), "steps": options.steps, "seed": options.seed}
    network = train(comments, options)
    save_int8({name: weight.detach() for name, weight in network.learned()}, options.export, about)
    if options.test:
        print(json.dumps(right(CommentParser.load(options.export), list(read_comments(options.test)))))


def train(comments: Sequence[Comment], options: argparse.Namespace) -> CommentNetwork:
    """The network after `options.steps` steps; the rates rise and fall linearly."""
    torch.manual_seed(options.seed)
    dice, pieces = random.Random(options.seed), WordPieces()
    network = CommentNetwork(options.dropout)
    network.start()
    learned = network.learned()
    rates = {True: options.rate_encoder, False: options.rate_heads}
    optimiser = torch.optim.AdamW(
        [
            {"params": [weight for name, weight in learned if name.startswith("encoder.") == kind], "lr": rate}
            for kind, rate in rates.items()
        ],
        weight_decay=0.01,
    )
    others = _other_words()
    phrases = _other_phrases(comments, dice)
    queue: list[Comment] = []
    begun = time.monotonic()
    network.train()
    for step in range(options.steps):
        drawn: list[Comment] = []
        while len(drawn) < options.batch:
            if not queue:
                queue = dice.sample(comments, len(comments))
            one = vary(queue.pop(), others, phrases, dice)
            if queue and dice.random() < 0.15:
                one = behind(one, vary(queue.pop(), others, phrases, dice))
            drawn.append(one)
        for group, rate in zip(optimiser.param_groups, rates.values(), strict=True):
            group["lr"] = rate * min(1.0, (step + 1) / 50) * (1 - step / options.steps)
        with torch.autocast("cpu", torch.bfloat16, enabled=computes_in_bf16()):
            scores = network(batch_of([one.text for one in drawn], pieces))
        value = loss(scores, drawn)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([weight for _, weight in learned], 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if step % 100 == 99:
            print(f"step {step + 1}, {time.monotonic() - begun:.0f} s, loss {value.item():.3f}", flush=True)
    return network


def loss(scores: CommentScores, comments: Sequence[Comment]) -> Tensor:
    """Negative log-likelihood of tags, of the unit and relation of numbers, and of forms, each a mean."""
    aims = [_aims(comment, scores.tags.shape[1]) for comment in comments]
    tags = torch.tensor([tag for tag, _ in aims])
    weight = torch.ones(len(TAGS))
    weight[0] = 0.5
    value = functional.cross_entropy(scores.tags.flatten(0, 1), tags.flatten(), weight, ignore_index=-1)
    counted = [(row, *one) for row, (_, counts) in enumerate(aims) for one in counts]
    if counted:
        row, word, unit, relation = torch.tensor(counted).unbind(1)
        value = value + 0.5 * functional.cross_entropy(scores.units[row, word], unit)
        value = value + 0.5 * functional.cross_entropy(scores.relations[row, word], relation)
    forms = torch.tensor([[any(want.kind == form for want in one.wants) for form in FORMS] for one in comments])
    return value + 2.0 * functional.binary_cross_entropy_with_logits(scores.forms, forms.float())


def _aims(comment: Comment, count: int) -> tuple[list[int], list[tuple[int, int, int]]]:
    """The tag of every word (-1 where there is none), and (word, unit, relation) of the words of numbers."""
    words = words_of(comment.text)
    tags = [0] * len(words.spans) + [-1] * (count - len(words.spans))
    counts: list[tuple[int, int, int]] = []
    for want in comment.wants:
        if want.text:
            tag = COUNTED.get(want.unit, want.kind)
            for at in _where(comment.text, want.text):
                tags[at] = TAGS.index(tag)
        if want.number:
            for at in _where(comment.text, want.number):
                tags[at] = TAGS.index("number")
                counts.append((at, UNITS.index(want.unit), RELATIONS.index(want.relation)))
    return tags, counts


def _where(text: str, part: str) -> range:
    """The words of `part`: where it stands as whole words, in quotation marks if there are any."""
    words = words_of(text)
    places = [match.start() for match in re.finditer(re.escape(part), text)]

    def whole(at: int) -> bool:
        inside = words.within(at, at + len(part))
        return bool(inside) and words.spans[inside[0]][0] >= at and words.spans[inside[-1]][1] <= at + len(part)

    good = [at for at in places if whole(at)] or places
    quoted = [at for at in good if any(left <= at and at + len(part) <= right for left, right in words.quoted)]
    at = (quoted or good)[-1]
    return words.within(at, at + len(part))


def vary(comment: Comment, others: Sequence[str], phrases: Sequence[str], dice: random.Random) -> Comment:
    """The comment with other phrases, quotation marks, numbers or no capitals, by chance."""
    text, wants = comment.text, list(comment.wants)
    for at, want in enumerate(wants):
        if dice.random() < SAME:
            continue
        other = ""
        if want.kind in ("include", "exclude") or want.unit == "times":
            other = " ".join(dice.choice(others) for _ in range(1 if dice.random() < 0.85 else 2))
        elif want.kind in ("start", "end"):
            other = dice.choice(phrases)
        elif want.kind == "language":
            other = dice.choice(_LANGUAGES)
        if other:
            text, new = _put(text, want.text, other, dice)
            wants[at] = replace(want, text=new)
        if want.number and re.fullmatch(r"[\w]+", want.number) and want.number.lower() in _NUMBERS:
            text, new = _put(text, want.number, dice.choice(_NUMBERS), dice)
            wants[at] = replace(wants[at], number=new)
    if dice.random() < 0.3:
        opening, closing = dice.choice(_MARKS)
        text = re.sub(
            r"[\"“]([^\"“”]+)[\"”]|(?<!\w)['‘]([^'‘’]+)['’](?!\w)", lambda m: f"{opening}{m[1] or m[2]}{closing}", text
        )
    if dice.random() < 0.15:
        text = text.lower()
        wants = [replace(want, text=want.text.lower(), number=want.number.lower()) for want in wants]
    if dice.random() < 0.1:
        text = text.rstrip(".!")
    made = Comment(text, tuple(wants))
    return made if all(want.text in text and want.number in text for want in wants) else comment


def _put(text: str, old: str, new: str, dice: random.Random) -> tuple[str, str]:
    """Replaces `old` where it stands, in the old one's capitals; nothing where that is not a single place."""
    if len(re.findall(rf"(?<!\w){re.escape(old)}(?!\w)", text)) != 1:
        return text, old
    new = new.upper() if old.isupper() and len(old) > 1 else new[0].upper() + new[1:] if old[0].isupper() else new
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text), new


def behind(first: Comment, second: Comment) -> Comment:
    """Two comments as one; only the first where a want's words would then not be found again."""
    text = f"{first.text.rstrip()}{'' if first.text.rstrip().endswith(('.', '!', '?')) else '.'} {second.text}"
    taken = [part for want in first.wants for part in (want.text, want.number) if part]
    if any(part in second.text for part in taken) or any(
        part in first.text for want in second.wants for part in (want.text, want.number) if part
    ):
        return first
    return Comment(text, first.wants + second.wants)


def _other_words() -> list[str]:
    """English words of three letters and more: MiniLM's whole-word pieces, the commonest apart."""
    pieces = json.loads(wheel_path("tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return [piece for piece, index in pieces.items() if index > 2500 and re.fullmatch(r"[a-z]{3,12}", piece)]


def _other_phrases(comments: Sequence[Comment], dice: random.Random) -> list[str]:
    """Runs of two to seven words of the comments: something else to begin or end a reply with."""
    found = []
    for comment in comments:
        words = re.sub(r"[\"“”‘«»„]", "", comment.text).split()
        size = dice.randint(2, 7)
        at = dice.randrange(max(1, len(words) - size))
        found.append(" ".join(words[at : at + size]).rstrip(" ,;:-"))
    return [phrase for phrase in found if phrase]


def right(parser: CommentParser, comments: Sequence[Comment]) -> dict[str, float]:
    """Of the comments, in per cent: what they ask was read and nothing else; the same by kind of the first want."""
    found = parser.wants([one.text for one in comments])
    by_kind: dict[str, list[bool]] = {}
    for comment, wants in zip(comments, found, strict=True):
        same = _asked(wants) == _asked(comment.wants)
        kind = (comment.wants[0].unit or comment.wants[0].kind) if comment.wants else "nothing"
        for name in ("all", kind):
            by_kind.setdefault(name, []).append(same)
    return {kind: round(100 * sum(some) / len(some), 1) for kind, some in sorted(by_kind.items())}


def _asked(wants: Sequence[Want]) -> set[tuple[object, ...]]:
    """What the wants ask, whatever its capitals and the marks at its ends."""
    asked = constraints(wants, "")
    return {(one.kind, one.value.casefold().strip(" .,!?"), one.unit, one.min, one.max) for one in asked}


if __name__ == "__main__":
    main()
