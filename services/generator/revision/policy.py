"""How a turn's draft is decoded: the turn's own settings, the worker's defaults, and what feedback asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.common.constraints import Constraint, replacement, unwanted_phrase, verifiable
from services.generator.decoding.settings import DecodeSettings
from services.generator.prompt.builder import Prompt
from services.generator.revision.beam_search import Beams
from services.generator.revision.scoring import RevisionContext
from services.generator.settings import GeneratorSettings

_BRIEF = 24
"""Words of a comment up to which its constraints are taken for all that it says."""


@dataclass(frozen=True, slots=True)
class RevisionPolicy:
    """How one draft is made and chosen.

    It is the best of up to `count` candidates by the `constraints`, each met one worth `weight` beside the likelihood;
    those drawn by chance have at least this `temperature`. `anew` is the prompt's tail without the feedback (None: no
    candidate is written anew), `context` what candidates are held against. `reading` has candidates read before they
    are compared, `amending` and `infilling` allow the draft before to be changed by rule or by sentences written into
    it (for both of which it must be read). With `beams` the likeliest candidates are searched for.
    """

    constraints: tuple[Constraint, ...] = ()
    count: int = 1
    weight: float = 0.0
    temperature: float = 0.0
    anew: tuple[int, ...] | None = None
    context: RevisionContext | None = None
    reading: bool = False
    amending: bool = False
    infilling: bool = False
    beams: Beams | None = None

    @property
    def chooses(self) -> bool:
        """Whether there is a choice among candidates to make, or a draft to judge: a search's, or one that may be worse
        than what rules make of the draft before."""
        kept = self.context is not None and bool(self.context.kept)
        return kept or self.count > 1 or (self.beams is not None and bool(self.constraints))


def revision_policy(turn: Mapping[str, Any], prompt: Prompt, worker: GeneratorSettings) -> RevisionPolicy:
    """What the turn asks for, over the worker's defaults, but for `anew`."""
    constraints, weight = to_verify(prompt.constraints), constraint_weight(turn, worker)
    width = beams(turn, worker)
    return RevisionPolicy(
        constraints,
        count=candidates(turn, prompt.constraints, worker),
        weight=weight,
        temperature=worker.redraw_temperature,
        context=revision_context(turn, prompt),
        reading=read(turn),
        amending=amends(turn, prompt),
        infilling=infills(turn, prompt),
        beams=Beams(width, weight, constraints) if width > 1 else None,
    )


def adjusted(
    decode: DecodeSettings, prompt: Prompt, turn: Mapping[str, Any], room: int, worker: GeneratorSettings
) -> DecodeSettings:
    """What the round adds: the constraints' share in decoding, chance for a mere new draw or a second try at the
    same feedback, and a length that fits the context's `room`."""
    if decode.max_new_tokens > room:
        decode = replace(decode, max_new_tokens=max(1, room))
    if prompt.constraints and (turn.get("settings") or {}).get("constrained", True):
        decode = constrained(decode, prompt.constraints)
    failed_before = turn["round"] > 1 and prompt.about_round != turn["round"] - 1
    if (prompt.drawn_again or failed_before) and decode.temperature == 0.0:
        decode = replace(decode, temperature=worker.redraw_temperature, top_p=0.95)
    return decode


def candidates(turn: Mapping[str, Any], constraints: Sequence[Constraint], worker: GeneratorSettings) -> int:
    """How many candidates the draft may be chosen from: as many as the turn asks for, else several for a revision
    that can be verified and is not searched for."""
    own = (turn.get("settings") or {}).get("candidates")
    if own is not None:
        return int(own)
    return worker.candidates if to_verify(constraints) and beams(turn, worker) == 1 else 1


def beams(turn: Mapping[str, Any], worker: GeneratorSettings) -> int:
    """How many beams the draft is searched with: as many as the turn asks for and there are rows; 1, where it does not
    say, is no search."""
    return min(int((turn.get("settings") or {}).get("beams") or 1), worker.max_batch_size)


def fused(turn: Mapping[str, Any]) -> bool:
    """Whether the turn's revisions may use the worker's fusion head; on where the turn does not say."""
    return bool((turn.get("settings") or {}).get("fusion", True))


def read(turn: Mapping[str, Any]) -> bool:
    """Whether candidates are read by the model in the reader's conversation before they are compared; on where the
    turn does not say."""
    return bool((turn.get("settings") or {}).get("reading", True))


def amends(turn: Mapping[str, Any], prompt: Prompt) -> bool:
    """Whether the draft before, amended by rule, is the first candidate: all that was said is of a kind that can be
    verified, and the draft is the last one or one that answers no feedback. On where the turn does not say."""
    return bool((turn.get("settings") or {}).get("amending", True)) and _kept_to_change(turn, prompt)


def infills(turn: Mapping[str, Any], prompt: Prompt) -> bool:
    """Whether sentences may be written into the draft before, under the conditions of `amends`. On where the turn does
    not say."""
    return bool((turn.get("settings") or {}).get("infilling", True)) and _kept_to_change(turn, prompt)


def _kept_to_change(turn: Mapping[str, Any], prompt: Prompt) -> bool:
    if turn["round"] == 0 or prompt.about_round is None:
        return False
    about = turn["drafts"][prompt.about_round]
    comment = str((turn["drafts"][turn["round"]].get("feedback") or {}).get("comment") or "")
    return (
        (prompt.about_round == turn["round"] - 1 or not about.get("feedback"))
        and 0 < len(comment.split()) <= _BRIEF
        and bool(prompt.constraints)
        and to_verify(prompt.constraints) == tuple(prompt.constraints)
    )


def constraint_weight(turn: Mapping[str, Any], worker: GeneratorSettings) -> float:
    """What a met constraint is worth beside the log-likelihood."""
    return float((turn.get("settings") or {}).get("constraint_weight", worker.constraint_weight))


def unrevised(turn: Mapping[str, Any]) -> dict[str, Any]:
    """The turn as it stood before any feedback: what a draft is written anew from."""
    return {**turn, "round": 0, "drafts": turn["drafts"][:1], "understood": {}}


def revision_context(turn: Mapping[str, Any], prompt: Prompt) -> RevisionContext:
    """What the round's drafts are held against."""
    feedback = turn["drafts"][turn["round"]].get("feedback") or {}
    about = "" if prompt.about_round is None else str(turn["drafts"][prompt.about_round].get("text", ""))
    refused = tuple(str(draft.get("text") or "") for draft in turn["drafts"][: turn["round"]] if draft.get("feedback"))
    return RevisionContext(str(turn["text"]), str(feedback.get("comment") or ""), about, refused)


def constrained(decode: DecodeSettings, constraints: Sequence[Constraint]) -> DecodeSettings:
    """The settings with what the constraints ask for."""
    return replace(decode, include=included(constraints), forbid=forbidden(constraints), constraints=tuple(constraints))


def included(constraints: Sequence[Constraint]) -> tuple[str, ...]:
    """Phrases that decoding brings in."""
    phrases = [
        constraint.value
        for constraint in constraints
        if constraint.kind in ("must_include", "keep") and not constraint.unit and constraint.max != 0
    ]
    phrases += [replacement(constraint)[1] for constraint in constraints if constraint.kind == "replace"]
    return tuple(dict.fromkeys(phrase.strip() for phrase in phrases if phrase.strip()))


def forbidden(constraints: Sequence[Constraint]) -> tuple[str, ...]:
    """Phrases that decoding keeps out."""
    return tuple(dict.fromkeys(phrase for constraint in constraints if (phrase := unwanted_phrase(constraint).strip())))


def to_verify(constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """The constraints that a finished draft can be checked against."""
    return tuple(constraint for constraint in constraints if verifiable(constraint))
