"""The tracker network: dialogue tokens and one token per schema element meet in MiniLM's upper layers.

The dialogue passes the lower layers alone, which stay as published. Every service, intent and slot is one
vector, the published encoder's pooled state over its name and description (cached per schema); with its previous
value, its mention in the dialogue and what the rules propose it becomes one token, and from layer `SPLIT` on both
kinds attend to each other in MiniLM's own, fine-tuned layers (the decomposition of DeFormer, Cao et al. 2020, with
a one-token second text).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.models.minilm import LAYERS, WIDTH, Encoder, Layer
from services.tracker.learned.proposals import CUES, MANNERS

SPLIT = 3
KEEP, USER, SYSTEM, COPY, DONTCARE, DELETE, RULE = range(7)
GATES = ("keep", "user", "system", "copy", "dontcare", "delete", "rule")
SERVICE, INTENT, SLOT_FREE, SLOT_CHOICE = range(4)
FLAGS = 15 + CUES + MANNERS
"""Per element: filled, mentioned, intent in force; a choice in the user's text, in the system's, the same two for
slots with too many values to choose among; the rules propose a value, from the system's offer, a deletion, the slot
as requested, the intent; the rules propose the value on the whole schema, the service was the last one, the rules take
the turn to be about it; then the cues and manners of `proposals`."""
VALUE_FLAGS = 6  # in user text, in system text, current value, mentioned, value of another slot, proposed
POINT = 128


@dataclass
class Batch:
    """Padded inputs of `B` turns over `N` distinct schema elements and `Q` distinct value strings."""

    tokens: Tensor  # [B, T] dialogue WordPieces
    segments: Tensor  # [B, T] 1 on the user's text
    mask: Tensor  # [B, T] bool
    user: Tensor  # [B, T] bool, pieces of the user's text
    system: Tensor  # [B, T] bool
    elements: Tensor  # [B, S] index into the N element states
    element_mask: Tensor  # [B, S] bool
    kinds: Tensor  # [B, S]
    owners: Tensor  # [B, S] index into N of the element's service
    previous: Tensor  # [B, S] index into the Q strings, 0 is "none"
    mentions: Tensor  # [B, S]
    proposals: Tensor  # [B, S]
    strings: Tensor  # [Q, 8] WordPieces of value strings
    flags: Tensor  # [B, S, FLAGS]
    values: Tensor  # [B, V] index into the value vectors
    value_slots: Tensor  # [B, V] position in S of the value's slot
    value_flags: Tensor  # [B, V, VALUE_FLAGS]
    value_mask: Tensor  # [B, V] bool
    texts: Tensor | None = None  # [N, L] WordPieces of the elements, where the network reads them with the dialogue


@dataclass
class Scores:
    """What the network says about `B` turns; all logits, positions that don't exist at -1e4."""

    gate: Tensor  # [B, S, gates]
    mention: Tensor  # [B, S] the system's text gives this slot a value
    requested: Tensor  # [B, S]
    intent: Tensor  # [B, S] softmax over a service and its intents; the service stands for "no intent"
    active: Tensor  # [B, S] read at services: the turn is about it
    user_start: Tensor  # [B, S, T]
    user_end: Tensor
    system_start: Tensor
    system_end: Tensor
    value_user: Tensor  # [B, V]
    value_system: Tensor  # [B, V]
    copy: Tensor  # [B, S, S]


def _head(outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, outputs))


class SlotFlags(nn.Module):
    """What the flags alone say of an element: cheap to train on many turns before the rest."""

    HIDDEN = 96

    def __init__(self) -> None:
        super().__init__()
        self.kind = nn.Embedding(4, self.HIDDEN)
        self.inner = nn.Linear(FLAGS, self.HIDDEN)
        self.direct = nn.Linear(FLAGS, len(GATES) + 4)
        self.outer = nn.Linear(self.HIDDEN, len(GATES) + 4, bias=False)

    def start(self) -> None:
        """Begins as "do what the rules do": most slots stay, proposals on the whole schema are taken."""
        self.direct.weight.zero_()
        asked, wanted, active = len(GATES) + 1, len(GATES) + 2, len(GATES) + 3
        self.direct.weight[RULE, 12] = 5.0
        self.direct.weight[asked, 10] = 3.0
        self.direct.weight[wanted, 2] = self.direct.weight[wanted, 11] = 1.5
        self.direct.weight[active, 14] = 2.0
        self.direct.bias.copy_(torch.tensor([3.0, -1, -1, -2, -3, -3, 0, -2, -3, 0, 0]))
        self.outer.weight.mul_(0.1)

    def forward(self, flags: Tensor, kinds: Tensor) -> Tensor:
        """`flags: [rows, elements, FLAGS]` to gates, mention, requested, intent and active logits."""
        inner = functional.gelu(self.inner(flags) + self.kind(kinds))
        found: Tensor = self.direct(flags) + self.outer(inner)
        return found


class Network(nn.Module):
    """Scores every slot, intent and service of a turn in one pass."""

    reads_texts = False  # whether a batch must bring its elements' WordPieces

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = Encoder(dropout)
        self.element = nn.Linear(WIDTH, WIDTH)
        self.owner = nn.Linear(WIDTH, WIDTH, bias=False)
        self.kind = nn.Embedding(4, WIDTH)
        self.previous = nn.Linear(WIDTH, WIDTH, bias=False)
        self.mention = nn.Linear(WIDTH, WIDTH, bias=False)
        self.proposal = nn.Linear(WIDTH, WIDTH, bias=False)
        self.flags = nn.Linear(FLAGS, WIDTH, bias=False)
        self.speaker = nn.Parameter(torch.zeros(WIDTH))  # added to the user's text where the two kinds meet
        self.entry = nn.LayerNorm(WIDTH, eps=1e-12)
        self.string_norm = nn.LayerNorm(WIDTH)
        self.slot_head = _head(len(GATES) + 4)
        self.slot_flags = SlotFlags()
        self.point_token = nn.Linear(WIDTH, 4 * POINT)
        self.point_slot = nn.Linear(WIDTH, 4 * POINT)
        self.copy_from = nn.Linear(WIDTH, POINT)
        self.copy_to = nn.Linear(WIDTH, POINT)
        self.value_key = nn.Linear(WIDTH, 4 * POINT)
        self.value_token = nn.Linear(WIDTH, 2 * POINT)
        self.value_slot = nn.Linear(WIDTH, 2 * POINT)
        self.value_flags = nn.Linear(VALUE_FLAGS, 2)

    def start(self) -> None:
        """Begins from the published encoder; new parts begin small, so that the encoder's space survives."""
        self.encoder.load_wheel()
        with torch.no_grad():
            self.element.weight.copy_(torch.eye(WIDTH) * 0.5)
            self.element.bias.zero_()
            for part in (self.owner, self.previous, self.mention, self.proposal, self.flags, self.kind):
                part.weight.normal_(0.0, 0.02)
            below = self.encoder.layers[SPLIT - 1]
            assert isinstance(below, Layer)
            source = below.norm_output
            self.entry.weight.copy_(source.weight)
            self.entry.bias.copy_(source.bias)
            last = self.slot_head[-1]
            assert isinstance(last, nn.Linear)
            last.weight.zero_()  # at first the flags decide alone
            last.bias.zero_()
            self.slot_flags.start()
            self.value_flags.weight.zero_()
            self.value_flags.weight[0, 0] = self.value_flags.weight[1, 1] = 3.0

    def strings(self, strings: Tensor) -> Tensor:
        """Vectors of value strings, `[Q, WIDTH]`: the mean of their word embeddings, row 0 zero."""
        mask = (strings > 0).unsqueeze(-1).float()
        mean = (self.encoder.words(strings) * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        found: Tensor = self.string_norm(mean) * (mask.sum(1) > 0)
        return found

    def forward(self, batch: Batch, elements: Tensor, values: Tensor) -> Scores:
        """`elements: [N, WIDTH]` and `values: [M, WIDTH]` are `Encoder.sentence` states of schema texts."""
        hidden = self.below(batch)
        slots = self._slots(batch, elements)
        length = batch.tokens.shape[1]
        joint = torch.cat([hidden, self.entry(slots).to(hidden.dtype)], dim=1)
        joint = self.encoder.run(joint, torch.cat([batch.mask, batch.element_mask], 1), SPLIT, LAYERS)
        hidden, slots = joint[:, :length], joint[:, length:]
        return self._scores(batch, hidden, slots, values)

    def below(self, batch: Batch) -> Tensor:
        """The dialogue as it enters layer `SPLIT`: `[B, T, WIDTH]`."""
        with torch.no_grad():  # as published: nothing below the split learns
            hidden = self.encoder.run(self.encoder.embed(batch.tokens), batch.mask, 0, SPLIT)
        return hidden + batch.segments.unsqueeze(-1) * self.speaker

    def _slots(self, batch: Batch, elements: Tensor) -> Tensor:
        """What enters layer `SPLIT` for each element, before it is normed: `[B, S, WIDTH]`."""
        strings = self.strings(batch.strings)
        found: Tensor = (
            self.element(elements)[batch.elements]
            + self.owner(elements)[batch.owners]
            + self.kind(batch.kinds)
            + self.previous(strings)[batch.previous]
            + self.mention(strings)[batch.mentions]
            + self.proposal(strings)[batch.proposals]
            + self.flags(batch.flags)
        )
        return found

    def shallow(self, batch: Batch, elements: Tensor) -> Scores:
        """What flags and cues alone say: no layer is run and no text is pointed at.

        Copies come from the slot whose description is nearest.
        """
        said = self.slot_flags(batch.flags, batch.kinds)
        gates = len(GATES)
        nowhere = said.new_full((*batch.kinds.shape, batch.tokens.shape[1]), -1e4)
        value = self.value_flags(batch.value_flags)
        states = functional.normalize(elements[batch.elements], dim=-1)
        copy = (states @ states.transpose(1, 2)).masked_fill(~_sources(batch), -1e4)
        return Scores(
            said[..., :gates].masked_fill(~possible(batch), -1e4),
            said[..., gates],
            said[..., gates + 1],
            said[..., gates + 2],
            said[..., gates + 3],
            nowhere,
            nowhere,
            nowhere,
            nowhere,
            value[..., 0].masked_fill(~batch.value_mask, -1e4),
            value[..., 1].masked_fill(~batch.value_mask, -1e4),
            copy,
        )

    def _scores(self, batch: Batch, hidden: Tensor, slots: Tensor, values: Tensor) -> Scores:
        per_slot = (self.slot_head(slots) + self.slot_flags(batch.flags, batch.kinds)).float()
        gates = len(GATES)
        point = self._point(batch, hidden, slots)
        copy = (self.copy_to(slots) @ self.copy_from(slots).transpose(1, 2)).float() / POINT**0.5
        copy = copy.masked_fill(~_sources(batch), -1e4)
        can = possible(batch)
        value_user, value_system = self._value_scores(batch, hidden, slots, values)
        return Scores(
            gate=per_slot[..., :gates].masked_fill(~can, -1e4),
            mention=per_slot[..., gates],
            requested=per_slot[..., gates + 1],
            intent=per_slot[..., gates + 2],
            active=per_slot[..., gates + 3],
            user_start=point[0].masked_fill(~batch.user[:, None], -1e4),
            user_end=point[1].masked_fill(~batch.user[:, None], -1e4),
            system_start=point[2].masked_fill(~batch.system[:, None], -1e4),
            system_end=point[3].masked_fill(~batch.system[:, None], -1e4),
            value_user=value_user,
            value_system=value_system,
            copy=copy,
        )

    def _point(self, batch: Batch, hidden: Tensor, slots: Tensor) -> Tensor:
        rows, length, count = hidden.shape[0], hidden.shape[1], slots.shape[1]
        keys = self.point_token(hidden).view(rows, length, 4, POINT).permute(2, 0, 3, 1)
        queries = self.point_slot(slots).view(rows, count, 4, POINT).permute(2, 0, 1, 3)
        found: Tensor = (queries @ keys).float() / POINT**0.5
        return found

    def _value_scores(self, batch: Batch, hidden: Tensor, slots: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """How much the user's and the system's text say each value, by token and by the slot as a whole."""
        rows, count = batch.values.shape
        keys = self.value_key(values)[batch.values].view(rows, count, 4, POINT).permute(2, 0, 1, 3)
        tokens = self.value_token(hidden).view(rows, -1, 2, POINT).permute(2, 0, 3, 1)
        index = batch.value_slots.unsqueeze(-1).expand(-1, -1, 2 * POINT)
        owners = self.value_slot(slots).gather(1, index).view(rows, count, 2, POINT).permute(2, 0, 1, 3)
        extra = self.value_flags(batch.value_flags).float()
        found = []
        for side, where in enumerate((batch.user, batch.system)):
            by_token = ((keys[side] + owners[side]) @ tokens[side]).float() / POINT**0.5
            best = torch.logsumexp(by_token.masked_fill(~where[:, None], -1e4), dim=-1).clamp(min=-20.0)
            by_slot = (keys[2 + side] * owners[side]).sum(-1).float() / POINT**0.5
            score = best + by_slot + extra[..., side]
            found.append(score.masked_fill(~batch.value_mask, -1e4))
        return found[0], found[1]


def _sources(batch: Batch) -> Tensor:
    """`[B, S, S]`: from which other elements (last axis) there is something to copy."""
    held = ((batch.previous > 0) | (batch.mentions > 0)) & batch.element_mask
    itself = torch.eye(held.shape[1], dtype=torch.bool)
    return held[:, None, :] & ~itself


def possible(batch: Batch) -> Tensor:
    """`[B, S, gates]`: which gates a slot can take at all in its turn."""
    can = torch.ones(*batch.kinds.shape, len(GATES), dtype=torch.bool)
    can[..., SYSTEM] = (batch.mentions > 0) | batch.system.any(1, keepdim=True)
    can[..., COPY] = _sources(batch).any(-1)
    can[..., DELETE] = batch.previous > 0
    can[..., RULE] = (batch.flags[..., 7] + batch.flags[..., 9]) > 0
    return can
