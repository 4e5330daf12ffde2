"""A tenant's setting: whether personal data is masked, what stays, and who may see what was there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.common.privacy.masking import Masker

Mode = Literal["off", "masked", "reversible"]


@dataclass(frozen=True)
class Policy:
    """``mode``: ``off``, ``masked``, or ``reversible`` by ``reveal_role`` and higher ones; ``keep`` stays."""

    mode: Mode = "masked"
    keep: tuple[str, ...] = ()
    reveal_role: str = "operator"

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Policy:
        """The setting as it is stored with the tenant; what nobody has set is masked."""
        return cls(stored.get("mode", "masked"), tuple(stored.get("keep", ())), stored.get("reveal_role", "operator"))

    def masker(self, own: Callable[[str, str], bool] | None = None) -> Masker | None:
        """What masks the texts of one dialogue; None where nothing is masked."""
        return Masker(self.keep, own) if self.mode != "off" else None


def mask_record(masker: Masker, record: Mapping[str, Any]) -> dict[str, Any]:
    """A feedback record with its texts masked, in the order in which they were said."""
    made = dict(record)
    if record.get("earlier"):
        made["earlier"] = [_masked(masker, turn, ("text", "reply")) for turn in record["earlier"]]
    made |= _masked(masker, made, ("prompt", "revised", "reply", "comment", "edited_text"))
    for name in ("constraints", "understood"):
        if record.get(name):
            made[name] = mask_constraints(masker, record[name])
    return made


def mask_constraints(masker: Masker, constraints: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Constraints with their values masked."""
    return [_masked(masker, one, ("value",)) for one in constraints]


def _masked(masker: Masker, document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    texts = {name: masker.mask(document[name]) for name in names if isinstance(document.get(name), str)}
    return {**document, **texts}
