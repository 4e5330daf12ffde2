"""The judge finds what a stack does wrong on purpose, and nothing where it does right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import Position

from services.verify.history import Asked, Cancelled, Corrected, Fault, History, Imported, Taught
from services.verify.judge import Stored, judge

AT = datetime(2026, 1, 1, tzinfo=UTC)
World = tuple[History, Stored]
Plant = Callable[[History, Stored], object]


def draft(name: str, text: str, history: list[str], **more: Any) -> dict[str, Any]:
    manifest = {"history_draft_ids": history, "facts": [{"id": "f", "revision": 2}]}
    return {"id": name, "round": 0, "status": "completed", "text": text, "manifest": manifest, **more}


def turn(n: int, drafts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "_id": f"t{n}", "session": "s", "n": n, "text": f"words {n}", "status": drafts[-1]["status"], "drafts": drafts,
        "request": {"id": f"r{n}"}, "deadline_at": AT + timedelta(minutes=1), "ended_at": AT,
    }  # fmt: skip
    return {**known, **more}


def told(n: int, text: str, **more: Any) -> Asked:
    """What a client heard of turn n, sent at n seconds and accepted a tenth later."""
    asked = Asked("send", "s", f"words {n}", f"r{n}", sent=float(n), **more)
    place = Position(round=0, attempt=1)
    asked.opened()
    asked.hear(pb.TurnEvent(turn_id=f"t{n}", position=place, accepted=pb.TurnAccepted(turn_number=n)))
    for end in range(4, len(text) + 4, 4):
        piece = text[end - 4 : end]
        at = Position(round=0, attempt=1, offset=end - 4 + len(piece))
        asked.hear(pb.TurnEvent(turn_id=f"t{n}", position=at, delta=pb.TurnDelta(text=piece)))
    done = pb.TurnCompleted(draft=pb.Draft(id=f"d{n}", text=text))
    asked.hear(pb.TurnEvent(turn_id=f"t{n}", position=place, completed=done))
    asked.accepted = n + 0.1
    return asked


@pytest.fixture
def world() -> World:
    """Three turns, the last of which was cancelled; a fact, a correction, an import of three lines."""
    texts = {n: f"words~abc.{n} {n}~abc.{n}" for n in (1, 2)}
    history = History(asked=[told(1, texts[1]), told(2, texts[2], fact=("f", 2))])
    history.add(Asked("send", "s", "words 3", "r3", sent=3.0, turn="t3", number=3, accepted=3.1, end="cancelled"))
    history.add(Cancelled("t3", "CANCELLED"))
    history.add(Taught("q1", "f", 2))
    history.add(Corrected("q2", "s", 1))
    history.add(Imported("i", 3, frozenset({2}), (2, 1)))
    stored = Stored(
        turns=[
            turn(1, [draft("d1", texts[1], [])]),
            turn(2, [draft("d2", texts[2], ["d1"])]),
            turn(3, [{"id": "d3", "round": 0, "status": "cancelled"}]),
        ],
        sessions=[{"_id": "s", "corrections": [{"revision": 1, "request": {"id": "q2"}}]}],
        facts=[{"fact": "f", "revision": 1}, {"fact": "f", "revision": 2}],
        feedback=[{"import": "i", "line": 1}, {"import": "i", "line": 3}, {"turn": "t1"}],
        refused_lines=[{"import": "i", "line": 2}],
    )
    return history, stored


def kinds(world: World) -> set[str]:
    return {finding.kind for finding in judge(*world)}


def test_a_stack_that_keeps_its_promises_has_no_findings(world: World) -> None:
    assert judge(*world) == []


def _swap_numbers(history: History, stored: Stored) -> None:
    for asked, one, n in zip(history.asked[:2], stored.turns[:2], (2, 1), strict=True):
        asked.number = one["n"] = n


def _mix_texts(history: History, stored: Stored) -> None:
    text = "words~abc.1 1~def.9"
    stored.turns[0]["drafts"][0]["text"] = history.asked[0].end_text = history.asked[0].text = text


def _silence(history: History, stored: Stored) -> None:
    history.asked[0].gave_up = "UNAVAILABLE for 90 s"


def _fail(history: History, stored: Stored) -> None:
    history.asked[0].end = stored.turns[0]["drafts"][0]["status"] = "failed"


def _manifest(**fields: Any) -> Plant:
    return lambda _history, stored: stored.turns[1]["drafts"][0]["manifest"].update(fields)


def _another(n: int, history: list[str], **more: Any) -> Plant:
    return lambda _history, stored: stored.turns.append(turn(n, [draft("d4", "x", history)], **more))


def _turn(n: int, **fields: Any) -> Plant:
    return lambda _history, stored: stored.turns[n - 1].update(fields)


def _import(refused: set[int], counts: tuple[int, int]) -> Plant:
    return lambda history, _stored: history.imported.__setitem__(0, Imported("i", 3, frozenset(refused), counts))


PLANTED: dict[str, tuple[str, Plant]] = {
    "an accepted turn is not there": ("lost", lambda _, stored: stored.turns.pop(1)),
    "a turn never ends": ("lost", _turn(2, open=True)),
    "nobody answers": ("lost", _silence),
    "a line of an import is gone": ("lost", lambda _, stored: stored.feedback.pop(0)),
    "a fact is gone": ("lost", lambda _, stored: stored.facts.pop(1)),
    "a correction is gone": ("lost", lambda _, stored: stored.sessions[0]["corrections"].clear()),
    "a reply knows nothing of the one before": ("lost", _manifest(history_draft_ids=[])),
    "one request makes two turns": ("duplicated", _another(4, ["d1", "d2"], request={"id": "r1"})),
    "two turns have one number": ("duplicated", _another(2, ["d1"], _id="t4", request={"id": "r9"})),
    "a line is stored and refused": (
        "duplicated",
        lambda _, stored: stored.refused_lines.append({"import": "i", "line": 1}),
    ),
    "a fact is stored twice": ("duplicated", lambda _, stored: stored.facts.append({"fact": "f", "revision": 2})),
    "a session has two heads": (
        "duplicated",
        lambda _, stored: [one.update(head=True) for one in stored.turns],
    ),
    "turns are numbered otherwise than they came": ("reordered", _swap_numbers),
    "a draft is of two attempts": ("mixed", _mix_texts),
    "another text is stored than was told": (
        "mixed",
        lambda _, stored: stored.turns[0]["drafts"][0].update(text="words~abc.1"),
    ),
    "a turn holds another message": ("mixed", _turn(1, text="other words")),
    "a reply knows one that was taken back": ("mixed", _turn(1, excluded=True)),
    "a taught fact is not found": ("stale", _manifest(facts=[])),
    "an older revision of a fact is found": ("stale", _manifest(facts=[{"id": "f", "revision": 1}])),
    "a cancelled turn completes": ("unexpected", _turn(3, status="completed")),
    "a turn fails": ("unexpected", _fail),
    "a turn ends long after its deadline": ("unexpected", _turn(1, ended_at=AT + timedelta(minutes=2))),
    "a turn of nobody is there": ("unexpected", _another(4, ["d1", "d2"])),
    "a rolled-back turn stays in its session": ("unexpected", _turn(3, cancel_reason="rolled_back")),
    "an edited turn stays in its session": ("unexpected", _turn(2, replaces="t1")),
    "GetImport counts otherwise": ("unexpected", _import({2}, (3, 0))),
    "a refused line is told as stored": ("unexpected", _import(set(), (2, 1))),
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_done_wrong_on_purpose_is_found(world: World, what: str) -> None:
    kind, plant = PLANTED[what]
    plant(*world)
    assert kind in kinds(world), what


@pytest.mark.parametrize(("offset", "kind"), [(9, "lost"), (3, "duplicated")])
def test_a_stream_that_skips_or_repeats_text_is_found(offset: int, kind: str) -> None:
    asked = Asked("send", "s", "words", "r")
    for end, text in ((4, "word"), (offset, "s")):
        place = Position(attempt=1, offset=end)
        asked.hear(pb.TurnEvent(turn_id="t", position=place, delta=pb.TurnDelta(text=text)))
    assert [finding.kind for finding in asked.findings] == [kind]


def test_recovery_is_the_longest_wait_of_those_under_way() -> None:
    first, second, late = (Asked("send", "s", "w", f"r{sent}", sent=sent) for sent in (1.0, 2.0, 6.0))
    first.heard, second.heard, late.heard = [1.5, 5.5], [2.5, 7.0], [9.0]
    history = History(asked=[first, second, late], faults=[Fault("kill", "generator0", 5.0, 6.0)])
    assert history.recoveries() == [("kill", 2.0)]
