"""What a turn asks for explicitly and the worker's engine can't do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.reply_format import reply_format
from services.common.tools.calls import call_due
from services.generator.engine import Ability, EngineLacks

_ASKED: tuple[tuple[str, Ability, Any], ...] = (
    ("beams", "beams", (None, 0, 1)),
    ("fusion", "fusion", (None, False)),
    ("reading", "likelihoods", (None, False)),
    ("infilling", "partial_replies", (None, False)),
    ("seed", "seeds", (None,)),
    ("top_k", "sampling", (None, 0)),
    ("min_p", "sampling", (None, 0.0)),
    ("repetition_penalty", "sampling", (None, 1.0)),
)
"""A setting, the ability that it needs, and the values that ask for nothing."""


def refuse_lacking(turn: Mapping[str, Any], abilities: frozenset[Ability]) -> None:
    """Raises EngineLacks where the turn's own settings ask for what the engine lacks, naming them: they would be
    dropped silently otherwise. What only a default asks for is withheld, and the manifest says so."""
    own = turn.get("settings") or {}
    lacking = [name for name, ability, nothing in _ASKED if ability not in abilities and own.get(name) not in nothing]
    if call_due(turn) and "tools" not in abilities:
        lacking.append("tools")
    if reply_format(turn) is not None and "json" not in abilities:
        lacking.append("reply_format")
    elif reply_format(turn) is not None and call_due(turn) and "masks" not in abilities:
        lacking.append("reply_format beside tools")
    if lacking:
        raise EngineLacks(f"this generator's engine has no way to do what the settings ask: {', '.join(lacking)}")
