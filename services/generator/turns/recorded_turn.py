"""A turn as it stood when one of its drafts was written, put together from the draft's manifest."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.errors import FailedPrecondition
from services.common.store import Document, Store


def as_it_was(turn: Document, draft: Document, base_version: str) -> Document:
    """The turn with the draft's round as its current one, and what its manifest names of settings, notes and version.

    Raises FailedPrecondition (STATE_CHANGED): the state that the draft was written with was not kept.
    """
    number, manifest = draft["round"], draft["manifest"]
    state = _state_of(turn, number)
    if (state or {}).get("base_revision", 0) != manifest["state_revision"]:
        raise FailedPrecondition("the dialogue state of the draft was not kept", reason="STATE_CHANGED")
    version = manifest["version_id"]
    return {
        **turn,
        "round": number,
        "drafts": turn["drafts"][: number + 1],
        "settings": {**(turn.get("settings") or {}), **manifest["settings"], "seed": manifest["seed"]},
        "grounding": {"passages": manifest["passages"], "facts": manifest["facts"]},
        "state": state,
        "version": "" if version == base_version else version,
        "correction_was": manifest.get("correction") or {},
    }


def _state_of(turn: Document, number: int) -> Document | None:
    """The state that the round read: kept before the first later round that changed it."""
    kept: Document = turn.get("states_before") or {}
    later = min((int(key) for key in kept if int(key) > number), default=None)
    state: Document | None = turn.get("state") if later is None else kept[str(later)]
    return state


def recall_history(store: Store, turn: Document, drafts: Sequence[str]) -> list[Document]:
    """The turns of these drafts, each with that draft as the one that counts.

    Raises FailedPrecondition (TEXT_ERASED).
    """
    turns = store.turns.holding(turn["tenant"], turn["session"], list(drafts))
    found = {draft["id"]: (one, draft) for one in turns for draft in one["drafts"]}
    history = []
    for name in drafts:
        if name not in found:
            raise _erased(f"draft {name} of the history")
        one, draft = found[name]
        history.append({**one, "drafts": [draft], "accepted_round": draft["round"], "excluded": False})
    return history


def check_notes(store: Store, tenant: str, manifest: Document) -> None:
    """Raises FailedPrecondition (TEXT_ERASED) unless all passages and facts are there in their revisions."""
    passages, facts = manifest["passages"], manifest["facts"]
    texts = store.knowledge.read_grounding(tenant, passages, facts) if passages or facts else []
    there = {(one.kind, one.id, one.revision) for one in texts}
    for kind, references in (("passage", passages), ("fact", facts)):
        for one in references:
            if (kind, one["id"], one["revision"]) not in there:
                raise _erased(f"revision {one['revision']} of {kind} {one['id']}")


def _erased(what: str) -> FailedPrecondition:
    return FailedPrecondition(f"{what} has been erased since the draft was written", reason="TEXT_ERASED")
