"""What the engine is asked for and what it answers: the nouns on both sides of `Engine.submit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from services.generator.decoding.settings import DecodeSettings
from services.generator.decoding.token_processor import TokenProcessor

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

FinishReason = Literal["stop", "length", "cancelled"]


class Follower(Protocol):
    """Makes a sequence's vectors anew for each token; one instance belongs to one draft and may keep state."""

    def __call__(self, generated: Sequence[int]) -> tuple[Mapping[str, Tensor], Sequence[float]]:
        """Vectors `[D]` by source's name before the token that follows `generated` (never the prompt), each the same
        object while it has not changed, and the head's late entries (`services.models.fusion.FusionHead.late`)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FusionInput:
    """What a fusion head mixes into one sequence between decoder and output layer.

    `head` is the content hash under which the head is loaded; `vectors` are `[D]` by source's name, the same for every
    token. `follow` makes instead (once for each draft) what answers them token by token, for sources that must know
    what has been said already. A source that is left out, or a sequence without any, leaves the sequence bit for bit as
    it was."""

    head: str
    vectors: Mapping[str, Sequence[float] | NDArray[Any] | Tensor] = field(default_factory=dict)
    follow: Callable[[], Follower] | None = None


Proposals = Sequence[tuple[int, float, float]]
"""Tokens that may follow, the likeliest first, with their log P and that of the model without a fusion head."""


@dataclass(frozen=True, slots=True)
class Branching:
    """A draft of up to `width` sequences beside each other, for each of which so many and one of the likeliest tokens
    are proposed, and beside these the tokens to `weigh` first."""

    width: int
    weigh: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raises:
        ValueError: names the field.
        """
        if self.width < 1:
            raise ValueError("width must be at least 1")


@dataclass(frozen=True, slots=True)
class Branch:
    """A sequence that goes on: from which of the proposals, with which token, and what to weigh after it."""

    source: int
    token: int
    weigh: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """One draft to make.

    `key` names it among all that are open (turn, round and attempt). `history` are the append-only
    token ids of the accepted turns, which the session's memory is compared with; `tail` is what is new
    this time and ends with the opening of the reply. `version` is the model version's content hash.

    A soft token is an input embedding instead of a token: in `tail` stands an id of no vocabulary, made from version
    and vector hash so that memory made with another vector never matches, and `soft` maps it to its vector
    `[hidden_size]` (`soft_tokens` makes both). `feedback` are the token ids of the feedback that the draft
    answers to, for a model with a feedback encoder of its own; others read it in the tail alone. Drafts of
    higher `priority` are admitted first in a tenant. The last `read` ids of the tail are a reply that is there
    already and is read: the finished draft's log-likelihood has theirs too, by the model without head and processors.

    A draft with `branching` needs a `BranchListener`, which chooses its tokens and knows what it came to: the engine
    shows nothing of it. `observers` are made once for each sequence; they see the logits that a token is chosen from
    and change nothing.
    """

    key: str
    tenant: str
    session: str
    version: str
    history: tuple[int, ...]
    tail: tuple[int, ...]
    settings: DecodeSettings = field(default_factory=DecodeSettings)
    soft: Mapping[int, Tensor] = field(default_factory=dict)
    fusion: FusionInput | None = None
    feedback: tuple[int, ...] = ()
    priority: int = 0
    read: int = 0
    branching: Branching | None = None
    observers: tuple[Callable[[], TokenProcessor], ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one draft: in the prompt, of these taken from the session's memory, and generated."""

    prompt: int
    reused: int
    completion: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds: waiting for a row, computing the prompt, submit to first token, and first to last token."""

    queue: float
    prefill: float
    first_token: float
    decode: float


@dataclass(frozen=True, slots=True)
class FinishedDraft:
    """A draft's end.

    `text` is exactly what the deltas added up to. `token_ids` leaves out the end id; where a stop string
    cut inside a token, that token is left out. `log_likelihood` is the sum over all tokens chosen, the end among
    them, by the model's own distribution (before processors and temperature, and before a fusion head where the slot
    engine runs it); 0 where it was not asked for.
    """

    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    log_likelihood: float = 0.0


class DraftListener(Protocol):
    """Hears of one draft, always on the engine thread: answer quickly and never block.

    Exactly one of `on_finish` and `on_error` comes, last.
    """

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        """Take the next piece of text, whole code points; `token_ids` are the ids since the last delta."""
        ...

    def on_progress(self) -> None:
        """The draft advanced (a chunk of its prompt, a token, or its place in a line that moves): the moment to
        renew its lease."""
        ...

    def on_finish(self, draft: FinishedDraft) -> None:
        """The draft ended: complete, at its length, or cancelled (then with the partial text)."""
        ...

    def on_error(self, error: Exception) -> None:
        """The draft can't be made; what was streamed so far is void."""
        ...


class BranchListener(DraftListener, Protocol):
    """Hears of a draft that branches, and chooses what goes on."""

    def on_proposals(self, proposals: Sequence[Proposals]) -> Sequence[Branch]:
        """Answer which sequences go on, at most as many as the draft's width; each of `proposals` is a sequence's, in
        the order of the answer before. None: the draft has ended."""
        ...
