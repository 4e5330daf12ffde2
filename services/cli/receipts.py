"""A receipt in sentences: from a piece of feedback to the replies that it changed."""

from __future__ import annotations

from antiphon.v1 import common_pb2, feedback_pb2
from rich.markup import escape

from services.cli.models import report_lines
from services.cli.train import status_word

_USES = {
    common_pb2.CORRECTION_USE_KIND_QUOTED: "quoted",
    common_pb2.CORRECTION_USE_KIND_WEIGHTS: "written by a version that learned it",
    common_pb2.CORRECTION_USE_KIND_NOTE: "written with it in the prompt",
    common_pb2.CORRECTION_USE_KIND_SUPERSEDED: "set it aside for something newer",
}


def receipt_lines(receipt: feedback_pb2.Receipt) -> list[str]:
    """The receipt line by line: what was said, what was made of it, what learned that, and which replies it gave."""
    lines = [*_said(receipt.record), _example(receipt)]
    for learned in receipt.trainings:
        lines += _training(learned)
    if receipt.example_id and not receipt.trainings:
        lines.append("No training has learned it yet.")
    return [*lines, *_replies(receipt)]


def _said(record: feedback_pb2.FeedbackRecord) -> list[str]:
    status = feedback_pb2.FeedbackStatus.Name(record.status).removeprefix("FEEDBACK_STATUS_").lower()
    refusal = f": {escape(record.refusal)}" if record.refusal else ""
    lines = [f"[bold]{record.id}[/bold] of {escape(record.user_id) or 'nobody'}: {status}{refusal}"]
    told = (("asked", record.prompt), ("answered", record.reply), ("corrected", record.feedback.edited_text))
    lines += [f"  {name}: {escape(text)}" for name, text in (*told, ("comment", record.feedback.comment)) if text]
    return lines


def _example(receipt: feedback_pb2.Receipt) -> str:
    if not receipt.example_id:
        return "No example was made of it."
    if receipt.holds:
        return f"It became {receipt.example_id}, the last word about its message. {reach(receipt.record)}"
    by = f" by {receipt.overruled_by_id}" if receipt.overruled_by_id else ""
    return f"It became {receipt.example_id}, which was overruled{by}."


def reach(record: feedback_pb2.FeedbackRecord) -> str:
    """Whom a correction answers as yet."""
    if record.reviewed:
        return "It is a reviewer's, and quoted to whoever asks the same."
    return "It is a user's: it answers others once a version that learned it is promoted."


def _training(learned: feedback_pb2.ReceiptTraining) -> list[str]:
    training, version = learned.training, learned.version
    if not version.id:
        return [f"{training.id} ({status_word(training)}) learned it and made no version."]
    served = "is served" if learned.current else "is not served"
    promoted = (
        f"promoted {learned.promote_time.ToDatetime():%Y-%m-%d %H:%M}" if learned.HasField("promote_time") else ""
    )
    lines = [f"{training.id} learned it; its version {version.id[:16]} {served}{promoted and f', {promoted}'}."]
    return lines + ([f"  {line}" for line in report_lines(version)] if version.measures else [])


def _replies(receipt: feedback_pb2.Receipt) -> list[str]:
    if not receipt.replies:
        return ["No reply was given by it yet."] if receipt.example_id else []
    lines = [f"{len(receipt.replies)} replies went by it, the latest first:"]
    for reply in receipt.replies:
        use = _USES.get(reply.use.kind, "")
        lines.append(f"  {reply.turn_id} round {reply.round}: {use} (in its scope at {reply.use.probability:.0%})")
    return lines
