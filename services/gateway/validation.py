"""What requests must look like; the first thing that does not is refused with its field, nothing is stored."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from antiphon.v1 import common_pb2, feedback_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.constraints import Constraint, ConstraintError, validate_all
from services.common.errors import InvalidArgument
from services.common.ids import new_id
from services.common.store import Request
from services.common.store.keys import ACCESS as ACCESS_SCOPE
from services.common.store.keys import ALL_SESSIONS
from services.gateway.auth import request_space
from services.gateway.mapping.feedbacks import feedback_json

MAX_ID = 128
MAX_USER = 256
MAX_LABELS, MAX_LABEL_KEY, MAX_LABEL_VALUE = 32, 64, 256
MAX_CONSTRAINTS = 64
MAX_NAME = 1_000
ACCESS = "access:"  # a label that only those find who have it
MAX_STOPS, MAX_STOP = 8, 200
PAGE, MAX_PAGE = 50, 500
MAX_INT64 = 2**63 - 1

# Fields that say how to answer, not what to do: they may differ when a call is repeated.
_MANNERS = ("request_id", "wait_for_completion")


def request_of(method: str, message: Message) -> Request:
    """The request's id and the hash of its payload; a call without an id gets one that nobody knows. Ids of those who
    act for themselves alone are their own."""
    given: str = message.request_id  # type: ignore[attr-defined]
    if len(given) > MAX_ID:
        raise InvalidArgument("request_id", f"has {len(given)} characters, at most {MAX_ID} are taken")
    payload = type(message)()
    payload.CopyFrom(message)
    for name in _MANNERS:
        if name in payload.DESCRIPTOR.fields_by_name:
            payload.ClearField(name)
    digest = hashlib.sha256(payload.SerializeToString(deterministic=True)).hexdigest()
    space = request_space()  # two people who both call their request "1" mean two requests
    name = f"{space}/{given}" if space and given else given or new_id("request")
    return Request(method, name, digest, bool(given))


def identifier(field: str, value: str) -> str:
    """An id as a caller gives it back: filled and of bearable length; whether it exists is not looked at."""
    if not value:
        raise InvalidArgument(field, "is needed")
    if len(value) > MAX_ID:
        raise InvalidArgument(field, f"has {len(value)} characters, at most {MAX_ID} are taken")
    return value


def words(field: str, value: str, limit: int, *, needed: bool = True) -> str:
    """A text of at most ``limit`` code points; where it is needed, not only white space."""
    if needed and not value.strip():
        raise InvalidArgument(field, "is empty")
    if len(value) > limit:
        raise InvalidArgument(field, f"has {len(value)} characters, at most {limit} are taken")
    return value


def between(field: str, value: float, low: float, high: float) -> None:
    """Raises unless ``low <= value <= high``; NaN lies nowhere."""
    if math.isnan(value) or not low <= value <= high:
        raise InvalidArgument(field, f"{value:g} is not between {low:g} and {high:g}")


def above(field: str, value: float, low: float, high: float) -> None:
    """Raises unless ``low < value <= high``."""
    if math.isnan(value) or not low < value <= high:
        raise InvalidArgument(field, f"{value:g} must be above {low:g} and at most {high:g}")


def choice(field: str, enum: Any, value: int) -> None:
    """Raises for a number that is no value of the enum (proto3 lets them through)."""
    if value not in enum.values():
        raise InvalidArgument(field, f"{value} is no {enum.DESCRIPTOR.name}")


def labels(field: str, given: Mapping[str, str]) -> list[dict[str, str]]:
    """Labels as a document keeps them: a list, because keys may hold what a field's name may not."""
    if len(given) > MAX_LABELS:
        raise InvalidArgument(field, f"{len(given)} labels, at most {MAX_LABELS} are taken")
    for key, value in given.items():
        words(f"{field}.key", key, MAX_LABEL_KEY)
        words(f"{field}[{key}]", value, MAX_LABEL_VALUE, needed=False)
    return [{"key": key, "value": value} for key, value in sorted(given.items())]


def label_words(field: str, given: Sequence[str]) -> list[str]:
    """Labels that are mere words: sorted, each once, on one line."""
    if len(given) > MAX_LABELS:
        raise InvalidArgument(field, f"{len(given)} labels, at most {MAX_LABELS} are taken")
    for index, one in enumerate(given):
        words(f"{field}[{index}]", one, MAX_LABEL_VALUE)
        if not one.isprintable() or "," in one:
            raise InvalidArgument(f"{field}[{index}]", "holds a comma or a control character")
    return sorted(set(given))


def key_grants(role: str, scopes: Sequence[str], user: str) -> None:
    """Raises InvalidArgument for a scope that is none, and for a user where the role has none or needs one."""
    if len(scopes) > MAX_LABELS:
        raise InvalidArgument("scopes", f"{len(scopes)} scopes, at most {MAX_LABELS} are taken")
    for index, scope in enumerate(scopes):
        label = scope.removeprefix(ACCESS_SCOPE)
        if scope != ALL_SESSIONS and (label == scope or label_words(f"scopes[{index}]", [label]) == []):
            raise InvalidArgument(f"scopes[{index}]", "is none of sessions:all, access:NAME and access:*")
        if scope == ALL_SESSIONS and role != "caller":
            raise InvalidArgument(f"scopes[{index}]", f"{ALL_SESSIONS} is for keys of role caller")
    if (role == "end_user") != bool(user):
        raise InvalidArgument("user_id", "a key of role end_user is for one user, others are for none")


def watermark(field: str, value: int) -> int:
    between(field, value, 0, MAX_INT64)
    return value


def seconds(field: str, value: Duration, high: float) -> float:
    """A positive time of at most ``high`` seconds."""
    given = value.seconds + value.nanos / 1e9
    above(field, given, 0, high)
    return given


def time(field: str, given: Timestamp) -> datetime:
    """A time in UTC; a Timestamp can hold what is none."""
    try:
        return given.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(field, f"is no time: {error}") from None


def page_size(value: int) -> int:
    """How many items a page has: 0 is the default, more than the most is cut."""
    if value < 0:
        raise InvalidArgument("page_size", f"{value} is negative")
    return min(value or PAGE, MAX_PAGE)


def page_number(field: str, token: str) -> int:
    """A page token that is a number: "" is 0."""
    if token and not re.fullmatch(r"[0-9]{1,10}", token):
        raise InvalidArgument(field, "is no token of a page before")
    return int(token or 0)


def decoding(settings: common_pb2.DecodingSettings) -> None:
    """Raises InvalidArgument for the first setting out of its range."""
    ranges: Sequence[tuple[str, float, float]] = (
        ("max_tokens", 1, 100_000),
        ("temperature", 0, 2),
        ("top_k", 0, 1_000_000),
        ("repetition_penalty", 0.5, 2),
        ("beams", 1, 16),
        ("candidates", 1, 16),
        ("constraint_weight", 0, 1_000),
    )
    for name, low, high in ranges:
        if settings.HasField(name):  # type: ignore[arg-type]
            between(f"settings.{name}", getattr(settings, name), low, high)
    if settings.HasField("top_p"):
        above("settings.top_p", settings.top_p, 0, 1)
    if settings.HasField("min_p") and not 0 <= settings.min_p < 1:
        raise InvalidArgument("settings.min_p", f"{settings.min_p:g} is not in [0, 1)")
    if len(settings.stop) > MAX_STOPS:
        raise InvalidArgument("settings.stop", f"{len(settings.stop)} texts, at most {MAX_STOPS} are taken")
    for index, stop in enumerate(settings.stop):
        if not stop:
            raise InvalidArgument(f"settings.stop[{index}]", "is empty")
        words(f"settings.stop[{index}]", stop, MAX_STOP, needed=False)


def feedback(given: feedback_pb2.Feedback, max_text: int) -> dict[str, Any]:
    """Feedback as it is stored. Raises for empty, out of range, oversized or contradictory feedback."""
    document = feedback_json(given)
    if document["rating"] is not None:
        between("feedback.rating", document["rating"], 1, 5)
    words("feedback.comment", given.comment, max_text, needed=False)
    if document["edited_text"] is not None:
        words("feedback.edited_text", given.edited_text, max_text)
    if len(given.constraints) > MAX_CONSTRAINTS:
        raise InvalidArgument(
            "feedback.constraints", f"{len(given.constraints)} constraints, at most {MAX_CONSTRAINTS} are taken"
        )
    said = document["comment"].strip() or document["constraints"]
    if document["rating"] is None and document["edited_text"] is None and not said:
        raise InvalidArgument("feedback", "is empty: give a rating, a comment, an edited text or constraints")
    for index, one in enumerate(given.constraints):
        choice(f"feedback.constraints[{index}].unit", feedback_pb2.LengthUnit, one.unit)
    try:
        validate_all(
            [Constraint(**one) for one in document["constraints"]],
            "feedback.constraints",
        )
    except ConstraintError as error:
        raise InvalidArgument(error.field, error.reason) from None
    return document
