"""The training kind "adapter": low-rank pairs on the base model, learned from corrections and approvals with replay."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import structlog

from services.common.errors import FailedPrecondition
from services.common.store import Document
from services.finetune.domain import gate
from services.finetune.domain.sets import NothingToLearn, plan_set
from services.finetune.hold import Hold, Stopped
from services.finetune.made import Made
from services.finetune.rehearsal import rehearse
from services.finetune.training.judging import greedy_replies, mean_loss, says
from services.finetune.training.lora import LoraSettings, LoraTrainer, computes_in_bfloat16
from services.finetune.training.shrinking import shrink
from services.finetune.training.texts import MAX_ANSWER, Texts
from services.models.adapter import adapter_of
from services.models.version import VersionWeights, read_version

log = structlog.get_logger(__name__)


class AdapterTraining:
    """Learns the pairs anew from the base model; the fusion head of the version served at the start comes along."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._store = hold.store

    def learn(self) -> Made:
        """Gather, train, judge. Raises NothingToLearn, FailedPrecondition, Stopped."""
        hold, settings = self._hold, self._hold.settings
        texts = Texts(settings.model, settings.cache_dir, settings.system_text)
        made = self._gather(texts)
        new = texts.samples(self._store.examples.read(hold.tenant, made["new"]))
        replay = texts.samples(self._store.examples.read(hold.tenant, made["replay"]))
        watched = texts.samples(self._store.examples.read(hold.tenant, made.get("watched") or []))
        held_out = texts.samples(self._store.examples.read(hold.tenant, made["held_out"]))
        if not new:
            raise FailedPrecondition("everything to be learned was erased meanwhile", reason="NOTHING_TO_LEARN")
        base = texts.load()
        before = self._look(base, texts, new, held_out)
        known = mean_loss(base, watched, alive=hold.still)
        trainer = LoraTrainer(base, [*new, *replay], self._lora())
        self._train(trainer)
        hold.progress(status="evaluating")
        kept = shrink(trainer.model, watched, known, alive=hold.still)
        hold.check()
        log.info("update_kept", training=hold.id, share=kept)
        after = self._look(trainer.model, texts, new, held_out)
        measures = gate.judge(
            new_loss=(before["new_loss"], after["new_loss"]),
            old_loss=(before["old_loss"], after["old_loss"]),
            new_right=(before["new_right"], after["new_right"]),
            old_same=_share(a == b for a, b in zip(before["old_replies"], after["old_replies"], strict=True)),
            new_items=len(new),
            old_items=len(held_out),
        )
        served = hold.run.get("served", "")
        stored = self._store.versions.weights_of(hold.tenant, served)
        head = read_version(stored, texts.base_version).head if stored else None
        weights = VersionWeights(adapter_of(trainer.model, texts.base_version), head)
        return Made(weights, made["_id"], measures, texts.base_version, served if head is not None else "")

    def _gather(self, texts: Texts) -> Document:
        """The run's training set; chosen once, then read again by whoever resumes."""
        hold, examples = self._hold, self._store.examples
        if hold.run.get("training_set"):
            return self._store.trainings.get_set(hold.tenant, hold.run["training_set"])
        new = self._learnable(texts)
        rehearse(hold, texts)
        old = [*examples.trained(hold.tenant), *examples.rehearsals(hold.tenant, texts.base_version)]
        share = hold.run["settings"].get("replay_share", hold.settings.train_replay_share)
        plan = plan_set(new, old, replay_share=share, seed=self._lora().seed)
        parts = (plan.new, plan.replay, plan.watched, plan.held_out)
        made = self._store.trainings.put_set(hold.tenant, *map(list, parts))
        hold.progress(training_set=made["_id"], new_examples=len(plan.new), replay_examples=len(plan.replay))
        return made

    def _learnable(self, texts: Texts) -> list[Document]:
        """The new examples; those whose answer is too long to be learned whole are refused, and their feedback says
        so. Raises NothingToLearn."""
        hold, examples = self._hold, self._store.examples
        waiting = examples.untrained(hold.tenant)
        new = [one for one in waiting if texts.fits(one["answer"])]
        long = [one for one in waiting if one not in new]
        reason = f"the answer has more than {MAX_ANSWER} tokens: too long to be learned whole"
        if long:
            log.info("answers_too_long", training=hold.id, count=len(long))
            examples.refuse(hold.tenant, [one["_id"] for one in long], reason)
            self._store.feedback.refuse(hold.tenant, [one["feedback"] for one in long if one.get("feedback")], reason)
        if not new:
            raise NothingToLearn(reason if long else "no example came since the last training")
        return new

    def _train(self, trainer: LoraTrainer) -> None:
        hold = self._hold
        checkpoint = self._store.trainings.checkpoint(hold.tenant, hold.id)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        told = hold.steps(trainer.step, trainer.total_steps)
        saved = time.monotonic()

        def on_step(step: int, loss: float) -> bool:
            nonlocal saved
            told.tell(step, loss)
            if time.monotonic() - saved >= hold.settings.train_checkpoint_seconds:
                self._store.trainings.save_checkpoint(hold.tenant, hold.id, hold.holder, trainer.checkpoint())
                saved = time.monotonic()
            return hold.still()

        if not trainer.run(on_step):
            raise Stopped

    def _look(self, model: Any, texts: Texts, new: list[Any], held_out: list[Any]) -> dict[str, Any]:
        """What a model does with the set: losses, and greedy replies to the new and the held-out prompts."""
        alive, most_replies = self._hold.still, self._hold.settings.judged_replies
        asked = new[:most_replies]
        most = min(64, max((len(one.answer) for one in asked), default=0) + 4)
        prompts = [one.prompt for one in asked]
        replies = greedy_replies(model, prompts, texts.end_ids, tokens=most, batch_size=32, alive=alive)
        old = held_out[:most_replies]
        old_replies = greedy_replies(model, [one.prompt for one in old], texts.end_ids, tokens=24, alive=alive)
        found = {
            "new_loss": mean_loss(model, new, alive=alive),
            "old_loss": mean_loss(model, held_out, alive=alive),
            "new_right": _share(
                says(texts.decode(reply), texts.decode(one.answer)) for one, reply in zip(asked, replies, strict=False)
            ),
            "old_replies": old_replies,
        }
        self._hold.check()
        return found

    def _lora(self) -> LoraSettings:
        asked, settings = self._hold.run["settings"], self._hold.settings
        return LoraSettings(
            rank=asked.get("rank", settings.train_rank),
            alpha=2 * asked.get("rank", settings.train_rank),
            learning_rate=asked.get("learning_rate", settings.train_learning_rate),
            epochs=asked.get("epochs", settings.train_epochs),
            max_steps=asked.get("max_steps", 0),
            batch_size=asked.get("batch_size", settings.train_batch_size),
            seed=asked.get("seed", 0),
            bfloat16=computes_in_bfloat16(settings.train_precision),
        )


def _share(answers: Iterable[bool]) -> float:
    found = list(answers)
    return sum(found) / len(found) if found else 0.0
