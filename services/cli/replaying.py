"""``antiphon replay``: a draft written again from its manifest, and where the two part."""

from __future__ import annotations

from typing import Annotated

import typer
from antiphon.v1 import common_pb2, conversation_pb2, model_pb2

from services.cli.connection import connected
from services.cli.options import JsonOption
from services.cli.output import console, print_json

_WORDS = ("prompt_hash", "version_id", "tokenizer_hash", "template_hash", "engine", "dtype", "kernels", "worker")


def replay(
    context: typer.Context,
    turn: str,
    round_number: Annotated[int | None, typer.Option("--round", help="The draft's round; default: the latest")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a draft again from its manifest and say whether it comes out the same."""
    with connected(context) as client:
        found = client.replay(turn, round_number)
        if as_json:
            print_json(found)
            return
        drafts = client.conversations.GetTurn(conversation_pb2.GetTurnRequest(turn_id=turn)).turn.drafts
    draft = next((one for one in drafts if one.round == round_number), drafts[-1])
    if found.same:
        console.print(f"[green]the same[/green], token for token: round {draft.round} of {turn}")
    else:
        _show_difference(found)
    for line in _others(draft.manifest, found.manifest):
        console.print(f"[dim]{line}[/dim]")


def _show_difference(found: model_pb2.ReplayDraftResponse) -> None:
    console.print(
        f"[red]another reply[/red] from token {found.first_difference} on; its log probability there is "
        f"{found.margin:.4g} above the stored token's"
    )
    console.print(found.text, markup=False)


def _others(stored: common_pb2.Manifest, replayed: common_pb2.Manifest) -> list[str]:
    """What the two manifests say differently of model, prompt and arithmetic."""
    pairs = [(name, getattr(stored, name), getattr(replayed, name)) for name in _WORDS]
    return [f"{name.replace('_', ' ')}: {before} then, {now} now" for name, before, now in pairs if before != now]
