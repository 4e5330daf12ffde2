"""Names of `services.common.constraints` under an older path."""

from services.common.constraints import (
    KINDS,
    MAX_VALUE,
    UNITS,
    Constraint,
    ConstraintError,
    replacement,
    replacing,
    unwanted_phrase,
    wanted_phrase,
)

__all__ = [
    "KINDS",
    "MAX_VALUE",
    "UNITS",
    "Constraint",
    "ConstraintError",
    "replacement",
    "replacing",
    "unwanted_phrase",
    "wanted_phrase",
]
