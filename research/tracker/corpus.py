"""Training material: turns grouped by the services they share, drawn in chunks of one length and one wording."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from research.tracker.dialogues import Example, examples, multiwoz_views, read, schema_views
from research.tracker.mentions import Names
from research.tracker.targets import Targets, aim, open_mentions, spoil, turn_of
from services.common.schema import parse_schema_document
from services.tracker.learned.catalog import ServiceView, mixed, views_of
from services.tracker.learned.inputs import Reader, Turn
from services.tracker.learned.network import Batch
from services.tracker.learned.proposals import Key, open_offers
from services.tracker.learned.wordpieces import Pieces

FOLD = ("Hotels_2", "Music_2", "Buses_2", "Services_3")  # services held out for model selection
QUIET = 0.3  # share of the turns without any change that is kept
WHOLE = 0.4  # share of MultiWOZ's chunks that are read with all its services open
AHEAD = 4  # steps whose groups are drawn at once
Group = tuple[str, ...]
Chunk = list[tuple[Example, tuple[ServiceView, ...]]]


@dataclass
class Corpus:
    """Training turns by group, and every schema wording they may be read under."""

    wordings: list[dict[str, ServiceView]]
    multiwoz: dict[str, ServiceView]
    groups: dict[Group, list[Example]]
    pieces: dict[str, Pieces]
    own: dict[Group, dict[str, ServiceView]] = field(default_factory=dict)  # schemas of corrected sessions
    unread: dict[str, list[Example]] = field(default_factory=dict)  # corrected sessions whose offers are not yet read

    def open(self, example: Example) -> None:
        """Reads the offers of a corrected session, which has no acts, when it is first drawn."""
        turns = self.unread.pop(example.dialogue, None)
        if turns:
            _with_offers(turns, self.own[example.services])

    def add_corrected(self, path: Path) -> None:
        """Adds dialogues that `research.tracker.corrections` wrote, each under its own schema."""
        for dialogue in read(path):
            views = {view.name: view for view in views_of(parse_schema_document(dialogue["schema"]))}
            key = tuple(views)
            if self.own.setdefault(key, views) != views:
                raise ValueError(f"{path}: {dialogue['id']}: another schema has the same services")
            turns = self.unread[dialogue["id"]] = examples(dialogue, views, "own")
            self.groups.setdefault(key, []).extend(turns)

    def mix(self, count: int, seed: int) -> None:
        """Adds `count` wordings of SGD's services put together from those that are there, element by element."""
        dice, known = random.Random(seed), list(self.wordings)
        self.wordings += [
            {name: mixed([table[name] for table in known], dice) for name in known[0]} for _ in range(count)
        ]

    def load_pieces(self, reader: Reader) -> None:
        """Reads every text of the corpus into WordPieces once."""
        every = {text for group in self.groups.values() for x in group for text in (x.system_text, x.user_text)}
        texts = sorted(every)
        for start in range(0, len(texts), 4096):
            some = texts[start : start + 4096]
            self.pieces.update(zip(some, reader.pieces.read(some), strict=True))


def read_json(path: Path) -> Any:
    """A JSON file, gzip'd or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def load_corpus(
    data: Path, held_out: Sequence[str], zero_shot: bool, sample: tuple[int, int] = (0, 0), seed: int = 0
) -> Corpus:
    """Reads SGD (and MultiWOZ unless `zero_shot`), leaving out dialogues that touch a held-out service.

    `sample` is how many dialogues of each are drawn by `seed`; 0 reads all.
    """
    views = schema_views(read_json(data / "sgd_train_schema.json"))
    variants = read_json(data / "sgdx_train_schemas.json.gz")
    wordings = [views, views] + [schema_views(variants[name]) for name in ("v1", "v2", "v3")]
    groups: dict[Group, list[Example]] = defaultdict(list)
    for dialogue in read(data / "sgd_train.jsonl.gz", sample[0], seed):
        if not set(dialogue["services"]) & set(held_out):
            for example in examples(dialogue, views, "sgd"):
                groups[example.services].append(example)
    multiwoz: dict[str, ServiceView] = {}
    if not zero_shot:
        dialogues = list(read(data / "mwz21_train.jsonl.gz", sample[1], seed))
        multiwoz = multiwoz_views(read_json(data / "mwz22_schema.json"), dialogues)
        names = Names(multiwoz, dialogues, least=max(2, len(dialogues) // 1000))
        for dialogue in dialogues:
            groups[tuple(multiwoz)].extend(examples(dialogue, multiwoz, "mwz", names))
    return Corpus(wordings, multiwoz, dict(groups), {})


def _with_offers(turns: list[Example], views: dict[str, ServiceView]) -> None:
    """Makes the turns' mentions those that a tracker in service has: the offers the rules leave open."""
    mentions: dict[Key, str] = {}
    for turn in turns:
        turn.mentions = mentions
        services = tuple(views[name] for name in turn.services)
        previous = {key: values[0] for key, values in turn.previous.items()}
        known = open_mentions(previous, mentions)
        mentions = open_offers(services, previous, known, turn.intents, turn.recent, turn.system_text, turn.user_text)


class Sampler:
    """Draws turns of about one length, so that little of a batch is padding, from groups of shared services."""

    def __init__(self, corpus: Corpus, seed: int, chunk: int, multiwoz_share: float, strangers: float = 0.0) -> None:
        self._corpus, self._chunk = corpus, chunk
        self._dice = random.Random(seed)
        self._multiwoz = tuple(corpus.multiwoz)
        self._share = multiwoz_share if self._multiwoz else 0.0
        self._keys = [key for key in corpus.groups if key != self._multiwoz]
        # Between "as often as it occurs" and "each group alike": rare services matter for unseen ones.
        self._weights = [len(corpus.groups[key]) ** 0.7 for key in self._keys]
        self._queues: dict[Group, list[Example]] = {}
        self._ready: dict[Group, list[list[Example]]] = {}
        self._waiting: list[list[Chunk]] = []
        self._strangers = strangers

    def draw(self, chunks: int) -> Chunk:
        """Examples of `chunks` groups, all of about one length, with the wordings they are read under.

        Groups of about as many schema elements come together: otherwise a third of the batch would be padding.
        """
        if not self._waiting:
            place = self._dice.random()
            drawn = sorted((self._chunk_at(place) for _ in range(AHEAD * chunks)), key=_elements)
            self._waiting = [drawn[start : start + chunks] for start in range(0, len(drawn), chunks)]
            self._dice.shuffle(self._waiting)
        return [example for chunk in self._waiting.pop() for example in chunk]

    def _chunk_at(self, place: float) -> Chunk:
        if self._dice.random() < self._share:
            whole = self._dice.random() < WHOLE
            return [(example, self._some(example, whole)) for example in self._next(self._multiwoz, place)]
        key = self._dice.choices(self._keys, self._weights)[0]
        own = self._corpus.own.get(key)
        table = own or self._dice.choice(self._corpus.wordings)
        services = [table[name] for name in key]
        if own is None and self._dice.random() < self._strangers:
            services.append(table[self._stranger(key)])
            self._dice.shuffle(services)
        return [(example, tuple(services)) for example in self._next(key, place)]

    def _stranger(self, key: Group) -> str:
        """A service of another domain than the group's, which its turns have nothing to say about."""
        domains = {name.rsplit("_", 1)[0] for name in key}
        return self._dice.choice([x for x in self._corpus.wordings[0] if x.rsplit("_", 1)[0] not in domains])

    def _some(self, example: Example, whole: bool) -> tuple[ServiceView, ...]:
        """MultiWOZ's services that the turn is about, and one more; or all five, which cost more."""
        if whole:
            return tuple(self._corpus.multiwoz.values())
        about = {key[0] for key in (*example.previous, *example.updates)} | set(example.frames)
        about.add(self._dice.choice(self._multiwoz))
        return tuple(self._corpus.multiwoz[name] for name in self._multiwoz if name in about)

    def _next(self, key: Group, place: float) -> list[Example]:
        """A chunk of a group's turns of about one length, `place` (0 to 1) among those at hand."""
        ready = self._ready.setdefault(key, [])
        if not ready:
            queue = self._queues.setdefault(key, [])
            some: list[Example] = []
            while len(some) < 8 * self._chunk:
                if not queue:
                    queue.extend(self._corpus.groups[key])
                    self._dice.shuffle(queue)
                    if len(some) >= self._chunk:
                        break
                example = queue.pop()
                if example.updates or self._dice.random() < QUIET:
                    some.append(example)
            some.sort(key=self._length)
            ready.extend(some[start : start + self._chunk] for start in range(0, len(some), self._chunk))
        return ready.pop(int(place * len(ready)))

    def _length(self, example: Example) -> int:
        pieces = self._corpus.pieces
        return len(pieces[example.system_text].ids) + len(pieces[example.user_text].ids)


def _elements(chunk: Chunk) -> int:
    """Elements of the largest schema that a turn of `chunk` is read under."""
    return max(sum(1 + len(view.intents) + len(view.slots) for view in services) for _, services in chunk)


def prepare(
    corpus: Corpus, reader: Reader, chunk: Chunk, rate: float, dice: random.Random, texts: bool = False
) -> tuple[Batch, Targets, list[ServiceView], int]:
    """Batch, targets, schema views and number of turns of a chunk, with spoilt previous states.

    `texts`: the batch brings its elements' WordPieces too.
    """
    turns: list[Turn] = []
    targets = Targets()
    views: dict[ServiceView, None] = {}
    for example, services in chunk:
        views.update(dict.fromkeys(services))
        corpus.open(example)
        previous, mentions = spoil(example, rate, dice)
        pieces = (corpus.pieces[example.system_text], corpus.pieces[example.user_text])
        turn = turn_of(example, pieces, services, previous, mentions)
        aim(targets, len(turns), example, turn)
        turns.append(turn)
    order = list(views)
    return reader.batch(turns, order, texts), targets, order, len(turns)
