"""Users who talk while versions change, and what must hold of everything they were told."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from antiphon.client import Client
from antiphon.v1 import common_pb2, conversation_pb2


@dataclass(frozen=True)
class Said:
    """A reply as a user got it: in which session, asked when, and made by what."""

    session: str
    asked_at: float
    text: str
    version: str


def conversation(client: Client, questions: Sequence[str], tokens: int = 12) -> list[Said]:
    """One session from its first question to its last, decoded greedily."""
    request = conversation_pb2.CreateSessionRequest(user_id="ada")
    session, said = client.conversations.CreateSession(request).session.id, []
    settings = common_pb2.DecodingSettings(max_tokens=tokens, temperature=0)
    for question in questions:
        asked_at = time.monotonic()
        draft = client.send(session, question, settings=settings).result()
        said.append(Said(session, asked_at, draft.text, draft.manifest.version_id))
    return said


class Talkers:
    """So many users, each beginning one short conversation after the other until they are told to stop."""

    def __init__(self, client: Client, questions: Sequence[str], count: int) -> None:
        self._client = client
        self._questions = list(questions)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._talk) for _ in range(count)]
        self.said: list[Said] = []
        self.errors: list[BaseException] = []

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def _talk(self) -> None:
        try:
            while not self._stop.is_set():
                self.said += conversation(self._client, self._questions)
        except BaseException as error:
            self.errors.append(error)

    def stop(self) -> None:
        """Let them end their conversations."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def by(self, version: str) -> int:
        """Replies that this version has made so far."""
        return sum(one.version == version for one in list(self.said))

    def heard(self, version: str, count: int) -> bool:
        """Whether so many replies of the version came, or something went wrong and waiting is in vain."""
        return self.by(version) >= count or bool(self.errors)

    def faults(self, texts: Mapping[str, Sequence[str]], then: str) -> list[str]:
        """What was dropped, doubled or made by two versions. ``texts`` are each version's replies to the questions;
        in the middle of a session a version may change to ``then`` alone, which it was rolled back to."""
        found = [f"a caller failed: {error!r}" for error in self.errors]
        sessions: dict[str, list[Said]] = defaultdict(list)
        for one in self.said:
            sessions[one.session].append(one)
        wanted = [(n, question, 1) for n, question in enumerate(self._questions, 1)]
        for session, said in sessions.items():
            turns = self._client.conversations.ListTurns(conversation_pb2.ListTurnsRequest(session_id=session)).turns
            if [(turn.number, turn.text, len(turn.drafts)) for turn in turns] != wanted:
                found.append(f"{session}: turns dropped or doubled")
            if [turn.drafts[-1].text for turn in turns] != [one.text for one in said]:
                found.append(f"{session}: told and stored replies differ")
            versions = [one.version for one in said]
            changes = [(a, b) for a, b in pairwise(versions) if a != b]
            if any(b != then for _, b in changes) or len(changes) > 1:
                found.append(f"{session}: {versions}")
            if not changes and [one.text for one in said] != list(texts[versions[0]]):
                found.append(f"{session}: not what version {versions[0]} says")
        return found
