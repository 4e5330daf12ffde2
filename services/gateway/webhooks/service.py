"""WebhookService: registers, lists, switches and deletes webhooks."""

from __future__ import annotations

from typing import Any

from antiphon.v1 import webhook_pb2 as pb
from antiphon.v1 import webhook_pb2_grpc as rpc

from services.common.errors import InvalidArgument
from services.common.store import Document, Store
from services.common.store.outbox import CANDIDATE, FEEDBACK, HANDOFF, TURN, VERSION
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.mapping.times import timestamp
from services.gateway.threads import Threads
from services.gateway.webhooks.targets import read_target

_EVENTS: dict[int, str] = {
    pb.WEBHOOK_EVENT_TURN_COMPLETED: TURN,
    pb.WEBHOOK_EVENT_FEEDBACK_RECEIVED: FEEDBACK,
    pb.WEBHOOK_EVENT_CANDIDATE_WAITING: CANDIDATE,
    pb.WEBHOOK_EVENT_VERSION_OFFERED: VERSION,
    pb.WEBHOOK_EVENT_HANDOFF_ASKED: HANDOFF,
}
_NUMBERS: dict[str, Any] = {word: number for number, word in _EVENTS.items()}
MOST_WAITING = 1_000


class WebhookService(rpc.WebhookServiceServicer):
    """Validates, calls the store, answers. Every call needs an operator's key."""

    def __init__(self, store: Store, threads: Threads, *, private: bool) -> None:
        """``private``: webhooks may be in private networks."""
        self._webhooks = store.webhooks
        self._threads = threads
        self._private = private

    async def CreateWebhook(self, request: pb.CreateWebhookRequest, context: Any) -> pb.CreateWebhookResponse:
        asked = check.request_of("CreateWebhook", request)
        read_target(request.url, private=self._private)
        for index, event in enumerate(request.events):
            check.choice(f"events[{index}]", pb.WebhookEvent, event)
            if event in request.events[:index]:
                raise InvalidArgument(f"events[{index}]", "is there twice")
        name = check.words("display_name", request.display_name, check.MAX_USER, needed=False)
        tenant, events = caller().tenant, [_EVENTS[event] for event in request.events]
        webhook, secret = await self._threads.run(self._webhooks.create, tenant, asked, request.url, events, name)
        return pb.CreateWebhookResponse(webhook=await self._message(webhook), secret=secret)

    async def ListWebhooks(self, request: pb.ListWebhooksRequest, context: Any) -> pb.ListWebhooksResponse:
        webhooks = await self._threads.run(self._webhooks.of_tenant, caller().tenant)
        return pb.ListWebhooksResponse(webhooks=[await self._message(webhook) for webhook in webhooks])

    async def UpdateWebhook(self, request: pb.UpdateWebhookRequest, context: Any) -> pb.UpdateWebhookResponse:
        check.request_of("UpdateWebhook", request)
        webhook = check.identifier("webhook_id", request.webhook_id)
        changed = await self._threads.run(self._webhooks.set_disabled, caller().tenant, webhook, request.disabled)
        return pb.UpdateWebhookResponse(webhook=await self._message(changed))

    async def DeleteWebhook(self, request: pb.DeleteWebhookRequest, context: Any) -> pb.DeleteWebhookResponse:
        check.request_of("DeleteWebhook", request)
        webhook = check.identifier("webhook_id", request.webhook_id)
        await self._threads.run(self._webhooks.delete, caller().tenant, webhook)
        return pb.DeleteWebhookResponse()

    async def _message(self, webhook: Document) -> pb.Webhook:
        tenant, id = webhook["tenant"], webhook["_id"]
        return pb.Webhook(
            id=id,
            url=webhook["url"],
            events=[_NUMBERS[event] for event in webhook["events"]],
            display_name=webhook["display_name"],
            disabled=webhook["disabled"],
            create_time=timestamp(webhook["created_at"]),
            waiting=await self._threads.run(self._webhooks.waiting, tenant, id, MOST_WAITING),
            failing=webhook.get("failing", ""),
        )
