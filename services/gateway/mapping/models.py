"""Trainings, versions, the pointer, and what generators report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.v1 import model_pb2 as pb

from services.gateway.mapping.times import timestamp

_TRAINING = {
    word: getattr(pb, f"TRAINING_STATUS_{word.upper()}")
    for word in ("queued", "gathering", "training", "evaluating", "uploading", "completed", "cancelled", "failed")
}
_KINDS = {word: getattr(pb, f"TRAINING_KIND_{word.upper()}") for word in ("adapter", "fusion_head")}
_VERSION = {word: getattr(pb, f"VERSION_STATUS_{word.upper()}") for word in ("ready", "gate_failed", "withdrawn")}


def training_kind(number: int) -> str:
    """The word for a kind of training; adapters where it is not said."""
    return next((word for word, known in _KINDS.items() if known == number), "adapter")


def training_message(run: Mapping[str, Any]) -> pb.Training:
    """A training run."""
    return pb.Training(
        id=run["_id"],
        status=_TRAINING[run["status"]],
        from_version_id=run.get("from_version") or "",
        version_id=run.get("version") or "",
        training_set_id=run.get("training_set") or "",
        new_examples=run.get("new_examples", 0),
        replay_examples=run.get("replay_examples", 0),
        step=run.get("step", 0),
        total_steps=run.get("total_steps", 0),
        loss=run.get("loss", 0.0),
        eta_seconds=run.get("eta_seconds", 0.0),
        error=run.get("error") or "",
        settings=pb.TrainingSettings(**run.get("settings", {})),
        kind=_KINDS[run.get("kind", "adapter")],
        create_time=timestamp(run.get("created_at")),
        end_time=timestamp(run.get("ended_at")),
    )


def version_message(version: Mapping[str, Any]) -> pb.Version:
    """A version with its measures."""
    return pb.Version(
        id=version["version"],
        base_model=version["base_model"],
        parent_id=version.get("parent") or "",
        training_id=version.get("training") or "",
        training_set_id=version.get("training_set") or "",
        status=_VERSION[version["status"]],
        measures=[pb.EvaluationMeasure(**measure) for measure in version.get("measures", ())],
        trained_on_erased=version.get("trained_on_erased", False),
        size_bytes=version.get("size", 0),
        kind=_KINDS[version.get("kind", "adapter")],
        fusion_head_id=version.get("fusion_head") or "",
        scope=pb.VersionScope(**version["scope"]) if version.get("scope") else None,
        create_time=timestamp(version.get("created_at")),
    )


def pointer_message(pointer: Mapping[str, Any]) -> pb.VersionPointer:
    """What a tenant is served."""
    return pb.VersionPointer(
        current_id=pointer["current"],
        previous_id=pointer["previous"] or "",
        canary_id=pointer["canary"] or "",
        canary_share=pointer["canary_share"],
        epoch=pointer["epoch"],
    )


def serving_message(report: Mapping[str, Any], tenant: str) -> pb.Serving:
    """What one generator reports, as far as it is this tenant's business."""
    mine: Mapping[str, Any] = next((one for one in report.get("tenants", ()) if one["tenant"] == tenant), {})
    return pb.Serving(
        worker=report["_id"],
        loaded_version_ids=[*report.get("versions", ()), *mine.get("versions", ())],
        current_id=mine.get("current") or (report.get("versions") or [""])[0],
        epoch=mine.get("epoch", 0),
        slots=report.get("rows", 0),
        active=report.get("busy", 0),
        update_time=timestamp(report.get("seen_at")),
    )
