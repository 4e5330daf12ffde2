"""The training kind "adapter": low-rank pairs that say corrections right, and the scope they apply in."""

from __future__ import annotations

import time
from typing import Any

import structlog

from services.common.errors import FailedPrecondition
from services.common.store import Document
from services.finetune.correcting.behaviour import BehaviourJudge
from services.finetune.correcting.plan import PlannedCorrection, calibrated, plan_corrections, rewrite
from services.finetune.correcting.served import ServedScope, knowledge_of
from services.finetune.domain import gate
from services.finetune.domain.sets import NothingToLearn, plan_set
from services.finetune.hold import Hold, Stopped
from services.finetune.made import Made
from services.finetune.rehearsal import everyday_messages, rehearse
from services.finetune.training.judging import mean_loss
from services.finetune.training.lora import LoraSettings, computes_in_bfloat16
from services.finetune.training.loss import Sample
from services.finetune.training.rounds import RoundsTrainer
from services.finetune.training.texts import MAX_ANSWER, Texts
from services.models.adapter import Adapter, adapter_of
from services.models.scope.scope import ScopeIndex, ScopeJudge, VersionScope
from services.models.version import VersionWeights, read_version

log = structlog.get_logger(__name__)


class AdapterTraining:
    """Learns what was corrected, all of it that still holds: what earlier trainings learned is checked in every round
    and learned again where it was lost. The pairs go on from the served version's; its fusion head comes along."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._store = hold.store

    def learn(self) -> Made:
        """Gather, train, judge. Raises NothingToLearn, FailedPrecondition, Stopped."""
        hold, settings = self._hold, self._hold.settings
        texts = Texts(settings.model, settings.cache_dir, settings.system_text)
        made = self._gather(texts)
        new = self._store.examples.read(hold.tenant, made["new"])
        if not new:
            raise FailedPrecondition("everything to be learned was erased meanwhile", reason="NOTHING_TO_LEARN")
        planned = plan_corrections(new, self._store.examples.read(hold.tenant, made["replay"]))
        judge = ScopeJudge.load()
        base = texts.load()
        rewrite(planned, base, texts, judge, most=settings.train_rewordings, alive=hold.still, counts=hold)
        hold.check()
        served = self._served(texts)
        samples = [texts.sample(text, one.corrected.reply) for one in planned for text in one.messages]
        trainer = RoundsTrainer(base, samples, self._lora(), self._start(served), hold.still)
        index = ScopeIndex(judge, [one.corrected for one in planned])
        old = self._store.examples.read(hold.tenant, made["held_out"])
        asked, known = [str(one["prompt"]) for one in old], texts.samples(old)
        learned = [texts.sample(one.corrected.question, one.corrected.reply) for one in planned]
        with knowledge_of(hold) as knowledge:
            served_scope = ServedScope(index, knowledge, hold)
            threshold = calibrated(served_scope, planned, everyday_messages(settings.rehearsals))
            behaviour = BehaviourJudge(
                trainer.model,
                texts,
                served_scope,
                threshold,
                most=settings.judged_replies,
                alive=hold.still,
                counts=hold,
            )
            before, loss_before = self._look(trainer, behaviour, planned, asked, known, learned)
            self._train(trainer)
            hold.progress(status="evaluating")
            after, loss_after = self._look(trainer, behaviour, planned, asked, known, learned)
        hold.check()
        measures = gate.judge(after, before, (loss_before, loss_after), self._limits())
        scope = VersionScope(tuple(one.corrected.id for one in planned), threshold)
        head = served.head if served is not None else None
        weights = VersionWeights(adapter_of(trainer.model, texts.base_version), head, scope)
        took_over = hold.run.get("served", "") if served is not None else ""
        return Made(weights, made["_id"], measures, texts.base_version, took_over)

    def _gather(self, texts: Texts) -> Document:
        """The run's training set; chosen once, then read again by whoever resumes."""
        hold, examples = self._hold, self._store.examples
        if hold.run.get("training_set"):
            return self._store.trainings.get_set(hold.tenant, hold.run["training_set"])
        new = self._learnable(texts)
        rehearse(hold, texts)
        general = examples.rehearsals(hold.tenant, texts.base_version)
        plan = plan_set(new, examples.trained(hold.tenant), general)
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

    def _served(self, texts: Texts) -> VersionWeights | None:
        stored = self._store.versions.weights_of(self._hold.tenant, self._hold.run.get("served", ""))
        return read_version(stored, texts.base_version) if stored else None

    def _start(self, served: VersionWeights | None) -> Adapter | None:
        """The pairs to go on from: those with a scope, whose corrections are in this set too."""
        return served.adapter if served is not None and served.scope is not None else None

    def _train(self, trainer: RoundsTrainer) -> None:
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

    def _look(
        self,
        trainer: RoundsTrainer,
        judge: BehaviourJudge,
        planned: list[PlannedCorrection],
        old: list[str],
        known: list[Sample],
        learned: list[Sample],
    ) -> tuple[Any, float]:
        """How the model behaves, and its loss on what is learned."""
        trainer.model.eval()
        behaviour = judge.behaviour(planned, old, known)
        loss = mean_loss(trainer.model, learned, alive=self._hold.still)
        self._hold.check()
        return behaviour, loss

    def _limits(self) -> gate.Limits:
        settings = self._hold.settings
        return gate.Limits(
            corrected=settings.gate_corrected,
            paraphrases=settings.gate_paraphrases,
            neighbours=settings.gate_neighbours,
            old=settings.gate_old,
            earlier=settings.gate_earlier,
            degenerate=settings.gate_degenerate,
            perplexity_rise=settings.gate_perplexity_rise,
        )

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
