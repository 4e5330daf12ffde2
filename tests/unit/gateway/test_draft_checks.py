"""What the generator stores of a draft's constraints reaches the client."""

from antiphon.v1 import feedback_pb2

from services.common.constraints import Constraint, checked
from services.gateway.mapping.turns import draft_message


def test_a_draft_says_which_constraints_it_meets() -> None:
    asked = [
        Constraint("must_include", "refund"),
        Constraint("length", unit="words", max=3),
        Constraint("tone", "mysterious"),  # nobody can verify it
    ]
    stored = {"round": 1, "text": "Your refund takes a week.", "checks": checked(asked, "Your refund takes a week.")}
    checks = draft_message(stored).checks
    assert [(one.constraint.kind, one.met) for one in checks] == [
        (feedback_pb2.CONSTRAINT_KIND_MUST_INCLUDE, True),
        (feedback_pb2.CONSTRAINT_KIND_LENGTH, False),
    ]


def test_a_draft_without_feedback_has_no_checks() -> None:
    assert not draft_message({"round": 0, "text": "Hello."}).checks
