"""How turns, states, constraints and knowledge look on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, state_pb2
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.output import console
from services.cli.wrapping import WordWriter

ORIGINS = {
    state_pb2.ORIGIN_USER: "user",
    state_pb2.ORIGIN_SYSTEM: "system",
    state_pb2.ORIGIN_CORRECTION: "correction",
    state_pb2.ORIGIN_COPIED: "copied",
}


class TurnView:
    """Prints a turn's events as they come, the reply word by word.

    ``draft`` is the finished draft (a partial one if it was cancelled), ``failure`` why there is none.
    ``sources`` is what the knowledge base found. One view shows one round; ``state`` may be the state that
    was shown last, so that only what changed is printed.
    """

    def __init__(self, state: state_pb2.State | None = None, out: Console = console) -> None:
        """Start with nothing shown."""
        self.state = state or state_pb2.State()
        self.turn_id = ""
        self.session_id = ""
        self.draft: conversation_pb2.Draft | None = None
        self.failure: conversation_pb2.TurnError | None = None
        self.cancelled = False
        self.sources = conversation_pb2.TurnGrounding()
        self._text = ""
        self._out = out
        self._words = WordWriter(out)

    def show(self, event: conversation_pb2.TurnEvent) -> None:
        """Print one event."""
        self.turn_id = event.turn_id or self.turn_id
        kind = event.WhichOneof("event")
        if kind is not None:
            getattr(self, f"_{kind}")(event)

    def show_all(self, events: Iterable[conversation_pb2.TurnEvent]) -> TurnView:
        """Print a whole stream; returns itself when it has ended."""
        for event in events:
            self.show(event)
        return self

    def _note(self, text: str) -> None:
        self._end_line()
        self._out.print(f"[dim]  {text}[/dim]")

    def _end_line(self) -> None:
        self._words.flush()
        self._words.restart()
        if self._text and not self._text.endswith("\n"):
            self._out.print()

    def _accepted(self, event: conversation_pb2.TurnEvent) -> None:
        self.session_id = event.accepted.session_id
        if not event.accepted.generator_up:
            self._note("accepted; no generator is up yet, so the turn waits for one")

    def _queued(self, event: conversation_pb2.TurnEvent) -> None:
        self._note(f"waits, place {event.queued.place}" if event.queued.place else "waits")

    def _understood(self, event: conversation_pb2.TurnEvent) -> None:
        understood = event.understood
        if understood.constraints:
            self._note("understood: " + escape("; ".join(constraint_words(c) for c in understood.constraints)))
        if understood.unparsed:
            self._note("read as it stands: " + escape("; ".join(understood.unparsed)))

    def _state(self, event: conversation_pb2.TurnEvent) -> None:
        changes = state_changes(self.state, event.state.state)
        if changes:
            self._note("state: " + escape(", ".join(changes)))
        self.state = event.state.state

    def _ready(self, event: conversation_pb2.TurnEvent) -> None:
        ready = event.ready
        values = ", ".join(f"{slot} = {value}" for slot, value in sorted(ready.values.items()))
        self._note("ready: " + escape(f"{ready.intent} ({values})" + (", confirmed" if ready.confirmed else "")))

    def _grounding(self, event: conversation_pb2.TurnEvent) -> None:
        self.sources = event.grounding
        found = [
            f"{len(refs)} {noun}{'s' if len(refs) > 1 else ''}"
            for refs, noun in ((event.grounding.facts, "fact"), (event.grounding.passages, "passage"))
            if refs
        ]
        if found and self._text == "":  # it comes again when a broken stream is attached to
            self._note("knowledge: " + " and ".join(found))

    def _delta(self, event: conversation_pb2.TurnEvent) -> None:
        self._delta_text(event.delta.text)

    def _restarted(self, event: conversation_pb2.TurnEvent) -> None:
        kept = self._text[: event.position.offset]
        if event.restarted.reason == "WORKER_LOST" or kept != self._text:
            self._note("begins again: its worker was lost")
            self._words.write(kept)
        self._text = kept

    def _completed(self, event: conversation_pb2.TurnEvent) -> None:
        self.draft = event.completed.draft
        if not self._text:
            self._delta_text(self.draft.text)
        self._end_line()
        for words in check_words(self.draft):
            self._out.print(f"  {words}")

    def _delta_text(self, text: str) -> None:
        self._text += text
        self._words.write(text)

    def _cancelled(self, event: conversation_pb2.TurnEvent) -> None:
        self.cancelled = True
        self.draft = event.cancelled.draft if event.cancelled.HasField("draft") else None
        self._note("cancelled")

    def _failed(self, event: conversation_pb2.TurnEvent) -> None:
        self.failure = event.failed.error
        self._end_line()
        self._out.print(f"[red]failed[/red] {escape(self.failure.message or self.failure.reason)}")


def constraint_words(constraint: feedback_pb2.Constraint) -> str:
    """A constraint as a person would say it, such as ``must include "refund"`` or ``at most 20 words``."""
    kind = feedback_pb2.ConstraintKind.Name(constraint.kind).removeprefix("CONSTRAINT_KIND_").lower()
    unit = feedback_pb2.LengthUnit.Name(constraint.unit).removeprefix("LENGTH_UNIT_").lower()
    counted = "" if constraint.unit == feedback_pb2.LENGTH_UNIT_UNSPECIFIED else f" {unit}"
    low, high = constraint.HasField("min"), constraint.HasField("max")
    if low and high and constraint.min == constraint.max:
        amount = f"exactly {constraint.min}{counted}"
    elif low and high:
        amount = f"{constraint.min} to {constraint.max}{counted}"
    elif low or high:
        amount = f"at {'least' if low else 'most'} {constraint.min if low else constraint.max}{counted}"
    else:
        amount = ""
    if kind == "length":
        return amount or constraint.value
    words = kind.replace("_", " ")
    value = f' "{constraint.value}"' if kind in ("must_include", "must_not_include", "keep") else constraint.value
    return " ".join(part for part in (words, value.strip(), f"({amount})" if amount else "") if part)


def check_words(draft: conversation_pb2.Draft) -> list[str]:
    """A line for each constraint of a draft, with markup: met or missed, such as ``missed: at most 20 words``."""
    return [
        f"[{'green' if one.met else 'yellow'}]{'met' if one.met else 'missed'}[/]: "
        f"[dim]{escape(constraint_words(one.constraint))}[/dim]"
        for one in draft.checks
    ]


def state_changes(before: state_pb2.State, after: state_pb2.State) -> list[str]:
    """What a state has that the one before had not, such as ``plan = Family`` or ``plan deleted``."""
    changes = []
    for service in sorted({*before.services, *after.services}):
        old = before.services[service] if service in before.services else state_pb2.ServiceState()
        new = after.services[service] if service in after.services else state_pb2.ServiceState()
        if new.intent and new.intent != old.intent:
            changes.append(f"intent {new.intent}")
        for slot in sorted({*old.slots, *new.slots}):
            if slot not in new.slots:
                changes.append(f"{slot} deleted")
            elif slot not in old.slots or old.slots[slot].value != new.slots[slot].value:
                changes.append(f"{slot} = {new.slots[slot].value}")
        changes += [f"asks for {slot}" for slot in new.requested if slot not in old.requested]
    return changes


def state_table(state: state_pb2.State) -> Table:
    """The whole state: service, slot, value, who said it, in which turn."""
    table = Table("service", "slot", "value", "origin", "turn", box=None, header_style="bold", pad_edge=False)
    for name in sorted(state.services):
        service = state.services[name]
        if service.intent:
            table.add_row(name, "[dim]intent[/dim]", escape(service.intent), "", "")
        for slot in sorted(service.slots):
            value = service.slots[slot]
            table.add_row(name, slot, escape(value.value), ORIGINS.get(value.origin, ""), str(value.turn))
    return table


def fact_words(fact: knowledge_pb2.Fact) -> str:
    """A fact as the prompt has it."""
    return fact.text or f"{fact.entity}: {fact.slot} = {fact.value}"


def settings_words(settings: common_pb2.DecodingSettings) -> str:
    """The decoding settings that are set, such as ``temperature 0, max_tokens 160``."""
    return ", ".join(f"{field.name} {value}" for field, value in settings.ListFields())


def usage_words(usage: conversation_pb2.Usage) -> str:
    """What a draft has cost, such as ``41 tokens in 1.2 s, first after 90 ms, 212 of 240 prompt tokens kept``."""
    seconds = usage.generation_time.ToTimedelta().total_seconds()
    first = usage.first_token_time.ToTimedelta().total_seconds()
    return (
        f"{usage.reply_tokens} tokens in {seconds:.1f} s, the first after {first * 1000:.0f} ms; "
        f"{usage.reused_tokens} of {usage.prompt_tokens} prompt tokens were in memory"
    )


def correction_words(manifest: common_pb2.Manifest) -> str:
    """What a correction did to a reply, and how surely the message belongs to it."""
    use = manifest.correction
    words = {
        common_pb2.CORRECTION_USE_KIND_QUOTED: "quoted",
        common_pb2.CORRECTION_USE_KIND_WEIGHTS: f"answered by version {manifest.version_id[:16]}, which learned it",
        common_pb2.CORRECTION_USE_KIND_NOTE: "stood in the prompt",
        common_pb2.CORRECTION_USE_KIND_SUPERSEDED: f"set aside: {use.superseded_by} is newer",
    }.get(use.kind, "")
    return f"{use.example_id} {words} (in its scope at {use.probability:.0%})"
