"""Receipts of feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from antiphon.v1 import feedback_pb2 as pb

from services.common.store import Document
from services.common.store.receipts import Learned
from services.gateway.mapping.feedbacks import record_message
from services.gateway.mapping.models import training_message, version_message
from services.gateway.mapping.times import timestamp
from services.gateway.mapping.turns import correction_use

if TYPE_CHECKING:
    from services.gateway.receipts import Receipt


def receipt_message(receipt: Receipt) -> pb.Receipt:
    """A receipt; how versions were judged is left out where its caller is not to know."""
    example = receipt.example["_id"] if receipt.example is not None else ""
    return pb.Receipt(
        record=record_message(receipt.record),
        example_id=example,
        holds=receipt.holds,
        overruled_by_id=receipt.overruled_by,
        trainings=[_training(learned, receipt) for learned in receipt.learned],
        replies=[reply for turn in receipt.replies for reply in _replies(turn, example)],
    )


def _training(learned: Learned, receipt: Receipt) -> pb.ReceiptTraining:
    version = version_message(learned.version) if learned.version is not None else None
    if version is not None and not receipt.measured:
        version.ClearField("measures")
    return pb.ReceiptTraining(
        training=training_message(learned.run),
        version=version,
        promote_time=timestamp(learned.promotion["at"]) if learned.promotion is not None else None,
        current=version is not None and version.id == receipt.current,
    )


def _replies(turn: Document, example: str) -> list[pb.ReceiptReply]:
    used = [(draft, (draft.get("manifest") or {}).get("correction") or {}) for draft in turn["drafts"]]
    return [
        pb.ReceiptReply(
            session_id=turn["session"],
            turn_id=turn["_id"],
            round=draft["round"],
            use=correction_use(use),
            create_time=timestamp(turn.get("accepted_at")),
        )
        for draft, use in used
        if use.get("id") == example
    ]
