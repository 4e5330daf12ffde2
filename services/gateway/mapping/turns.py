"""Turns, drafts and manifests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from antiphon.v1 import common_pb2
from antiphon.v1 import conversation_pb2 as pb

from services.common.reply_format import reply_format
from services.common.state import ready_lead
from services.gateway.auth import request_space, sees_suggestions
from services.gateway.mapping.feedbacks import constraint_messages, feedback_message
from services.gateway.mapping.states import entity_message, state_message
from services.gateway.mapping.times import duration, timestamp
from services.gateway.reply_formats import format_json, format_message
from services.gateway.tools import call_messages, offer_message

Document = Mapping[str, Any]

STATUSES: dict[str, pb.TurnStatus.ValueType] = {
    "waiting": pb.TURN_STATUS_WAITING,
    "active": pb.TURN_STATUS_ACTIVE,
    "completed": pb.TURN_STATUS_COMPLETED,
    "cancelled": pb.TURN_STATUS_CANCELLED,
    "failed": pb.TURN_STATUS_FAILED,
    "held": pb.TURN_STATUS_HELD,
}
_FINISHES = {
    "stop": pb.FINISH_REASON_STOP,
    "length": pb.FINISH_REASON_LENGTH,
    "cancelled": pb.FINISH_REASON_CANCELLED,
    "given": pb.FINISH_REASON_GIVEN,
    "tool_call": pb.FINISH_REASON_TOOL_CALL,
}
_ORIGINS = {"human": pb.DRAFT_ORIGIN_HUMAN, "seeded": pb.DRAFT_ORIGIN_SEEDED, "model": pb.DRAFT_ORIGIN_MODEL}
CANCEL_REASONS: dict[str, pb.CancelReason.ValueType] = {
    "requested": pb.CANCEL_REASON_REQUESTED,
    "interrupted": pb.CANCEL_REASON_INTERRUPTED,
    "rolled_back": pb.CANCEL_REASON_ROLLED_BACK,
    "session_ended": pb.CANCEL_REASON_SESSION_ENDED,
    "taken_over": pb.CANCEL_REASON_TAKEN_OVER,
}
POLICIES: dict[str, common_pb2.ReplyPolicy.ValueType] = {
    "quote": common_pb2.REPLY_POLICY_QUOTE,
    "grounded": common_pb2.REPLY_POLICY_GROUNDED,
    "free": common_pb2.REPLY_POLICY_FREE,
}
_POLICY_NAMES = {value: name for name, value in POLICIES.items()}
_SETTINGS = (
    "max_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed", "beams", "candidates",
    "constraint_weight", "constrained", "fusion", "reading", "amending", "infilling",
)  # fmt: skip


def settings_json(message: common_pb2.DecodingSettings) -> dict[str, Any]:
    """The settings that are set, as a turn keeps them."""
    chosen = {name: getattr(message, name) for name in _SETTINGS if message.HasField(name)}  # type: ignore[arg-type]
    if message.reply_format.kind:
        chosen["reply_format"] = format_json(message.reply_format)
    if message.reply_policy:
        chosen["reply_policy"] = _POLICY_NAMES[message.reply_policy]
    return {**chosen, "stop": list(message.stop)} if message.stop else chosen


def settings_message(document: Document) -> common_pb2.DecodingSettings:
    chosen = {name: document[name] for name in _SETTINGS if document.get(name) is not None}
    policy = POLICIES.get(document.get("reply_policy") or "")
    return common_pb2.DecodingSettings(
        **chosen,
        stop=document.get("stop") or (),
        reply_policy=policy,
        reply_format=format_message(document.get("reply_format")),
    )


def passage_refs(passages: Iterable[Document]) -> list[common_pb2.PassageRef]:
    return [
        common_pb2.PassageRef(
            id=one["id"], revision=one.get("revision") or 0, score=one.get("score") or 0.0, mark=one.get("mark") or ""
        )
        for one in passages
    ]


def fact_refs(facts: Iterable[Document]) -> list[common_pb2.FactRef]:
    return [
        common_pb2.FactRef(id=one["id"], revision=one.get("revision") or 0, mark=one.get("mark") or "") for one in facts
    ]


def evidence_message(document: Document | None) -> common_pb2.Evidence | None:
    """What the knowledge base had to say; None where it was not asked."""
    if not document:
        return None
    return common_pb2.Evidence(
        language=document.get("language") or "",
        answers=[
            common_pb2.EvidenceAnswer(
                kind=one["kind"],
                verdict=one["verdict"],
                probability=one["probability"],
                pieces=[_piece(piece) for piece in one["pieces"]],
                start=one["start"],
                end=one["end"],
            )
            for one in document["answers"]
        ],
    )


def _piece(document: Document) -> common_pb2.EvidencePiece:
    piece = common_pb2.EvidencePiece(
        start=document["start"], end=document["end"], cells=document["cells"], probability=document["probability"]
    )
    if document["kind"] == "fact":
        piece.fact.CopyFrom(fact_refs([document])[0])
    else:
        piece.passage.CopyFrom(passage_refs([document])[0])
    return piece


def manifest_message(document: Document | None) -> common_pb2.Manifest | None:
    """What a draft was made from; None where no model wrote it."""
    if not document:
        return None
    words = {
        name: document.get(name) or ""
        for name in (
            "version_id", "base_model", "template_hash", "tokenizer_hash", "dtype", "kernels", "engine", "worker",
            "prompt_hash", "fusion_head", "state_projector", "passage_projector", "server", "known",
        )
    }  # fmt: skip
    dropped = document.get("dropped")
    return common_pb2.Manifest(
        **words,
        history_draft_ids=document.get("history_draft_ids") or (),
        dropped=common_pb2.TurnRange(first=dropped[0], last=dropped[1]) if dropped else None,
        state_revision=document.get("state_revision") or 0,
        passages=passage_refs(document.get("passages") or ()),
        facts=fact_refs(document.get("facts") or ()),
        feedback_ids=document.get("feedback_ids") or (),
        settings=settings_message(document.get("settings") or {}),
        seed=document.get("seed") or 0,
        correction=correction_use(document.get("correction")),
        layers_version_id=document.get("layers") or "",
        evidence=evidence_message(document.get("evidence")),
        composed_by=document.get("composed_by") or "",
        withheld=document.get("withheld") or (),
        enforced_by=document.get("enforced_by") or (),
        tools=common_pb2.ToolUse(**document["tools"]) if document.get("tools") else None,
    )


def correction_use(document: Document | None) -> common_pb2.CorrectionUse | None:
    if not document:
        return None
    return common_pb2.CorrectionUse(
        example_id=document["id"],
        probability=document["probability"],
        kind=getattr(common_pb2, f"CORRECTION_USE_KIND_{document['use'].upper()}"),
        superseded_by=document.get("superseded_by") or "",
    )


def draft_message(draft: Document, accepted_round: int | None = None) -> pb.Draft:
    """One draft; a cancelled one has the text it got to."""
    usage = draft.get("usage")
    return pb.Draft(
        id=draft.get("id") or "",
        round=draft["round"],
        text=draft.get("text") or "",
        origin=_ORIGINS.get(draft.get("author") or "model", pb.DRAFT_ORIGIN_MODEL),
        finish_reason=_finish(draft),
        usage=None if not usage else _usage(usage),
        manifest=manifest_message(draft.get("manifest")),
        feedback=feedback_message(draft.get("feedback")),
        constraints=constraint_messages(draft.get("constraints") or ()),
        accepted=accepted_round is not None and accepted_round == draft["round"],
        create_time=timestamp(draft.get("completed_at")),
        checks=[
            pb.ConstraintCheck(constraint=constraint, met=bool(one.get("met")))
            for one in draft.get("checks") or ()
            for constraint in constraint_messages([one["constraint"]])
        ],
        citations=[_citation(one) for one in draft.get("citations") or ()],
        handoff=bool(draft.get("handoff")),
        shadow=draft.get("status") == "shadow",
        tool_calls=call_messages(draft.get("tool_calls") or ()),
    )


def _citation(document: Document) -> pb.Citation:
    made = pb.Citation(
        mark=str(document["number"]),
        start=document["start"],
        end=document["end"],
        marked=document["marked"],
        supported=document["supported"],
    )
    if document.get("kind") == "passage":
        made.passage.CopyFrom(passage_refs([document])[0])
    elif document.get("kind") == "fact":
        made.fact.CopyFrom(fact_refs([document])[0])
    return made


def _finish(draft: Document) -> pb.FinishReason.ValueType:
    if draft.get("status") == "cancelled":
        return pb.FINISH_REASON_CANCELLED
    return _FINISHES.get(draft.get("finish_reason") or "", pb.FINISH_REASON_UNSPECIFIED)


def _usage(usage: Document) -> pb.Usage:
    return pb.Usage(
        prompt_tokens=usage.get("prompt_tokens") or 0,
        reused_tokens=usage.get("reused_tokens") or 0,
        reply_tokens=usage.get("reply_tokens") or 0,
        queue_time=duration(usage.get("queue_seconds")),
        first_token_time=duration(usage.get("first_token_seconds")),
        generation_time=duration(usage.get("generation_seconds")),
    )


def understood_message(understood: Document, state: Document | None = None) -> pb.TurnUnderstood:
    """What the tracker made of the words: constraints of feedback; intents and entities of a message."""
    intents = understood.get("intents") or {}
    entities = understood.get("entities") or ()
    if state and not intents and not entities:
        services = state.get("services") or {}
        intents = {name: one["intent"] for name, one in services.items() if one.get("intent")}
        entities = state.get("entities") or ()
    return pb.TurnUnderstood(
        intents=intents,
        entities=[entity_message(one) for one in entities],
        constraints=constraint_messages(understood.get("constraints") or ()),
        unparsed=understood.get("unparsed") or (),
        skipped=understood.get("skipped") or (),
    )


def ready_message(lead: Mapping[str, Any]) -> pb.TurnReady:
    """An intent that has all it requires, of a state's `lead`."""
    return pb.TurnReady(
        service=lead["service"],
        intent=lead["intent"],
        values=dict(lead.get("values") or {}),
        confirmed=bool(lead.get("confirmed")),
    )


def turn_message(turn: Document, *, followed: bool = False) -> pb.Turn:
    """A whole turn; ``followed``: a later turn of the session was accepted, and this one's reply with it.

    Drafts without any text (running, or failed before it) are left out.
    """
    accepted = accepted_round(turn, followed=followed)
    suggested = sees_suggestions()
    drafts = [_with_partial(turn, draft) for draft in turn["drafts"] if suggested or draft["status"] != "shadow"]
    partial = "" if turn.get("shadow") and not suggested else turn.get("partial") or ""
    text_so_far = (drafts[-1].get("text") if drafts else "") or partial
    state = turn.get("state")
    understood = (turn.get("understood") or {}).get(str(turn["round"]))
    failure = turn.get("failure") if turn["status"] == "failed" else None
    cancelled = turn.get("cancel_reason") if turn["status"] == "cancelled" else None
    return pb.Turn(
        id=turn["_id"],
        session_id=turn["session"],
        number=turn["n"],
        text=turn["text"],
        status=STATUSES[turn["status"]],
        position=common_pb2.Position(round=turn["round"], attempt=turn["attempt"], offset=len(text_so_far)),
        drafts=[draft_message(draft, accepted) for draft in drafts if _shown(draft)],
        accepted_round=accepted,
        state=state_message(state) if state else None,
        state_revision=(state or {}).get("base_revision") or 0,
        understood=understood_message(understood or {}, state) if understood or state else None,
        ready=ready_message(ready) if (ready := ready_lead(state)) else None,
        version_id=turn.get("version") or "",
        error=pb.TurnError(reason=failure["reason"], message=failure["message"]) if failure else None,
        excluded=bool(turn.get("excluded")),
        cancel_reason=CANCEL_REASONS.get(cancelled or "", pb.CANCEL_REASON_UNSPECIFIED),
        replaces_turn_id=turn.get("replaces") or "",
        create_time=timestamp(turn["accepted_at"]),
        end_time=timestamp(turn.get("ended_at")) if not turn.get("open") else None,
        request_id=((turn.get("request") or {}).get("id") or "").removeprefix(_own_space()),
        offer=offer_message(turn.get("offer")),
        reply_format=format_message(reply_format(turn)),
        tool_results=[pb.ToolResult(**result) for result in turn.get("tool_results") or ()],
    )


def _own_space() -> str:
    """What stands before the request ids of this call's credential where they are stored."""
    space = request_space()
    return f"{space}/" if space else ""


def accepted_round(turn: Document, *, followed: bool) -> int | None:
    """The round whose draft counts: the one that was accepted, else the latest completed once the talk went on."""
    chosen: int | None = turn.get("accepted_round")
    if chosen is None and followed and not turn.get("excluded"):
        completed = [draft["round"] for draft in turn["drafts"] if draft["status"] == "completed"]
        chosen = max(completed, default=None)
    return chosen


def _shown(draft: Document) -> bool:
    return bool(draft.get("text")) or draft["status"] == "completed"


def _with_partial(turn: Document, draft: Document) -> Document:
    """A cancelled draft shows the text of the last renewal until its engine has stored the rest."""
    if draft["status"] == "cancelled" and not draft.get("text") and draft["round"] == turn["round"]:
        return {**draft, "text": turn.get("partial")}
    return draft
