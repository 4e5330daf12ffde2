"""What a turn's round is written from: its prompt, the engine's request, the manifest of both, and who writes it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.common.reply_format import reply_format
from services.common.store import Document, GroundingText, Store
from services.generator.conditioning.soft_inputs import Soft, SoftInputs
from services.generator.decoding.settings import DecodeSettings, decode_settings
from services.generator.engine import DraftEngine, DraftListener, DraftRequest, FusionInput
from services.generator.prompt.builder import Prompt, PromptBuilder, asked_constraints
from services.generator.revision.best_of_n import BestOfN
from services.generator.revision.policy import (
    RevisionPolicy,
    adjusted,
    fused,
    revision_policy,
    unrevised,
)
from services.generator.settings import GeneratorSettings
from services.generator.turns.composed import ComposedReply
from services.generator.turns.corrections import CorrectionDesk, InScope, correction_note
from services.generator.turns.history import History
from services.generator.turns.lacking import refuse_lacking
from services.generator.turns.revision_composer import RevisionComposer
from services.generator.turns.superseded import refusing
from services.generator.turns.tool_calls import tools_manifest
from services.generator.turns.version_cache import VersionCache
from services.generator.turns.writer import QuotedReply, SequenceWriter, Writer

if TYPE_CHECKING:
    from services.generator.conditioning.feedback_fusion import FeedbackFusion

_STOPPING = 2.0
"""Seconds that an engine which has heard of a cancel at its renewal may take to store the rest."""


@dataclass(frozen=True)
class DraftPlan:
    """A turn's current round, ready to be written: its prompt, the engine's request, how the draft is made and chosen,
    and the manifest of all."""

    turn: Document
    prompt: Prompt
    request: DraftRequest
    policy: RevisionPolicy
    manifest: Document
    quoted: str = ""  # the reply that a reviewer gave to what this message asks; else the engine writes one


class DraftPlanner:
    """Plans drafts. `identity` holds the manifest's fields that are the worker's: base model, kernels, …"""

    def __init__(
        self,
        settings: GeneratorSettings,
        store: Store,
        engine: DraftEngine,
        prompts: PromptBuilder,
        versions: VersionCache,
        identity: Document,
        *,
        fusion: FeedbackFusion | None = None,
        soft_inputs: SoftInputs | None = None,
        corrections: CorrectionDesk | None = None,
        revisions: RevisionComposer | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._engine = engine
        self._prompts = prompts
        self._versions = versions
        self._identity = identity
        self._fusion = fusion  # None: revisions are made without a fusion head, unless their version has one
        self._soft_inputs = soft_inputs or SoftInputs()  # state and notes reach the model as text alone
        self._corrections = corrections  # None: replies go by what people corrected in no way but the version's weights
        self._revisions = revisions  # None: revisions are held against nothing but their constraints
        self._history = History(store, settings.renew_seconds + _STOPPING)
        self._refuses = settings.superseded_values == "refuse"

    def plan(self, turn: Document, earlier: Sequence[Document] | None = None, *, known: str = "") -> DraftPlan:
        """A turn's current round, ready to be written. ``earlier``: the turns of its history as they are to be used;
        None: those of its session. ``known``: the reply in words that a JSON object is to be made of.

        Raises: PromptTooLong of ``services.generator.prompt.builder``; EngineLacks.
        """
        refuse_lacking(turn, self._engine.abilities)
        decode = decode_settings(turn, self._settings)
        notes = self._grounding(turn)
        inside = self._in_scope(turn, notes)
        if inside is not None and inside.use == "note":
            notes = [correction_note(inside.correction), *notes]
        computed_by = self._computed_by(turn, inside)
        soft = self._soft_inputs.of(turn.get("state"), notes, computed_by)
        quoted = inside.correction.reply if inside is not None and inside.use == "quoted" else ""
        if decode.form is not None:
            known = quoted or known
        prompt = self._prompt(turn, decode.max_new_tokens, notes, soft, earlier, known)
        room = self._engine.context_limit - len(prompt)
        decode = adjusted(decode, prompt, turn, room, self._settings)
        if self._refuses:
            decode = refusing(decode, notes, str(turn["text"]))
        if decode.form is not None:  # what shapes words would break it; the checks say what the object misses
            decode = replace(decode, include=(), constraints=())
        request = DraftRequest(
            key=f"{turn['_id']}:{turn['round']}:{turn['attempt']}",
            tenant=turn["tenant"],
            session=turn["session"],
            version=computed_by,
            history=prompt.history,
            tail=prompt.tail,
            settings=decode,
            soft=soft.vectors,
            fusion=self._fusion_input(turn, prompt),
            feedback=prompt.feedback,
        )
        policy = revision_policy(turn, prompt, self._settings)
        if self._revisions is not None and prompt.about_round is not None:
            policy = self._revisions.guarded(turn, policy)
        if decode.tools is not None or decode.form is not None:  # one draft, held to its grammar
            policy = replace(policy, count=1, context=None, amending=False, infilling=False, beams=None)
        if policy.chooses:
            policy = replace(policy, anew=self._anew(turn, prompt))
        manifest = self._manifest(turn, prompt, request, policy, soft)
        manifest |= {"layers": computed_by, "correction": inside.manifest() if inside is not None else None}
        if decode.form is not None:
            manifest["known"] = known
            manifest["settings"]["reply_format"] = dict(reply_format(turn) or {})
        if (tools := tools_manifest(turn)) is not None:
            manifest["tools"] = tools
        return DraftPlan(turn, prompt, request, policy, manifest, quoted if _free(decode) else "")

    def corrected(self, turn: Document) -> bool:
        """Whether people corrected a reply to what this message asks, so that the correction is what counts."""
        inside = self._in_scope(turn, self._grounding(turn))
        return inside is not None and inside.use != "superseded"

    def composed(self, turn: Document, reply: ComposedReply) -> tuple[Prompt, Document]:
        """What a composed reply is stored with: a prompt without tokens, since no model reads one, and the manifest."""
        grounding = turn.get("grounding") or {}
        manifest = {
            **self._identity,
            "version_id": self._version(turn),
            "state_revision": (turn.get("state") or {}).get("base_revision", 0),
            "passages": [],
            "facts": [],
            "evidence": grounding.get("evidence"),
            "composed_by": reply.by,
            **reply.about,
        }
        if turn["round"]:
            manifest["feedback_ids"] = [d["id"] for d in turn["drafts"][: turn["round"] + 1] if d.get("feedback")]
        constraints = asked_constraints(turn) if turn["round"] else ()
        return Prompt((), (), (), None, constraints, None, drawn_again=False), manifest

    def writer(self, plan: DraftPlan, listener: DraftListener) -> Writer:
        """What has the engine write the draft, in as many candidates as it is to be chosen from."""
        if plan.quoted:
            return QuotedReply(self._engine, plan.request, listener, plan.quoted)
        if plan.policy.chooses:
            return BestOfN(self._engine, plan.request, listener, plan.policy)
        return SequenceWriter(self._engine, plan.request, listener, plan.policy.beams)

    def continued(self, prompt: Prompt, turn: Document, token_ids: Sequence[int]) -> tuple[str, tuple[int, ...]]:
        """(the engine's name of what computes it, the ids) of the history that begins with this prompt and reply."""
        return self._computed_by(turn, None), self._prompts.continued(prompt, turn, token_ids)

    def _in_scope(self, turn: Document, notes: Sequence[GroundingText]) -> InScope | None:
        scope = self._versions.scope(turn.get("version") or "")
        return self._corrections.of_turn(turn, scope, notes) if self._corrections is not None else None

    def _computed_by(self, turn: Document, inside: InScope | None) -> str:
        """The engine's name of what computes the turn: a version with a scope only inside it."""
        version = turn.get("version") or ""
        bounded = self._versions.scope(version) is not None and self._settings.corrections != "everywhere"
        if bounded and (inside is None or inside.use != "weights"):
            return self._versions.name("")
        return self._versions.computed_by(version)

    def _prompt(
        self,
        turn: Document,
        reply_tokens: int,
        notes: Sequence[GroundingText],
        soft: Soft,
        earlier: Sequence[Document] | None,
        known: str,
    ) -> Prompt:
        if earlier is None:
            earlier = self._history.before(turn)
        return self._prompts.build(
            turn,
            earlier,
            grounding=notes,
            reply_tokens=min(reply_tokens, self._engine.context_limit // 2),
            system_text=turn.get("system_text", ""),
            soft=soft.ids,
            with_state=soft.with_state,
            with_notes=soft.with_notes,
            known=known,
        )

    def _anew(self, turn: Document, prompt: Prompt) -> tuple[int, ...] | None:
        """The prompt's tail without the feedback; None where there is none in it."""
        if prompt.about_round is None:
            return None
        plain = unrevised(turn)
        return self._prompts.build(
            plain,
            [],
            grounding=prompt.notes[::-1],
            reply_tokens=1,
            soft=prompt.soft,
            with_state=prompt.with_state,
            with_notes=prompt.with_notes,
        ).tail

    def _grounding(self, turn: Document) -> list[GroundingText]:
        found = turn.get("grounding") or {}
        if not found.get("passages") and not found.get("facts"):
            return []
        return self._store.knowledge.read_grounding(turn["tenant"], found["passages"], found["facts"])

    def _version(self, turn: Document) -> str:
        return self._versions.name(turn.get("version") or "")

    def _head(self, turn: Document) -> FeedbackFusion | None:
        """The head of the turn's version, else the worker's."""
        return self._versions.fusion(turn.get("version") or "") or self._fusion

    def _fusion_input(self, turn: Document, prompt: Prompt) -> FusionInput | None:
        if not fused(turn):
            return None
        head = self._head(turn)
        return head.of_turn(turn, prompt.constraints) if head is not None else None

    def _manifest(
        self, turn: Document, prompt: Prompt, request: DraftRequest, policy: RevisionPolicy, soft: Soft
    ) -> Document:
        """Everything the reply follows from; names are those of ``antiphon.v1.Manifest``."""
        found = turn.get("grounding") or {}
        decode = request.settings
        digest = hashlib.sha256(repr((prompt.history, prompt.tail)).encode()).hexdigest()[:16]
        head = self._head(turn)
        return {
            **self._identity,
            "version_id": self._version(turn),
            "fusion_head": head.head if head is not None else "",
            "state_projector": soft.state_projector,
            "passage_projector": soft.passage_projector,
            "history_draft_ids": list(prompt.draft_ids),
            "dropped": list(prompt.dropped) if prompt.dropped else None,
            "state_revision": (turn.get("state") or {}).get("base_revision", 0),
            "passages": _marked(found.get("passages", []), prompt, "passage"),
            "facts": _marked(found.get("facts", []), prompt, "fact"),
            "feedback_ids": [d["id"] for d in turn["drafts"][: turn["round"] + 1] if d.get("feedback")],
            "settings": {
                **decode.to_json(),
                "candidates": policy.count,
                "beams": policy.beams.width if policy.beams is not None else 1,
                "constraint_weight": policy.weight,
                "reading": policy.reading,
                "amending": policy.amending,
                "infilling": policy.infilling,
                "fusion": request.fusion is not None,
            },
            "forbid": [*decode.forbid, *decode.refuse],
            "include": list(decode.include),
            "seed": decode.seed,
            "prompt_hash": digest,
        }


def _free(decode: DecodeSettings) -> bool:
    """Whether nothing is asked of the reply's form that a quoted one might not have."""
    return not (decode.constraints or decode.forbid or decode.include or decode.tools or decode.form)


def _marked(references: Sequence[Document], prompt: Prompt, kind: str) -> list[Document]:
    """Those of the references whose text is in the prompt, each with the number it has there."""
    marks = {(note.id, note.revision): str(n) for n, note in enumerate(prompt.notes, 1) if note.kind == kind}
    keys = [(one["id"], one["revision"]) for one in references]
    return [{**one, "mark": marks[key]} for one, key in zip(references, keys, strict=True) if key in marks]
