"""The rhythm of webhooks: what happened is written down for them about once a second, what is due is sent.

Every gateway does both; compare-and-sets decide who does what, and a gateway that dies leaves it to the others.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import structlog

from services.common.store import DATABASE_AWAY, Document, Store
from services.gateway.settings import GatewaySettings
from services.gateway.webhooks.sending import GONE, Sender

log = structlog.get_logger(__name__)
WORKERS = 8
EACH = 2  # tries at a time for one webhook: a slow server holds up its own events
OFF_SECONDS = 60.0
PRUNE_SECONDS = 600.0
# Writers know of webhooks as they were two seconds ago, so marks may come for a while after the last was switched off.
MARKS_SECONDS = 10.0
ANYWAY_SECONDS = 60.0
KEPT_SECONDS = 7 * 86_400.0


class Delivering:
    """Threads that announce and send."""

    def __init__(self, store: Store, settings: GatewaySettings) -> None:
        self._store = store
        self._seconds = settings.sweep_seconds
        self._first_wait = settings.webhook_retry_seconds
        self._most_seconds = settings.webhook_hours * 3_600.0
        # beyond the time of a try, so that nobody else begins while one is under way
        self._lease = 2 * settings.webhook_seconds + 10.0
        self._sender = Sender(settings.webhook_seconds, private=settings.webhook_private_targets)
        self._pool = ThreadPoolExecutor(WORKERS, "webhook")
        self._busy: Counter[str] = Counter()
        self._free = threading.BoundedSemaphore(WORKERS)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._pruned_at = time.monotonic()
        self._wanted_at = time.monotonic()
        self._looked_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more and let what is being sent end."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(10)
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        announced_at = float("-inf")
        pause = 0.0
        wanted = True
        while not self._stopping.is_set():
            try:
                if time.monotonic() - announced_at >= pause:
                    announced_at, pause = time.monotonic(), self._seconds * random.uniform(0.75, 1.25)
                    wanted = self.wanted()
                    if wanted:
                        self._store.outbox.announce()
                    self._prune()
                if wanted:
                    self._send_due()
            except DATABASE_AWAY as error:
                log.warning("webhooks_postponed", error=repr(error))
            except Exception:
                log.exception("webhooks_failed")
            self._woken.wait(max(0.0, announced_at + pause - time.monotonic()))
            self._woken.clear()

    def wanted(self) -> bool:
        """Whether there may be something to tell: a webhook is on, or was until a while ago. One question a second, in
        place of one for every kind of event; where nobody asks to be told, all is looked at once a minute."""
        now = time.monotonic()
        if self._store.webhooks.any_on():
            self._wanted_at = now
        wanted = now - self._wanted_at < MARKS_SECONDS or now - self._looked_at > ANYWAY_SECONDS
        if wanted:
            self._looked_at = now
        return wanted

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at > PRUNE_SECONDS:
            self._pruned_at = time.monotonic()
            self._store.deliveries.prune(self._most_seconds + KEPT_SECONDS)

    def _send_due(self) -> None:
        """Give what is due to the workers, as far as they are free."""
        while not self._stopping.is_set() and self._free.acquire(blocking=False):
            delivery = None
            try:
                with self._lock:
                    busy = [hook for hook, count in self._busy.items() if count >= EACH]
                delivery = self._store.deliveries.claim(self._lease, busy)
            finally:
                if delivery is None:
                    self._free.release()
            if delivery is None:
                return
            with self._lock:
                self._busy[delivery["hook"]] += 1
            self._pool.submit(self._work, delivery)

    def _work(self, delivery: Document) -> None:
        try:
            self._deliver(delivery)
        except DATABASE_AWAY as error:  # the lease ends, and it is sent again
            log.warning("webhook_postponed", error=repr(error))
        except Exception:
            log.exception("webhook_failed", delivery=delivery["_id"])
        finally:
            with self._lock:
                self._busy[delivery["hook"]] -= 1
                self._busy += Counter()  # forgets those at zero
            self._free.release()
            self._woken.set()

    def _deliver(self, delivery: Document) -> None:
        tenant, deliveries = delivery["tenant"], self._store.deliveries
        hook = self._store.webhooks.find(tenant, delivery["hook"])
        if hook is None:
            deliveries.end(delivery, "given_up")
            return
        if hook["disabled"] or self._store.tenants.disabled(tenant):
            deliveries.postpone(delivery, OFF_SECONDS)
            return
        failure = self._sender.send(hook, delivery)
        if failure != hook.get("failing", ""):
            self._store.webhooks.failed(tenant, hook["_id"], failure)
        if not failure:
            deliveries.end(delivery, "taken")
            return
        about = {"tenant": tenant, "webhook": hook["_id"], "delivery": delivery["_id"], "tries": delivery["tries"]}
        if failure == GONE:
            self._store.webhooks.set_disabled(tenant, hook["_id"], True)
        if deliveries.again(delivery, self._first_wait, self._most_seconds):
            log.info("webhook_not_taken", failure=failure, **about)
        else:
            log.warning("webhook_given_up", failure=failure, **about)
