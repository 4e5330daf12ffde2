"""Turns: messages that stall a worker, words of interrupted turns, and letters composed in two ways."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

from antiphon.v1 import conversation_pb2, state_pb2
from antiphon.v1.common_pb2 import DecodingSettings

from research.eval.cases.check import Check, Desk
from research.eval.cases.dialogues import DEFINITION, SCHEMA, SHORT, state_of
from services.common.constraints import Constraint, check

_DAY = re.compile(r"\bon (Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b")
_INTERRUPT = conversation_pb2.DOUBLE_TEXTING_POLICY_INTERRUPT
STREAMED = (20, 60, 120, 200, 300, 400)
_TRACKED_S, _OTHERS_S = 1.0, 2.0


def check_stalling(desk: Desk, file: Path) -> list[Check]:
    """The message is tracked within a second, another's turn is not delayed, and what it asks for is understood."""
    desk.client.states.PutSchema(state_pb2.PutSchemaRequest(name=SCHEMA, definition=DEFINITION.read_text()))
    alone = _turn_seconds(desk, "I need a technician's visit.")[0]
    message = file.read_text(encoding="utf-8").strip()
    other: list[float] = []

    def talk() -> None:
        time.sleep(0.1)
        other.append(_turn_seconds(desk, "I need a technician's visit.")[0])

    thread = threading.Thread(target=talk)
    thread.start()
    seconds, session = _turn_seconds(desk, message)
    thread.join()
    checks = [
        Check(
            f"{file.name}: tracked within a second", seconds < alone + _TRACKED_S, f"{seconds:.2f} s, alone {alone:.2f}"
        ),
        Check(f"{file.name}: another's turn is not delayed", other[0] < alone + _OTHERS_S, f"{other[0]:.2f} s"),
    ]
    if day := _DAY.search(message):
        state = state_of(desk, session)
        checks.append(Check(f"{file.name}: visit_day {day[1]}", state.get("visit_day") == day[1], str(state)))
    return checks


def _turn_seconds(desk: Desk, text: str) -> tuple[float, str]:
    """(seconds to the state or the first words, session) of a message in a session of its own."""
    created = conversation_pb2.CreateSessionRequest(user_id="case", schema_name=SCHEMA)
    session = str(desk.client.conversations.CreateSession(created).session.id)
    begun, tracked = time.monotonic(), 0.0
    with desk.client.send(session, text, settings=SHORT) as stream:
        for event in stream:
            if event.WhichOneof("event") in ("state", "delta", "completed") and not tracked:
                tracked = time.monotonic() - begun
    return tracked or time.monotonic() - begun, session


def check_interrupted(desk: Desk) -> list[Check]:
    """However much was streamed, the interrupted draft is in the next turn's history and the ends hold its text."""
    return [one for streamed in STREAMED for one in (*_interrupted(desk, streamed), _cancelled(desk, streamed))]


def _talk(desk: Desk) -> str:
    created = conversation_pb2.CreateSessionRequest(user_id="case", policy=_INTERRUPT)
    return str(desk.client.conversations.CreateSession(created).session.id)


def _streaming(desk: Desk, session: str, characters: int) -> tuple[Any, str, str]:
    """(the stream, its turn, the text so far) of a long story, after so many characters."""
    request = conversation_pb2.SendTurnRequest(
        session_id=session,
        text="Tell a long story about the sea and a lighthouse, with many details. My name is Zoltan.",
        settings=DecodingSettings(max_tokens=900),
    )
    stream = iter(desk.client.conversations.SendTurn(request))
    turn = text = ""
    for answer in stream:
        turn, text = answer.event.turn_id, text + answer.event.delta.text
        if len(text) > characters:
            break
    return stream, turn, text


def _interrupted(desk: Desk, characters: int) -> list[Check]:
    session = _talk(desk)
    stream, turn, text = _streaming(desk, session, characters)
    with desk.client.send(session, "What is my name?", settings=SHORT, without_knowledge=True) as second:
        draft = second.result()
    interrupted = desk.store.turns.get(desk.tenant, turn)["drafts"][0]["id"]
    ended = [answer.event for answer in stream][-1].cancelled.draft.text
    ids = list(draft.manifest.history_draft_ids)
    return [
        Check(f"history after {characters} characters", ids == [interrupted], str(ids)),
        Check(
            f"the end of the stream after {characters} characters", ended.startswith(text) and bool(ended), ended[:80]
        ),
    ]


def _cancelled(desk: Desk, characters: int) -> Check:
    stream, turn, text = _streaming(desk, _talk(desk), characters)
    answer = desk.client.conversations.CancelTurn(conversation_pb2.CancelTurnRequest(turn_id=turn))
    list(stream)
    told = answer.turn.drafts[-1].text if answer.turn.drafts else ""
    return Check(f"CancelTurn's answer after {characters} characters", told.startswith(text) and bool(told), told[:80])


def check_letters(file: Path) -> list[Check]:
    """Constraints given as code points, held against the draft: what is there is found, whatever its composition."""
    given = json.loads(file.read_text(encoding="utf-8"))
    checks = []
    for name, value in given.items():
        if name.startswith("must_include"):
            met = check(Constraint("must_include", value), given["draft"])
            checks.append(Check(f"{name} {value}", met, "not met"))
        elif name.startswith("must_not_include"):
            met = check(Constraint("must_not_include", value), given["draft"])
            checks.append(Check(f"{name} {value}", not met, "met"))
        elif bound := re.fullmatch(r"(words|characters|sentences)_(max|min)_(\d+)", name):
            limit: dict[str, Any] = {bound[2]: int(bound[3])}
            checks.append(Check(name, check(Constraint("length", "", bound[1], **limit), value), "not met"))
    return checks
