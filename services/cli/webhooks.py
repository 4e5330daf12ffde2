"""``antiphon webhooks``: where a tenant's events are sent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from antiphon.v1 import webhook_pb2
from rich.markup import escape

from services.cli.connection import connected
from services.cli.options import JsonOption
from services.cli.output import console, print_json, print_table

webhooks = typer.Typer(no_args_is_help=True, help="Webhooks: create, list, switch, delete.")
_PREFIX = "WEBHOOK_EVENT_"


class Event(StrEnum):
    """What a webhook may be told, as its messages name it."""

    TURN_COMPLETED = "turn.completed"
    FEEDBACK_RECEIVED = "feedback.received"
    CANDIDATE_WAITING = "candidate.waiting"
    VERSION_OFFERED = "version.offered"
    HANDOFF_ASKED = "handoff.asked"


@webhooks.command("create")
def create_webhook(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where events are sent; https")],
    event: Annotated[list[Event] | None, typer.Option(help="What it is told; repeatable; without: everything")] = None,
    name: Annotated[str, typer.Option(help="What it is for")] = "",
    as_json: JsonOption = False,
) -> None:
    """Register a webhook and show its secret this once."""
    events = [webhook_pb2.WebhookEvent.Value(_PREFIX + one.name) for one in event or ()]
    request = webhook_pb2.CreateWebhookRequest(url=url, events=events, display_name=name)
    with connected(context) as client:
        answer = client.webhooks.CreateWebhook(request)
    if as_json:
        print_json(answer)
    else:
        console.print(answer.secret)
        console.print(f"[dim]{answer.webhook.id}; the secret is not shown again[/dim]")


@webhooks.command("list")
def list_webhooks(context: typer.Context, as_json: JsonOption = False) -> None:
    """List webhooks and how their sending goes."""
    with connected(context) as client:
        answer = client.webhooks.ListWebhooks(webhook_pb2.ListWebhooksRequest())
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one.id,
            escape(one.url),
            ", ".join(_shown(event) for event in one.events) or "everything",
            str(one.waiting),
            f"[red]{escape(one.failing)}[/red]" if one.failing else "",
            "off" if one.disabled else "",
        )
        for one in answer.webhooks
    ]
    print_table(("webhook", "url", "told", "waiting", "failing", ""), rows, "No webhooks.")


def _shown(event: webhook_pb2.WebhookEvent.ValueType) -> str:
    return Event[webhook_pb2.WebhookEvent.Name(event).removeprefix(_PREFIX)].value


@webhooks.command("switch")
def switch_webhook(
    context: typer.Context,
    webhook: str,
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it is told")],
    as_json: JsonOption = False,
) -> None:
    """Switch a webhook on or off."""
    request = webhook_pb2.UpdateWebhookRequest(webhook_id=webhook, disabled=not on)
    with connected(context) as client:
        answer = client.webhooks.UpdateWebhook(request)
    if as_json:
        print_json(answer.webhook)
    else:
        console.print(f"{answer.webhook.id} is {'off' if answer.webhook.disabled else 'on'}")


@webhooks.command("delete")
def delete_webhook(context: typer.Context, webhook: str, as_json: JsonOption = False) -> None:
    """Delete a webhook with what waits to be sent."""
    with connected(context) as client:
        answer = client.webhooks.DeleteWebhook(webhook_pb2.DeleteWebhookRequest(webhook_id=webhook))
    if as_json:
        print_json(answer)
    else:
        console.print(f"deleted {escape(webhook)}")
