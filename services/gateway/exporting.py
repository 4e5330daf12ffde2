"""What leaves in an export: personal data masked, as the tenant's setting says."""

from __future__ import annotations

from functools import partial

from services.common.errors import PermissionDenied
from services.common.privacy import Masker
from services.common.privacy.asking import Asked
from services.common.privacy.policy import Policy, mask_record
from services.common.store import Document, Store
from services.common.store.keys import ROLES

MOST_DIALOGUES = 1_000
OWN_SECONDS = 30.0
"""How long an export may ask the tenant's documents for values, in all."""


def check_reveal(policy: Policy, role: str) -> None:
    """Raises PermissionDenied (PRIVACY) unless the setting lets this role see what was masked."""
    if policy.mode == "masked":
        raise PermissionDenied("the tenant's setting masks personal data for good", reason="PRIVACY")
    if policy.mode == "reversible" and ROLES.index(role) < ROLES.index(policy.reveal_role):
        raise PermissionDenied(f"this needs the role {policy.reveal_role}", reason="PRIVACY")


class Masked:
    """Masks the records of one export: a value keeps its mark through a session. ``off``: nothing is masked."""

    def __init__(self, store: Store, tenant: str, policy: Policy, *, off: bool) -> None:
        self._own = Asked(partial(store.knowledge.is_own, tenant), OWN_SECONDS)
        self._policy = Policy("off") if off else policy
        self._dialogues: dict[str, Masker | None] = {}

    def records(self, records: list[Document]) -> list[Document]:
        """The records with their texts masked."""
        made = []
        for record in records:
            masker = self._masker(record.get("session") or record["_id"])
            made.append(mask_record(masker, record) if masker is not None else record)
        return made

    def _masker(self, dialogue: str) -> Masker | None:
        if dialogue not in self._dialogues:
            if len(self._dialogues) >= MOST_DIALOGUES:
                self._dialogues.pop(next(iter(self._dialogues)))
            self._dialogues[dialogue] = self._policy.masker(self._own)
        return self._dialogues[dialogue]
