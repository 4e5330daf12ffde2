"""A version is promoted and rolled back, and a generator dies, while ten sessions talk: no turn is lost, doubled or
made by two versions."""

import time

from antiphon.v1 import model_pb2

from tests.support.learning import Loop, correction
from tests.support.talkers import Talkers, conversation
from tests.support.waiting import wait_until

QUESTIONS = ("What does item number 1 cost?", "And number 2?")
TALKERS = 10


def test_nothing_is_dropped_doubled_or_mixed(loop: Loop) -> None:
    loop.import_lines([correction(f"What does item number {i} cost?", f"It costs {i} euros.") for i in range(8)])
    training = loop.train(max_steps=30, learning_rate=0.02, batch_size=8)
    version = training.version_id
    assert version, training.error
    said = conversation(loop.client, QUESTIONS)
    base = said[0].version
    texts = {base: [one.text for one in said]}

    talkers = Talkers(loop.client, QUESTIONS, TALKERS)
    talkers.start()
    wait_until(lambda: talkers.heard(base, TALKERS), 60, "the base model talks")
    promoted = loop.promote(version)
    wait_until(lambda: loop.served(version, promoted.epoch), 30, "the version is served")
    wait_until(lambda: talkers.heard(version, TALKERS), 60, "the version talks")
    texts[version] = [one.text for one in conversation(loop.client, QUESTIONS)]
    assert texts[version] != texts[base]

    generator = loop.process("generator")
    generator.kill()
    before = talkers.by(version)
    wait_until(lambda: talkers.heard(version, before + TALKERS), 60, "the other one goes on")
    generator.start()
    generator.until_ready()
    wait_until(lambda: loop.served(version, promoted.epoch), 30, "it is back with the version")

    pointer = loop.client.models.RollbackVersion(model_pb2.RollbackVersionRequest()).pointer
    taken_back = time.monotonic()
    wait_until(lambda: loop.served(base, pointer.epoch), 60, "the rollback is served")
    before = talkers.by(base)
    wait_until(lambda: talkers.heard(base, before + TALKERS), 60, "the base model talks again")
    talkers.stop()
    assert talkers.faults(texts, then=base) == []
    assert all(one.version == base for one in talkers.said if one.asked_at > taken_back)
