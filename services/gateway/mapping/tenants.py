"""Tenants, their quotas and retention, and erasures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.v1 import admin_pb2 as pb

from services.common.errors import InvalidArgument
from services.common.privacy.policy import Mode, Policy
from services.gateway.mapping.times import duration, timestamp

QUOTAS = tuple(field.name for field in pb.Quotas.DESCRIPTOR.fields)
RETENTION = tuple(field.name for field in pb.Retention.DESCRIPTOR.fields)
SHORTEST, LONGEST = 86_400, 100 * 366 * 86_400
MAX_KEPT = 100
_MODES: dict[pb.PrivacyMode.ValueType, Mode] = {
    pb.PRIVACY_MODE_UNSPECIFIED: "masked",
    pb.PRIVACY_MODE_OFF: "off",
    pb.PRIVACY_MODE_MASKED: "masked",
    pb.PRIVACY_MODE_REVERSIBLE: "reversible",
}
_REVEAL = {
    pb.KEY_ROLE_UNSPECIFIED: "operator",
    pb.KEY_ROLE_REVIEWER: "reviewer",
    pb.KEY_ROLE_OPERATOR: "operator",
}
_ERASURES = {word: getattr(pb, f"ERASURE_STATUS_{word.upper()}") for word in ("tombstoned", "waiting", "done")}


def quotas_document(message: pb.Quotas) -> dict[str, int]:
    """Quotas as stored: what is 0 is at the server's default and left out. Raises InvalidArgument."""
    for name in QUOTAS:
        if getattr(message, name) < 0:
            raise InvalidArgument(f"quotas.{name}", "is negative")
    return {name: getattr(message, name) for name in QUOTAS if getattr(message, name)}


def retention_document(message: pb.Retention) -> dict[str, float]:
    """Retention as stored, in seconds; what is unset is kept for ever. Raises InvalidArgument."""
    kept: dict[str, float] = {}
    for name in RETENTION:
        if message.HasField(name):  # type: ignore[arg-type]
            seconds = getattr(message, name).seconds
            if not SHORTEST <= seconds <= LONGEST:
                raise InvalidArgument(f"retention.{name}", "is less than a day or more than a hundred years")
            kept[name] = float(seconds)
    return kept


def privacy_document(message: pb.Privacy) -> dict[str, Any]:
    """How personal data is masked, as stored. Raises InvalidArgument."""
    if message.mode not in _MODES:
        raise InvalidArgument("privacy.mode", "is unknown")
    if message.reveal_role not in _REVEAL:
        raise InvalidArgument("privacy.reveal_role", "choose reviewer or operator")
    kept = list(dict.fromkeys(value.strip() for value in message.keep))
    if len(message.keep) > MAX_KEPT or any(not 3 <= len(value) <= 200 for value in kept):
        raise InvalidArgument("privacy.keep", f"at most {MAX_KEPT} values of 3 to 200 characters")
    return {"mode": _MODES[message.mode], "keep": kept, "reveal_role": _REVEAL[message.reveal_role]}


def privacy_message(document: Mapping[str, Any]) -> pb.Privacy:
    """How personal data is masked; what nobody has set is masked."""
    policy = Policy.of(document)
    modes = {word: number for number, word in _MODES.items() if number}
    roles = {word: number for number, word in _REVEAL.items() if number}
    return pb.Privacy(mode=modes[policy.mode], keep=policy.keep, reveal_role=roles[policy.reveal_role])


def tenant_message(document: Mapping[str, Any]) -> pb.Tenant:
    """A tenant."""
    kept = {name: duration(seconds) for name, seconds in (document.get("retention") or {}).items()}
    return pb.Tenant(
        id=document["_id"],
        display_name=document.get("display_name") or document["_id"],
        disabled=bool(document.get("disabled")),
        quotas=pb.Quotas(**(document.get("quotas") or {})),
        retention=pb.Retention(**kept),
        create_time=timestamp(document.get("created_at")),
        privacy=privacy_message(document.get("privacy") or {}),
    )


def erasure_message(document: Mapping[str, Any]) -> pb.Erasure:
    """An erasure."""
    return pb.Erasure(
        id=document["_id"],
        user_hash=document["user_hash"],
        status=_ERASURES[document["status"]],
        erased={one["collection"]: one["documents"] for one in document["erased"]},
        version_ids=document["versions"],
        create_time=timestamp(document["created_at"]),
        end_time=timestamp(document.get("ended_at")),
    )
