"""The figures of a span of time."""

from __future__ import annotations

from datetime import datetime

from antiphon.v1 import conversation_pb2 as pb

from services.common.store.activity import HOUR_MS, Figures
from services.gateway.mapping.times import duration, timestamp

GRADES = range(1, 6)


def activity_message(figures: Figures, since: datetime, until: datetime) -> pb.GetActivityResponse:
    """The figures, with an hour for each that the span touches."""
    hours = -(-int((until - since).total_seconds() * 1000) // HOUR_MS)
    return pb.GetActivityResponse(
        start_time=timestamp(since),
        end_time=timestamp(until),
        turns=sum(figures.ends.values()),
        completed=figures.ends.get("completed", 0),
        cancelled=figures.ends.get("cancelled", 0),
        failed=figures.ends.get("failed", 0),
        held=figures.ends.get("held", 0),
        satisfied_at_once=figures.satisfied_at_once,
        satisfied_revised=figures.satisfied_revised,
        answered_by_person=figures.answered_by_person,
        first_words_median=duration(figures.first_words[0]),
        first_words_p95=duration(figures.first_words[1]),
        reply_median=duration(figures.whole_reply[0]),
        reply_p95=duration(figures.whole_reply[1]),
        takeovers=figures.takeovers,
        unsupported_replies=figures.unsupported_replies,
        unsupported_sentences=figures.unsupported_sentences,
        feedback=figures.feedback,
        corrections=figures.corrections,
        ratings=[figures.ratings.get(grade, 0) for grade in GRADES],
        learned=figures.learned,
        turns_by_hour=[figures.hours.get(hour, 0) for hour in range(hours)],
        cut=figures.cut,
    )
