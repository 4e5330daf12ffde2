"""A training run from the lease to the stored version; its worker may die at any point and another goes on.

Every stage leaves what the next one needs: the set is an immutable document, training stores checkpoints, the
version's id is its content. What was not stored is done again; a version exists exactly when its document does.
"""

from __future__ import annotations

import threading
import time
from io import BytesIO
from typing import Any

import structlog
import torch

from services.common.errors import AntiphonError, FailedPrecondition
from services.common.store import DATABASE_AWAY, Document, Store
from services.finetune.domain import gate
from services.finetune.domain.sets import NothingToLearn, plan_set
from services.finetune.rehearsal import rehearsal_prompts
from services.finetune.settings import FinetuneSettings
from services.finetune.training.judging import greedy_replies, mean_loss, says
from services.finetune.training.lora import LoraSettings, LoraTrainer, computes_in_bfloat16
from services.finetune.training.shrinking import shrink
from services.finetune.training.texts import Texts
from services.models.adapter import version_id, write_adapter

log = structlog.get_logger(__name__)
REHEARSED_TOKENS = 48


class Stopped(Exception):
    """The run was cancelled, or another worker holds it."""


class TrainingRun:
    """One worker's hold on one run."""

    def __init__(self, settings: FinetuneSettings, store: Store, run: Document) -> None:
        self._settings = settings
        self._store = store
        self._run = run
        self._tenant: str = run["tenant"]
        self._id: str = run["_id"]
        self._holder: str = run["holder"]
        self._alive = True
        self._ended = threading.Event()

    def work(self) -> None:
        """Do what is left of the run and end it. An error ends it as failed; a lost lease or database leaves it."""
        heartbeat = threading.Thread(target=self._beat, name="training-heartbeat", daemon=True)
        heartbeat.start()
        try:
            self._work()
        except Stopped:
            log.info("training_stopped", training=self._id)
        except DATABASE_AWAY as error:
            log.warning("training_left", training=self._id, error=repr(error))  # its lease ends; somebody goes on
        except (NothingToLearn, AntiphonError) as error:
            self._fail(str(error))
        except Exception as error:
            log.exception("training_failed", training=self._id)
            self._fail(f"{type(error).__name__}: {error}")
        finally:
            self._ended.set()
            heartbeat.join(5)

    def _work(self) -> None:
        if self._settings.train_threads:
            torch.set_num_threads(self._settings.train_threads)
        stored = self._store.versions.of_training(self._tenant, self._id)
        if stored is not None:  # whoever held the run before died after the upload
            self._progress(status="uploading")
            self._finish(stored)
            return
        self._progress(status="gathering")
        texts = Texts(self._settings.model, self._settings.cache_dir, self._settings.system_text)
        made = self._gather(texts)
        new = texts.samples(self._store.examples.read(self._tenant, made["new"]))
        replay = texts.samples(self._store.examples.read(self._tenant, made["replay"]))
        watched = texts.samples(self._store.examples.read(self._tenant, made.get("watched") or []))
        held_out = texts.samples(self._store.examples.read(self._tenant, made["held_out"]))
        if not new:
            raise FailedPrecondition("everything to be learned was erased meanwhile", reason="NOTHING_TO_LEARN")
        base = texts.load()
        before = self._look(base, texts, new, held_out)
        known = mean_loss(base, watched, alive=self._still)
        trainer = LoraTrainer(base, [*new, *replay], self._lora())
        self._train(trainer)
        self._progress(status="evaluating")
        kept = shrink(trainer.model, watched, known, alive=self._still)
        self._check()
        log.info("update_kept", training=self._id, share=kept)
        after = self._look(trainer.model, texts, new, held_out)
        measures = gate.judge(
            new_loss=(before["new_loss"], after["new_loss"]),
            old_loss=(before["old_loss"], after["old_loss"]),
            new_right=(before["new_right"], after["new_right"]),
            old_same=_share(a == b for a, b in zip(before["old_replies"], after["old_replies"], strict=True)),
            new_items=len(new),
            old_items=len(held_out),
        )
        self._progress(status="uploading")
        weights = write_adapter(trainer.model, texts.base_version)
        self._store_version(weights, made, measures, texts)

    # -- stages ---------------------------------------------------------------------------------

    def _gather(self, texts: Texts) -> Document:
        """The run's training set; chosen once, then read again by whoever resumes."""
        if self._run.get("training_set"):
            return self._store.trainings.get_set(self._tenant, self._run["training_set"])
        examples = self._store.examples
        new = examples.untrained(self._tenant)
        if not new:
            raise NothingToLearn("no example came since the last training")
        self._rehearse(texts)
        old = [*examples.trained(self._tenant), *examples.rehearsals(self._tenant, texts.base_version)]
        share = self._run["settings"].get("replay_share", self._settings.train_replay_share)
        plan = plan_set(new, old, replay_share=share, seed=self._lora().seed)
        parts = (plan.new, plan.replay, plan.watched, plan.held_out)
        made = self._store.trainings.put_set(self._tenant, *map(list, parts))
        self._progress(training_set=made["_id"], new_examples=len(plan.new), replay_examples=len(plan.replay))
        return made

    def _rehearse(self, texts: Texts) -> None:
        """Let the base model answer general questions, once per tenant and base model."""
        prompts = rehearsal_prompts(self._settings.rehearsals)
        known = {one["prompt"] for one in self._store.examples.rehearsals(self._tenant, texts.base_version)}
        missing = [prompt for prompt in prompts if prompt not in known]
        if not missing:
            return
        rendered = [texts.prompt(prompt) for prompt in missing]
        replies = greedy_replies(
            texts.load(), rendered, texts.end_ids, tokens=REHEARSED_TOKENS, batch_size=32, alive=self._still
        )
        self._check()
        rows = [
            {
                "prompt": prompt,
                "answer": texts.decode(reply),
                "cut": len(reply) == REHEARSED_TOKENS,
                "kind": "rehearsal",
                "base_version": texts.base_version,
            }
            for prompt, reply in zip(missing, replies, strict=True)
        ]
        self._store.examples.add(self._tenant, [row for row in rows if str(row["answer"]).strip()])

    def _train(self, trainer: LoraTrainer) -> None:
        checkpoint = self._store.trainings.checkpoint(self._tenant, self._id)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        self._progress(status="training", total_steps=trainer.total_steps, step=trainer.step)
        started, first, saved = time.monotonic(), trainer.step, time.monotonic()

        def on_step(step: int, loss: float) -> bool:
            nonlocal saved
            seconds = time.monotonic() - started
            eta = seconds / max(1, step - first) * (trainer.total_steps - step)
            self._progress(step=step, loss=loss, eta_seconds=round(eta, 1))
            if time.monotonic() - saved >= self._settings.train_checkpoint_seconds:
                self._store.trainings.save_checkpoint(self._tenant, self._id, self._holder, trainer.checkpoint())
                saved = time.monotonic()
            return self._alive

        if not trainer.run(on_step):
            raise Stopped

    def _look(self, model: Any, texts: Texts, new: list[Any], held_out: list[Any]) -> dict[str, Any]:
        """What a model does with the set: losses, and greedy replies to the new and the held-out prompts."""
        asked = new[: self._settings.judged_replies]
        most = min(64, max((len(one.answer) for one in asked), default=0) + 4)
        prompts = [one.prompt for one in asked]
        replies = greedy_replies(model, prompts, texts.end_ids, tokens=most, batch_size=32, alive=self._still)
        old = held_out[: self._settings.judged_replies]
        old_replies = greedy_replies(model, [one.prompt for one in old], texts.end_ids, tokens=24, alive=self._still)
        found = {
            "new_loss": mean_loss(model, new, alive=self._still),
            "old_loss": mean_loss(model, held_out, alive=self._still),
            "new_right": _share(
                says(texts.decode(reply), texts.decode(one.answer)) for one, reply in zip(asked, replies, strict=False)
            ),
            "old_replies": old_replies,
        }
        self._check()
        return found

    def _store_version(self, weights: bytes, made: Document, measures: list[gate.Measure], texts: Texts) -> None:
        version = version_id(weights)
        good = gate.passed(measures)
        self._check()
        stored = self._store.versions.add(
            self._tenant,
            version,
            BytesIO(weights),
            {
                "base_model": self._settings.model,
                "base_version": texts.base_version,
                "parent": self._run.get("from_version", ""),
                "training": self._id,
                "training_set": made["_id"],
                "status": "ready" if good else "gate_failed",
                "measures": [measure.document() for measure in measures],
                "size": len(weights),
            },
        )
        self._finish(stored)

    def _finish(self, version: Document) -> None:
        """What follows the stored version; done again by whoever resumes, it changes nothing more."""
        made = self._store.trainings.get_set(self._tenant, version["training_set"])
        self._store.examples.mark_trained(self._tenant, [*made["new"], *made["replay"]])
        if version["status"] == "ready" and self._run.get("promote"):
            self._promote(version["version"])
        ended = {"version": version["version"]}
        self._store.trainings.end(self._tenant, self._id, "completed", ended, holder=self._holder)
        self._store.trainings.drop_checkpoint(self._tenant, self._id)

    def _promote(self, version: str) -> None:
        if any(one["by"] == self._id for one in self._store.versions.promotions(self._tenant)):
            return  # it was, before its worker died; what an operator has done since stays
        audit = self._store.audit
        entry = audit.begin(self._tenant, self._id, "training", "PromoteVersion", {"version_id": version})
        self._store.versions.promote(
            self._tenant, version, expected_epoch=None, force=False, by=self._id, comment="promoted by its training"
        )
        audit.end(self._tenant, entry, "done")

    # -- the lease ------------------------------------------------------------------------------

    def _lora(self) -> LoraSettings:
        asked = self._run["settings"]
        settings = self._settings
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

    def _progress(self, **fields: Any) -> None:
        if self._hold(fields) is None:
            self._alive = False
            raise Stopped

    def _hold(self, fields: Document) -> Document | None:
        lease = self._settings.train_lease_seconds
        return self._store.trainings.progress(self._tenant, self._id, self._holder, fields, lease)

    def _beat(self) -> None:
        while not self._ended.wait(self._settings.train_lease_seconds / 4):
            try:
                if self._hold({}) is None:
                    self._alive = False
                    return
            except Exception as error:
                log.warning("heartbeat_failed", training=self._id, error=repr(error))

    def _still(self) -> bool:
        return self._alive

    def _check(self) -> None:
        if not self._alive:
            raise Stopped

    def _fail(self, message: str) -> None:
        self._store.trainings.end(self._tenant, self._id, "failed", {"error": message}, holder=self._holder)
        self._store.trainings.drop_checkpoint(self._tenant, self._id)


def _share(answers: Any) -> float:
    found = list(answers)
    return sum(found) / len(found) if found else 0.0
