"""What feedback asks of a reply: one record a kind of constraint, in a file of its own, and one registry.

A new kind is a file with a `Kind` in it and a name in `registry.REGISTRY`; the generator may add a row to its table of
enforcers.
"""

from services.common.constraints.case import CASES
from services.common.constraints.constraint import SOURCES, UNITS, Constraint, ConstraintError
from services.common.constraints.form import FORMATS
from services.common.constraints.kind import Kind, Wish, begun
from services.common.constraints.lists import (
    checked,
    contradictions,
    merge_rounds,
    validate_all,
    without_contradicted,
)
from services.common.constraints.registry import (
    KINDS,
    MAX_VALUE,
    REGISTRY,
    check,
    describe,
    in_order,
    progress,
    rewrite,
    unwanted_phrase,
    validate,
    verifiable,
    wanted_phrase,
)
from services.common.constraints.replacing import replacement, replacing

__all__ = [
    "CASES",
    "FORMATS",
    "KINDS",
    "MAX_VALUE",
    "REGISTRY",
    "SOURCES",
    "UNITS",
    "Constraint",
    "ConstraintError",
    "Kind",
    "Wish",
    "begun",
    "check",
    "checked",
    "contradictions",
    "describe",
    "in_order",
    "merge_rounds",
    "progress",
    "replacement",
    "replacing",
    "rewrite",
    "unwanted_phrase",
    "validate",
    "validate_all",
    "verifiable",
    "wanted_phrase",
    "without_contradicted",
]
