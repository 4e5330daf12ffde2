"""CrossWOZ's dialogues as examples for the Chinese tracker: turns with what becomes of each slot, and variations."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from services.common.schema import Schema, Service, Slot, Value
from services.tracker.chinese.network import BEGIN, INSIDE, OPERATIONS
from services.tracker.chinese.reading import offered
from services.tracker.chinese.turns import Turn
from services.tracker.chinese.values import amounts_in, joined_parts, parts, plain, settled, stretched
from services.tracker.chinese.views import Key, SlotView, views_of
from services.tracker.domain.state import MAX_ENTITIES

LEARNED, CHOSEN = 300, 350
"""CrossWOZ's dialogues that are learned from; those after them up to the second number choose."""
KEEP, DROP, SAID, TAKEN, STRETCHED = range(len(OPERATIONS))
UNREAD = -100
"""The operation of a slot whose change nothing in the turn shows."""
OTHER_SERVICES = ("书店", "健身房", "旅行社", "影院", "诊所", "公寓", "租车行", "花店", "展馆", "商场")
OTHER_WORDS = {
    "人均消费": ("人均价格", "每人花费", "人均"),
    "推荐菜": ("招牌菜", "菜品", "特色菜"),
    "评分": ("打分", "口碑", "星级"),
    "门票": ("票价", "入场费"),
    "游玩时间": ("游玩时长", "参观时间"),
    "价格": ("房价", "费用", "最低价格"),
    "酒店类型": ("档次", "级别", "类型"),
    "酒店设施": ("设施", "服务项目", "配套"),
    "出发地": ("起点", "上车地点"),
    "目的地": ("终点", "去处"),
}


@dataclass
class Example:
    """A turn with its annotation: the state after it, and the values that reply and message name."""

    turn: Turn
    state: dict[Key, str]
    in_system: dict[Key, list[str]]
    in_user: dict[Key, list[str]]


def gold_state(turn: dict[str, Any]) -> dict[Key, str]:
    """The annotated state of a user turn by slot."""
    return {
        (service, slot): values[0]
        for service, content in (turn.get("state") or {}).items()
        for slot, values in content["slots"].items()
    }


def named_by(acts: Sequence[Sequence[str]], known: set[Key]) -> dict[Key, list[str]]:
    """The values that a turn's acts inform of, by slot."""
    found: dict[Key, list[str]] = {}
    for act, service, label, value in acts:
        if act not in ("Inform", "Recommend") or not value or value in ("无", "none"):
            continue
        if value == "是" and "-" in label:
            label, value = label.split("-", 1)
        key = (service, f"{service}-{label}")
        if key in known:
            found.setdefault(key, []).append(value)
    return found


def examples(dialogue: dict[str, Any], schema: Schema) -> list[Example]:
    """Every user turn of a dialogue, the true state before it."""
    views = views_of(schema)
    known = {view.key for view in views}
    names = {view.key for view in views if view.names or view.of}
    found: list[Example] = []
    state: dict[Key, str] = {}
    offers: list[tuple[Key, str]] = []
    system, in_system = "", dict[Key, list[str]]()
    for turn in dialogue["turns"]:
        acts = turn.get("acts") or ()
        if turn["speaker"].upper() != "USER":
            system, in_system = turn["text"], named_by(acts, known)
            continue
        after = {key: value for key, value in gold_state(turn).items() if key in known}
        recent = next(reversed([service for service, _ in state]), None)
        shown = Turn(views, system, turn["text"], dict(state), list(offers), recent, not system)
        in_user = named_by(acts, known)
        found.append(Example(shown, after, in_system, in_user))
        changed = [key for key, value in after.items() if state.get(key) != value]
        order = [key for key in after if key not in changed] + changed
        last = list(dict.fromkeys(service for service, _ in reversed(order)))[::-1]
        state = {key: after[key] for service in last for key in order if key[0] == service}
        for key in names & in_system.keys():
            offers += [(key, value) for value in reversed(in_system[key])]
        for key in names & in_user.keys():
            offers += [(key, value) for value in in_user[key]]
        offers = list(dict.fromkeys(reversed(offers)))[::-1][-MAX_ENTITIES:]
    return found


def places_of(text: str, value: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where `value` stands in text[start:end], spaces and signs between numbers apart; whole, else by its parts."""
    kept = [place for place in range(start, end) if plain_character(text[place])]
    squeezed = "".join(plain_character(text[place]) for place in kept)

    def find(words: str) -> list[tuple[int, int]]:
        wanted = "".join(plain_character(c) for c in words)
        at = squeezed.find(wanted) if wanted else -1
        return [(kept[at], kept[at + len(wanted) - 1] + 1)] if at >= 0 else []

    whole = find(value)
    if whole:
        return whole
    pieces = parts(value)
    if len(pieces) < 2 or not all(any(map(str.isalnum, piece)) for piece in pieces):
        for ending in ("分以上", "以上", "元", "分"):  # the annotation completes what is said
            if value.endswith(ending) and len(value) > len(ending) + 1:
                shorter = find(value[: -len(ending)])
                if shorter:
                    return shorter
        return []
    found = {span for piece in pieces for span in find(piece) or (s for p in joined_parts(piece) for s in find(p))}
    return sorted(found)


def said_otherwise(slot: Slot, text: str, value: str, start: int) -> list[tuple[int, int]]:
    """Where the message in text[start:] says the slot's value in another form, as `settled` reads it."""
    told = [(start + a, start + b) for a, b in amounts_in(text[start:])]
    return [(a, b) for a, b in told if plain(settled(slot, text[a:b])) == plain(value)][:1]


def plain_character(character: str) -> str:
    """A character for finding values: none for spaces, one sign for "to"."""
    if character.isspace():
        return ""
    return "-" if character in "到至~～—–－" else unicodedata.normalize("NFKC", character).lower()


def labelled(example: Example) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Operations [slots] and tags [slots, length] of an example."""
    turn = example.turn
    text, start = turn.text, turn.start
    operations = np.zeros(len(turn.views), np.int64)
    tags = np.zeros((len(turn.views), len(text)), np.int64)
    told = {key: " ".join(values) for key, values in example.in_user.items()}
    mentions = {view.key: example.in_system.get(view.key, []) for view in turn.views}
    for number, view in enumerate(turn.views):
        spans = [s for value in mentions[view.key] for s in places_of(text, value, 0, start - 1)]
        before, after = turn.previous.get(view.key), example.state.get(view.key)
        said = list(example.in_user.get(view.key, ()))
        changed = after is not None and (before is None or plain(before) != plain(after))
        own: list[tuple[int, int]] = []
        if changed and after is not None:
            own = places_of(text, after, start, len(text)) or said_otherwise(view.slot, text, after, start)
        own = own or [s for value in said for s in places_of(text, value, start, len(text))]
        own = own or [s for value in said for s in said_otherwise(view.slot, text, value, start)]
        for begin, end in [*spans, *own]:
            if not tags[number, begin:end].any():
                tags[number, begin:end] = INSIDE
                tags[number, begin] = BEGIN
        operations[number] = _operation(view, turn, before, after, own, mentions, told)
    return operations, tags


def _operation(
    view: SlotView,
    turn: Turn,
    before: str | None,
    after: str | None,
    own: Sequence[tuple[int, int]],
    mentions: dict[Key, list[str]],
    told: dict[Key, str],
) -> int:
    if after is None:
        return DROP if before is not None else KEEP
    if before is not None and plain(before) == plain(after):
        said = {plain(turn.text[slice(*span)]) for span in own}
        return SAID if said and all(piece in plain(after) for piece in said) else KEEP
    if own:
        return SAID
    if view.names or view.of:
        return TAKEN if plain(after) in map(plain, offered(view, turn, mentions, told)) else UNREAD
    moved = stretched(before, mentions[view.key]) if before is not None else None
    if moved is not None and plain(moved) == plain(after):
        return STRETCHED
    if plain(after) in map(plain, mentions[view.key]):
        return TAKEN
    return UNREAD


# -- variations -----------------------------------------------------------------------------------


class Varied:
    """Variations of an example: other values in the place of its own, other words for services and slots, and states
    before it as a tracker may have left them."""

    def __init__(self, all_examples: Sequence[Example], names: Sequence[str], seed: int) -> None:
        """`names` are more names of things, such as a knowledge base has them."""
        self._random = random.Random(seed)
        pools: dict[Key, set[str]] = {}
        for example in all_examples:
            for said in (example.in_user, example.in_system):
                for key, values in said.items():
                    pools.setdefault(key, set()).update(v for v in values if 1 < len(v) <= 24)
        for view in all_examples[0].turn.views:
            if view.names:
                pools.setdefault(view.key, set()).update(names)
        self._pools = {key: sorted(pool) for key, pool in pools.items()}

    def vary(self, example: Example, strength: float = 1.0) -> Example:
        """One variation, drawn anew at each call."""
        draw = self._random
        turn = example.turn
        swaps: dict[str, str] = {}
        for said in (example.in_user, example.in_system):
            for key, values in said.items():
                for value in values:
                    if len(value) > 1 and draw.random() < 0.45 * strength and self._pools.get(key):
                        swaps[value] = self._other(key)
        for view in turn.views if draw.random() < 0.25 * strength else ():
            label = view.words.split(" ", 1)[0]
            if label in OTHER_WORDS and draw.random() < 0.5:
                swaps[label] = draw.choice(OTHER_WORDS[label])
        if draw.random() < 0.2 * strength:
            service = draw.choice(turn.views).service_words
            swaps[service] = draw.choice(OTHER_SERVICES)
        varied = _swapped(example, swaps) if swaps else example
        return self._spoilt(varied, strength)

    def _other(self, key: Key) -> str:
        """Another value of the slot; where it has many, sometimes one put together of two."""
        draw, pool = self._random, self._pools[key]
        one = draw.choice(pool)
        if len(pool) < 40 or draw.random() < 0.5:
            return one
        other = draw.choice(pool)
        return one[: (len(one) + 1) // 2] + other[len(other) // 2 :]

    def _spoilt(self, example: Example, strength: float) -> Example:
        """The example after a state that lacks a slot or holds a wrong one."""
        draw, turn = self._random, example.turn
        if draw.random() > 0.35 * strength or not turn.previous:
            return example
        previous = dict(turn.previous)
        for key in list(previous):
            chance = draw.random()
            if chance < 0.15:
                del previous[key]
            elif chance < 0.25 and self._pools.get(key):
                previous[key] = draw.choice(self._pools[key])
        state = dict(example.state)
        for key in turn.previous:
            # What the turn does not touch stays as it was before it.
            if turn.previous.get(key) == example.state.get(key) and previous.get(key) != turn.previous.get(key):
                if key in previous:
                    state[key] = previous[key]
                else:
                    state.pop(key, None)
        recent = next(reversed([service for service, _ in previous]), None)
        spoilt = Turn(turn.views, turn.system, turn.user, previous, turn.offers, recent, turn.first)
        return replace(example, turn=spoilt, state=state)


def _swapped(example: Example, swaps: dict[str, str]) -> Example:
    """The example with words replaced wherever they stand, the longest first."""
    order = sorted(swaps, key=len, reverse=True)
    marks = {word: chr(0xE000 + number) for number, word in enumerate(order)}

    def swap(text: str) -> str:
        for word in order:
            text = text.replace(word, marks[word])
        for word in order:
            text = text.replace(marks[word], swaps[word])
        return text

    turn = example.turn
    views = tuple(
        replace(view, service_words=swap(view.service_words), words=swap(view.words), of=view.of) for view in turn.views
    )
    said = Turn(
        views,
        swap(turn.system),
        swap(turn.user),
        {key: swap(value) for key, value in turn.previous.items()},
        [(key, swap(value)) for key, value in turn.offers],
        turn.recent,
        turn.first,
    )
    return Example(
        said,
        {key: swap(value) for key, value in example.state.items()},
        {key: [swap(value) for value in values] for key, values in example.in_system.items()},
        {key: [swap(value) for value in values] for key, values in example.in_user.items()},
    )


def _with_aliases(usual: Sequence[str]) -> tuple[Value, ...]:
    """Values, the most frequent first; one that begins another before it and lacks a character is its other form."""
    found: dict[str, list[str]] = {}
    for value in usual:
        longer = next((one for one in found if one[:-1] == value), None)
        if longer is None:
            found[value] = []
        else:
            found[longer].append(value)
    return tuple(Value(value, tuple(aliases)) for value, aliases in found.items())


def schema_of(dialogues: Sequence[dict[str, Any]], listed_from: Sequence[dict[str, Any]], least: int = 3) -> Schema:
    """CrossWOZ's services and slots as the states of `dialogues` name them.

    Listed are the values that at least `least` dialogues of `listed_from` hold, for slots of which these are most;
    of slots that hold several things at once, these things.
    """
    slots: dict[str, dict[str, None]] = {}
    for dialogue in dialogues:
        for turn in dialogue["turns"]:
            for service, slot in gold_state(turn):
                slots.setdefault(service, {}).setdefault(slot)
    held: dict[Key, Counter[str]] = {}
    several: dict[Key, Counter[str]] = {}
    for dialogue in listed_from:
        ever = {item for turn in dialogue["turns"] for item in gold_state(turn).items()}
        for key, value in ever:
            held.setdefault(key, Counter())[value] += 1
            several.setdefault(key, Counter()).update(set(value.split()))
    listed: dict[Key, tuple[Value, ...]] = {}
    for key in held:
        for counts in (held[key], several[key]):
            usual = [value for value, count in counts.most_common() if count >= least and len(value) > 1]
            usual = [value for value in usual if value == value.strip()]
            if sum(counts[value] for value in usual) >= 0.5 * counts.total():
                listed[key] = _with_aliases(usual)
                break
    return Schema(
        tuple(
            Service(name, name, (), tuple(Slot(s, s.split("-", 1)[-1], listed.get((name, s), ())) for s in parts_of))
            for name, parts_of in slots.items()
        ),
        "crosswoz",
    )
