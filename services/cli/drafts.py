"""``antiphon drafts`` and ``/drafts``: a turn's drafts, what was said of each, and what that changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

import typer
from antiphon.v1 import conversation_pb2
from rich.console import Console
from rich.markup import escape

from services.cli.connection import connected
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json
from services.cli.render import check_words, constraint_words

_WORD = re.compile(r"\S+\s*|\s+")


def drafts(context: typer.Context, turn: str, as_json: JsonOption = False) -> None:
    """Show a turn's drafts: what was said of each and which words that changed."""
    with connected(context) as client:
        found = client.conversations.GetTurn(conversation_pb2.GetTurnRequest(turn_id=turn)).turn
    if as_json:
        print_json(found)
    else:
        show_drafts(found)


def show_drafts(turn: conversation_pb2.Turn, out: Console = console) -> None:
    """Print every draft after the first as a change of the draft before it. Raises Failure where there is none."""
    if not turn.drafts:
        raise Failure("the turn has no draft")
    before: conversation_pb2.Draft | None = None
    for draft in turn.drafts:
        out.print(f"[bold]draft {draft.round}[/bold] {_lineage(draft, before)}")
        for words in _said(draft):
            out.print(f"  [yellow]{escape(words)}[/yellow]")
        # A word that was taken out is struck through on a terminal; elsewhere it would stand there as if it were said.
        text = changed(before.text, draft.text) if before is not None and out.is_terminal else escape(draft.text)
        out.print(text.strip() or "[dim](empty)[/dim]", soft_wrap=True)
        for words in check_words(draft):
            out.print(f"  {words}")
        before = draft if draft.text else before


def changed(before: str, after: str) -> str:
    """The text after a change, with markup: words taken out struck through, words brought in underlined."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    parts = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(escape("".join(new[k:m])))
            continue
        if j > i:
            parts.append(f"[red strike]{escape(''.join(old[i:j]))}[/]")
        if m > k:
            parts.append(f"[green underline]{escape(''.join(new[k:m]))}[/]")
    return "".join(parts)


def _lineage(draft: conversation_pb2.Draft, before: conversation_pb2.Draft | None) -> str:
    origin = conversation_pb2.DraftOrigin.Name(draft.origin).removeprefix("DRAFT_ORIGIN_").lower()
    parts = [origin] if origin not in ("", "unspecified", "model") else []
    if before is not None:
        parts.append(f"changes draft {before.round}" if draft.HasField("feedback") else "drawn again")
    if draft.accepted:
        parts.append("accepted")
    return f"[dim]{', '.join([*parts, draft.id])}[/dim]"


def _said(draft: conversation_pb2.Draft) -> Iterator[str]:
    """What asked for the draft."""
    feedback = draft.feedback
    if feedback.HasField("rating"):
        yield f"rated {feedback.rating} of 5"
    if feedback.comment:
        yield f"said: {feedback.comment}"
    if feedback.HasField("edited_text"):
        yield f"edited to: {feedback.edited_text}"
    for constraint in feedback.constraints:
        yield f"asked: {constraint_words(constraint)}"
