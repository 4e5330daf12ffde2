"""Training a fusion head on cached hidden states: the base model itself is never run, nor changed.

Over the tokens that an edit changed the loss is −log P'(y_t); over the rest it is KL(P* ‖ P'), where P* is the base
model's own distribution without what the feedback forbids: what was not asked about stays as it was. Both are taken
over a sample of the vocabulary (the batch's own tokens, the frequent ones, and others by chance; Jean et al. 2015,
section 3), so that a step costs a tenth of the output layer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from services.finetune.fusing.dataset import Positions
from services.models.feedback_vectors import FeedbackVectors
from services.models.fusion import FusionHead

_FORBIDDEN = -30.0


@dataclass(frozen=True)
class FusionPlan:
    """How a head is trained."""

    steps: int = 500
    batch: int = 512
    learning_rate: float = 7e-4
    unchanged_weight: float = 1.5
    comment_dropout: float = 0.25
    dropout: float = 0.1  # of the hidden state and of the vectors as the head reads them
    kind_weights: Mapping[str, float] = field(default_factory=dict)  # how often positions of a kind are drawn; 1
    sample: int = 3000
    seed: int = 0
    seconds: float = math.inf


@dataclass(frozen=True)
class HeadLoss:
    """Nats per token: −log P' of changed tokens, and of unchanged ones −log P' and KL from the base model."""

    changed: float
    unchanged: float
    drift: float


class FusionTrainer:
    """One head, its optimiser and the vocabulary it is trained over.

    `output: [vocabulary, H]` are the output layer's weights; `masks` names for some kinds of example the tokens that
    the feedback forbids, `[vocabulary]` booleans.
    """

    def __init__(
        self,
        head: FusionHead,
        vectors: FeedbackVectors,
        output: Tensor,
        masks: dict[str, Tensor],
        plan: FusionPlan,
        constant: dict[str, Tensor] | None = None,
    ) -> None:
        self.head = head
        self._vectors = vectors
        self._output = output.float()
        self._masks = masks
        self._plan = plan
        self._constant = constant
        self.steps = plan.steps
        self._chance = torch.Generator().manual_seed(plan.seed)
        decayed = torch.optim.AdamW(head.parameters(), lr=plan.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        self._optimiser = decayed

    def train(
        self, data: Positions, told: Callable[[int, float], None], held: Positions | None = None, every: int = 75
    ) -> int:
        """Train to the plan's end; answers how many steps it took. `told` hears step and loss. Where there are
        `held` positions, the weights that did best on a sample of them are kept."""
        plan, started, step = self._plan, time.monotonic(), 0
        frequent = torch.bincount(data.token, minlength=len(self._output)).topk(plan.sample // 2).indices
        weight = torch.where(data.changed, 1.0, 0.5)
        weight *= torch.tensor([plan.kind_weights.get(kind, 1.0) for kind in data.kinds])[data.example]
        best, kept = math.inf, None
        self.head.train()
        while step < plan.steps:
            done = max(step / plan.steps, (time.monotonic() - started) / plan.seconds)
            if done >= 1:
                break
            for group in self._optimiser.param_groups:
                warm = min(1.0, (step + 1) / 30)
                group["lr"] = plan.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * done))
            few = len(weight) < 2 * plan.batch
            at = torch.multinomial(weight, plan.batch, replacement=few, generator=self._chance)
            loss = self._loss(data, at, frequent)
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.head.parameters(), 1.0)
            self._optimiser.step()
            step += 1
            told(step, float(loss.detach()))
            if held is not None and step % every == 0:
                self.head.eval()
                found = self.measure(held, without={"human"}, most=1500)
                self.head.train()
                value = found.changed + plan.unchanged_weight * found.drift
                print(f"held out at {step}: {found}", flush=True)
                if value < best:
                    best, kept = value, {name: t.clone() for name, t in self.head.state_dict().items()}
        if kept is not None:
            self.head.load_state_dict(kept)
        self.head.eval()
        return step

    def _inputs(self, data: Positions, at: Tensor, dropout: float) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        comments = data.comments[data.example[at]]
        if dropout:
            read = torch.tensor([data.understood[i] for i in data.example[at].tolist()])
            kept = torch.rand(len(at), generator=self._chance) >= dropout
            comments = comments * (kept | ~read)[:, None]
        vectors, present = self._vectors.batch([data.steps[i] for i in at.tolist()], comments)
        if self._constant is not None:
            vectors = {name: self._constant[name].expand(len(at), -1) for name in vectors}
            present = {name: torch.ones(len(at), dtype=torch.bool) for name in vectors}
        return vectors, present

    def _loss(self, data: Positions, at: Tensor, frequent: Tensor) -> Tensor:
        chance = torch.randint(len(self._output), (self._plan.sample // 2,), generator=self._chance)
        told = [token for i in at.tolist() for token in (*data.steps[i].wanted, *data.steps[i].avoided)]
        ids = torch.unique(torch.cat([data.token[at], frequent, chance, torch.tensor(told, dtype=torch.long)]))
        vectors, present = self._inputs(data, at, self._plan.comment_dropout)
        hidden = data.hidden[at].float()
        output = self._output[ids]
        logits = (hidden + self._change(hidden, vectors, present)) @ output.T
        changed = data.changed[at]
        place = torch.searchsorted(ids, data.token[at])
        loss = F.cross_entropy(logits[changed], place[changed], reduction="sum")
        same = ~changed
        if bool(same.any()):
            with torch.no_grad():
                teacher = hidden[same] @ output.T
                self._forbid(teacher, data, at[same], ids)
                teacher = teacher.log_softmax(1)
            drift = F.kl_div(logits[same].log_softmax(1), teacher, log_target=True, reduction="sum")
            loss = loss + self._plan.unchanged_weight * drift
        return loss / len(at)

    def _change(self, hidden: Tensor, vectors: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        """What the head adds, some of what it reads left out by chance."""
        read = F.dropout(hidden, self._plan.dropout)
        vectors = {name: F.dropout(vector, self._plan.dropout) for name, vector in vectors.items()}
        return self.head.fuse(read, vectors, present) - (read if self.head.config.mode == "gated" else hidden)

    def _forbid(self, teacher: Tensor, data: Positions, at: Tensor, ids: Tensor) -> None:
        """Take from the teacher what its feedback forbids."""
        for row, i in enumerate(at.tolist()):
            example = int(data.example[i])
            mask = self._masks.get(data.kinds[example])
            if mask is not None:
                teacher[row, mask[ids]] += _FORBIDDEN
            if data.kinds[example] == "exclude":
                places = torch.searchsorted(ids, torch.tensor(data.steps[i].avoided, dtype=torch.long))
                teacher[row, places] += _FORBIDDEN

    @torch.no_grad()
    def measure(
        self,
        data: Positions,
        shuffled: bool = False,
        off: bool = False,
        *,
        kinds: Collection[str] = (),
        without: Collection[str] = (),
        batch: int = 256,
        most: int = 0,
    ) -> HeadLoss:
        """The head on whole-vocabulary distributions; `shuffled`: other examples' vectors, `off`: without the head,
        `kinds`: of these alone (none given: of all but those `without`), `most`: of so many positions, evenly spread
        (0: all)."""
        order = torch.arange(len(data))
        if shuffled:
            order = torch.randperm(len(data), generator=torch.Generator().manual_seed(1))
        sums = {True: 0.0, False: 0.0}
        counts = {True: 0, False: 0}
        drift = 0.0
        counted = torch.tensor([kind in kinds if kinds else kind not in without for kind in data.kinds])[data.example]
        which = torch.arange(len(data))[counted]
        which = which[:: max(1, len(which) // most)] if most else which
        for first in range(0, len(which), batch):
            at = which[first : first + batch]
            plain = data.hidden[at].float()
            vectors, present = self._inputs(data, order[at], 0.0)
            hidden = plain if off else self.head.fuse(plain, vectors, present)
            logs = (hidden @ self._output.T).log_softmax(1)
            said = -logs[torch.arange(len(at)), data.token[at]]
            changed = data.changed[at]
            for side in (True, False):
                sums[side] += float(said[changed == side].sum())
                counts[side] += int((changed == side).sum())
            if not off and counts[False]:
                base = (plain[~changed] @ self._output.T).log_softmax(1)
                drift += float(F.kl_div(logs[~changed], base, log_target=True, reduction="sum"))
        rest = max(1, counts[False])
        return HeadLoss(sums[True] / max(1, counts[True]), sums[False] / rest, drift / rest)
