"""The training kind "fusion_head": the head that mixes feedback into revisions, learned from what people said of
replies and the replies that they wrote or accepted then.

A few corrections cannot teach a head to read feedback, so it goes on from the served version's head or the shipped
one, and edits made by rule from the base model's own replies are replayed beside them. The base model, under the
served version's pairs, is run once over every example; the head is trained on these hidden states alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
import torch

from services.common.constraints import Constraint, ConstraintError
from services.common.errors import FailedPrecondition
from services.common.store import Document
from services.finetune.domain import gate
from services.finetune.domain.sets import NothingToLearn, plan_commented
from services.finetune.fusing.base import FrozenBase
from services.finetune.fusing.codec import TextsCodec
from services.finetune.fusing.corpus import rule_edits, split
from services.finetune.fusing.dataset import Collector, Positions
from services.finetune.fusing.rules import Example
from services.finetune.fusing.trainer import FusionPlan, FusionTrainer, HeadLoss
from services.finetune.hold import Hold
from services.finetune.made import Made
from services.finetune.rehearsal import rehearse
from services.finetune.training.texts import Texts
from services.models.adapter import Adapter
from services.models.feedback_vectors import FeedbackVectors, head_config
from services.models.fusion import SHIPPED, BadHead, FusionHead, read_head
from services.models.llama.shape import NotLlamaShaped
from services.models.version import VersionWeights, read_version

log = structlog.get_logger(__name__)
EDIT = "edit"
_JUDGED = 3
"""Held-out edits from which on they judge a head; with fewer, those learned from do."""
_RULE_EDITS_HELD = 0.15
_INNER = 160


class HeadTraining:
    """Trains a head beside the pairs of the version served at the start, which come along."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._store = hold.store

    def learn(self) -> Made:
        """Gather, train, judge. Raises NothingToLearn, FailedPrecondition, Stopped."""
        hold, settings = self._hold, self._hold.settings
        texts = Texts(settings.model, settings.cache_dir, settings.system_text)
        made = self._gather(texts)
        served = self._served(texts)
        try:
            base = FrozenBase(settings.model, settings.cache_dir, settings.system_text, adapter=served.adapter)
        except NotLlamaShaped as error:
            raise FailedPrecondition(f"heads are trained on Llama-shaped models: {error}", reason="MODEL") from None
        seed = int(hold.run["settings"].get("seed", 0))
        torch.manual_seed(seed)
        learned, held = self._examples(made, texts, seed)
        vectors = FeedbackVectors(base.embedding)
        codec = TextsCodec(base.texts)
        collector = Collector(base, codec, vectors)
        both = [self._collect(collector, some, seed) for some in (learned, held)]
        start = served.head or _shipped(base)
        head = start or FusionHead(head_config(base.hidden_size, texts.base_version, _INNER))
        head.requires_grad_(True)
        trainer = FusionTrainer(head, vectors, base.head, codec.masks(), self._plan(learned, seed))
        judged = sum(one.kind == EDIT for one in held) >= _JUDGED
        before = self._look(trainer, both, judged, off=start is None)
        told = hold.steps(0, trainer.steps)
        trainer.train(both[0], told.tell)
        hold.progress(status="evaluating")
        after = self._look(trainer, both, judged)
        measures = gate.judge_head(
            edits=(before["edits"].changed, after["edits"].changed, after["shuffled"].changed),
            rules=(before["rules"].changed, after["rules"].changed),
            drift=(before["rules"].drift, after["rules"].drift),
            edits_items=sum(one.kind == EDIT for one in (held if judged else learned)),
            rules_items=sum(one.kind != EDIT for one in held),
        )
        took_over = hold.run.get("from_version", "") if served.adapter.pairs or served.head is not None else ""
        return Made(VersionWeights(served.adapter, head), made["_id"], measures, texts.base_version, took_over)

    def _gather(self, texts: Texts) -> Document:
        """The run's training set; chosen once, then read again by whoever resumes."""
        hold, examples = self._hold, self._store.examples
        if hold.run.get("training_set"):
            return self._store.trainings.get_set(hold.tenant, hold.run["training_set"])
        new = examples.untrained(hold.tenant, "fusion_head")
        old = examples.trained(hold.tenant, "fusion_head")
        if not new:
            raise NothingToLearn("no correction with a comment or a constraint came since the last training")
        if len(new) + len(old) < hold.settings.fuse_least:
            raise NothingToLearn(
                f"{len(new) + len(old)} corrections with a comment or a constraint; a fusion head wants "
                f"{hold.settings.fuse_least}"
            )
        rehearse(hold, texts)
        plan = plan_commented(new, old, examples.rehearsals(hold.tenant, texts.base_version))
        made = self._store.trainings.put_set(hold.tenant, list(plan.new), list(plan.replay), [], list(plan.held_out))
        hold.progress(training_set=made["_id"], new_examples=len(plan.new), replay_examples=len(plan.replay))
        return made

    def _served(self, texts: Texts) -> VersionWeights:
        stored = self._store.versions.weights_of(self._hold.tenant, self._hold.run.get("from_version", ""))
        if stored is None:
            return VersionWeights(Adapter(texts.base_version, 0, {}))
        return read_version(stored, texts.base_version)

    def _examples(self, made: Document, texts: Texts, seed: int) -> tuple[list[Example], list[Example]]:
        """(learned, held out): people's edits, and edits by rule of replies to other prompts."""
        hold = self._hold
        sides: list[list[Document]] = [
            self._store.examples.read(hold.tenant, ids) for ids in ([*made["new"], *made["replay"]], made["held_out"])
        ]
        people = [[edit for one in side if (edit := _edit(one, texts)) is not None] for side in sides]
        if not people[0]:
            raise FailedPrecondition("everything to be learned was erased meanwhile", reason="NOTHING_TO_LEARN")
        rehearsals = [(one["prompt"], [one["answer"]]) for side in sides for one in side if one["kind"] == "rehearsal"]
        rules = split(rule_edits(rehearsals, hold.settings.fuse_rule_edits, seed), _RULE_EDITS_HELD, seed)
        return [*people[0], *rules[0]], [*people[1], *rules[1]]

    def _collect(self, collector: Collector, examples: Sequence[Example], seed: int) -> Positions:
        def told(_done: int) -> None:
            self._hold.check()

        return collector.collect(examples, seed, told=told)

    def _plan(self, learned: Sequence[Example], seed: int) -> FusionPlan:
        """People's edits are drawn so often that edits by rule make up the replay's share."""
        settings, asked = self._hold.settings, self._hold.run["settings"]
        share = asked.get("replay_share", settings.train_replay_share)
        edits = sum(one.kind == EDIT for one in learned)
        rules = max(1, len(learned) - edits)
        weight = rules / edits * (1 - share) / max(share, 0.05)
        return FusionPlan(
            asked.get("max_steps") or settings.fuse_steps,
            learning_rate=asked.get("learning_rate", settings.fuse_learning_rate),
            kind_weights={EDIT: weight},
            seed=seed,
        )

    def _look(
        self, trainer: FusionTrainer, both: Sequence[Positions], judged: bool, off: bool = False
    ) -> dict[str, HeadLoss]:
        """The head (`off`: the model without one) on people's edits, with others' feedback, and on edits by rule."""
        learned, held = both
        people = held if judged else learned
        found = {
            "edits": trainer.measure(people, off=off, kinds={EDIT}),
            "shuffled": trainer.measure(people, off=off, kinds={EDIT}, shuffled=True),
            "rules": trainer.measure(held, off=off, without={EDIT}),
        }
        self._hold.check()
        return found


def _edit(one: Document, texts: Texts) -> Example | None:
    """A stored example as the head's; None for others than commented ones, and for those too long to run."""
    about: dict[str, Any] | None = one.get("about")
    if about is None or len(texts.encode(about["reply"])) > FrozenBase.MOST_DRAFT_TOKENS:
        return None
    try:
        constraints = tuple(Constraint.from_json(given) for given in about.get("constraints") or ())
    except ConstraintError as error:  # stored by an older release
        log.warning("example_left_out", example=one["_id"], error=str(error))
        return None
    return Example(EDIT, one["prompt"], about["reply"], about["comment"], constraints, one["answer"], about["reply"])


def _shipped(base: FrozenBase) -> FusionHead | None:
    """The committed head, where it stands on this base model as it is."""
    try:
        return read_head(SHIPPED.read_bytes(), base.texts.base_version)
    except (OSError, BadHead):
        return None
