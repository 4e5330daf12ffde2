"""A version is promoted and rolled back, and a generator dies, while ten sessions talk: no turn is lost, doubled or
made by two versions."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from antiphon.v1 import conversation_pb2, model_pb2

from tests.support.learning import Loop, correction
from tests.support.waiting import wait_until

QUESTIONS = ("What does item number 1 cost?", "And number 2?")
TALKERS = 10


@dataclass(frozen=True)
class Said:
    """A reply as a user got it: in which session, to which of its questions, asked when, and made by what."""

    session: str
    index: int
    asked_at: float
    text: str
    version: str


class Talkers:
    """Users who begin one short conversation after the other until they are told to stop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._talk) for _ in range(TALKERS)]
        self.said: list[Said] = []
        self.errors: list[BaseException] = []

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _talk(self) -> None:
        try:
            while not self._stop.is_set():
                self.said += conversation(self._loop)
        except BaseException as error:
            self.errors.append(error)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def by(self, version: str) -> int:
        """Replies that this version has made so far."""
        return sum(one.version == version for one in list(self.said))


def conversation(loop: Loop) -> list[Said]:
    """One session from its first question to its last."""
    session, said = loop.session(), []
    for index, question in enumerate(QUESTIONS):
        asked_at = time.monotonic()
        draft = loop.ask(session, question)
        said.append(Said(session, index, asked_at, draft.text, draft.manifest.version_id))
    return said


def test_nothing_is_dropped_doubled_or_mixed(loop: Loop) -> None:
    loop.import_lines([correction(f"What does item number {i} cost?", f"It costs {i} euros.") for i in range(8)])
    training = loop.train(max_steps=30, learning_rate=0.02, batch_size=8)
    version = training.version_id
    assert version, training.error
    texts = {one.version: [] for one in conversation(loop)}
    (base,) = texts
    texts[base] = [one.text for one in conversation(loop)]

    talkers = Talkers(loop)
    talkers.start()
    wait_until(lambda: talkers.by(base) >= TALKERS or talkers.errors, 60, "the base model talks")
    promoted = loop.promote(version)
    wait_until(lambda: loop.served(version, promoted.epoch), 30, "the version is served")
    wait_until(lambda: talkers.by(version) >= TALKERS or talkers.errors, 60, "the version talks")
    texts[version] = [one.text for one in conversation(loop)]
    assert texts[version] != texts[base]

    generator = loop.process("generator")
    generator.kill()
    before = talkers.by(version)
    wait_until(lambda: talkers.by(version) >= before + TALKERS or talkers.errors, 60, "the other one goes on")
    generator.start()
    generator.until_ready()
    wait_until(lambda: loop.served(version, promoted.epoch), 30, "it is back with the version")

    asked = time.monotonic()
    pointer = loop.client.models.RollbackVersion(model_pb2.RollbackVersionRequest()).pointer
    taken_back = time.monotonic()
    wait_until(lambda: loop.served(base, pointer.epoch), 10, "the rollback is served")
    print(f"rollback: served by every generator after {time.monotonic() - asked:.3f} s")
    before = talkers.by(base)
    wait_until(lambda: talkers.by(base) >= before + TALKERS or talkers.errors, 60, "the base model talks again")
    talkers.stop()

    assert not talkers.errors
    assert all(one.version == base for one in talkers.said if one.asked_at > taken_back)
    sessions: dict[str, list[Said]] = defaultdict(list)
    for one in talkers.said:
        sessions[one.session].append(one)
    for session, said in sessions.items():
        turns = loop.client.conversations.ListTurns(conversation_pb2.ListTurnsRequest(session_id=session)).turns
        assert [(turn.number, turn.text, len(turn.drafts)) for turn in turns] == [
            (n, question, 1) for n, question in enumerate(QUESTIONS, 1)
        ]
        assert [turn.drafts[0].text for turn in turns] == [one.text for one in said]
        versions = [one.version for one in said]
        if len(set(versions)) > 1:  # withdrawn from a session in the middle of it
            assert versions == [version, base]
        else:
            assert [one.text for one in said] == texts[versions[0]]
