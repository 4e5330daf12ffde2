"""A training run from the lease to the stored version; its worker may die at any point and another goes on.

Every stage leaves what the next one needs: the set is an immutable document, training stores checkpoints where it
takes long, the version's id is its content. What was not stored is done again; a version exists exactly when its
document does.
"""

from __future__ import annotations

from io import BytesIO
from typing import Protocol

import structlog
import torch

from services.common.errors import AntiphonError
from services.common.store import DATABASE_AWAY, Document, Store
from services.finetune.adapter_training import AdapterTraining
from services.finetune.domain import gate
from services.finetune.domain.sets import NothingToLearn
from services.finetune.head_training import HeadTraining
from services.finetune.hold import Hold, Stopped
from services.finetune.made import Made
from services.finetune.settings import FinetuneSettings
from services.models.adapter import version_id
from services.models.version import write_version

log = structlog.get_logger(__name__)


class Training(Protocol):
    """One kind of training."""

    def learn(self) -> Made:
        """Gather, train, judge. Raises NothingToLearn, FailedPrecondition, Stopped."""
        ...


class TrainingRun:
    """One worker's work on one run."""

    def __init__(self, settings: FinetuneSettings, store: Store, run: Document) -> None:
        self._hold = Hold(settings, store, run)
        self._store = store

    def work(self) -> None:
        """Do what is left of the run and end it. An error ends it as failed; a lost lease or database leaves it."""
        hold = self._hold
        with hold:
            try:
                self._work()
            except Stopped:
                log.info("training_stopped", training=hold.id)
            except DATABASE_AWAY as error:
                log.warning("training_left", training=hold.id, error=repr(error))  # its lease ends; somebody goes on
            except (NothingToLearn, AntiphonError) as error:
                self._fail(str(error))
            except Exception as error:
                log.exception("training_failed", training=hold.id)
                self._fail(f"{type(error).__name__}: {error}")

    def _work(self) -> None:
        hold = self._hold
        if hold.settings.train_threads:
            torch.set_num_threads(hold.settings.train_threads)
        stored = self._store.versions.of_training(hold.tenant, hold.id)
        if stored is not None:  # whoever held the run before died after the upload
            hold.progress(status="uploading")
            self._finish(stored)
            return
        hold.progress(status="gathering")
        training: Training = HeadTraining(hold) if self._kind == "fusion_head" else AdapterTraining(hold)
        made = training.learn()
        hold.progress(status="uploading")
        self._finish(self._stored(made))

    @property
    def _kind(self) -> str:
        return str(self._hold.run.get("kind", "adapter"))

    def _stored(self, made: Made) -> Document:
        hold, weights, scope = self._hold, write_version(made.weights), made.weights.scope
        hold.check()
        return self._store.versions.add(
            hold.tenant,
            version_id(weights),
            BytesIO(weights),
            {
                "kind": self._kind,
                "base_model": hold.settings.model,
                "base_version": made.base_version,
                "parent": hold.run.get("from_version", ""),
                "took_over": made.took_over,
                "training": hold.id,
                "training_set": made.training_set,
                "fusion_head": made.weights.head_id,
                "scope": scope and {"corrections": len(scope.corrections), "threshold": scope.threshold},
                "status": "ready" if gate.passed(made.measures) else "gate_failed",
                "measures": [measure.document() for measure in made.measures],
                "size": len(weights),
            },
        )

    def _finish(self, version: Document) -> None:
        """What follows the stored version; done again by whoever resumes, it changes nothing more."""
        hold = self._hold
        made = self._store.trainings.get_set(hold.tenant, version["training_set"])
        learned = [*made["new"], *made["replay"], *made["held_out"]]
        self._store.examples.mark_learned(hold.tenant, learned, self._kind, hold.run["created_at"])
        if version["status"] == "ready" and hold.run.get("promote"):
            self._promote(version["version"])
        self._store.trainings.drop_checkpoint(hold.tenant, hold.id)  # before the end: nobody comes back to an ended run
        ended = {"version": version["version"]}
        self._store.trainings.end(hold.tenant, hold.id, "completed", ended, holder=hold.holder)

    def _promote(self, version: str) -> None:
        hold, versions = self._hold, self._store.versions
        if any(one["by"] == hold.id for one in versions.promotions(hold.tenant)):
            return  # it was, before its worker died; what an operator has done since stays
        audit = self._store.audit
        entry = audit.begin(hold.tenant, hold.id, "training", "PromoteVersion", {"version_id": version})
        versions.promote(
            hold.tenant, version, expected_epoch=None, force=False, by=hold.id, comment="promoted by its training"
        )
        audit.end(hold.tenant, entry, "done")

    def _fail(self, message: str) -> None:
        hold = self._hold
        self._store.trainings.end(hold.tenant, hold.id, "failed", {"error": message}, holder=hold.holder)
        self._store.trainings.drop_checkpoint(hold.tenant, hold.id)
