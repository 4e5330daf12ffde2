"""The gateway put together: settings, store, bus, hub, services, server; and its commands."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import grpc
import structlog
from antiphon.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    conversation_pb2,
    conversation_pb2_grpc,
    feedback_pb2,
    feedback_pb2_grpc,
    knowledge_pb2,
    knowledge_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
    webhook_pb2,
    webhook_pb2_grpc,
)
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]
from grpc_reflection.v1alpha import reflection

from services.common.bus import Bus
from services.common.bus.jobs import Jobs
from services.common.bus.replay import replay_queue
from services.common.bus.search import search_queue
from services.common.errors import InvalidArgument
from services.common.ids import new_id
from services.common.runtime import Runtime
from services.common.store import Store
from services.common.store.keys import ROLES
from services.gateway import validation as check
from services.gateway.admin import AdminService
from services.gateway.asking import Asking
from services.gateway.audit import AuditLog
from services.gateway.auth import Keyring
from services.gateway.backups import back_up, restore
from services.gateway.conversation import ConversationService
from services.gateway.dispatch import Dispatch
from services.gateway.feedback import FeedbackService
from services.gateway.guard import Guard
from services.gateway.jwks import KeySet
from services.gateway.knowledge import KnowledgeService
from services.gateway.limits import CallRate
from services.gateway.load import Load
from services.gateway.migrating import bring_up_to_date
from services.gateway.model import ModelService
from services.gateway.open_calls import OpenCalls
from services.gateway.quotas import Quotas
from services.gateway.replaying import Replaying
from services.gateway.replies import Replies, Watch
from services.gateway.searching import Searching
from services.gateway.settings import GatewaySettings
from services.gateway.state import StateService
from services.gateway.streams import Hub, Stream
from services.gateway.sweeping import Sweeping
from services.gateway.talk import Talk
from services.gateway.threads import Pools
from services.gateway.tls import Certificates
from services.gateway.tokens import TokenRules, Tokens
from services.gateway.watching import Watching
from services.gateway.webhooks.delivering import Delivering
from services.gateway.webhooks.service import WebhookService

log = structlog.get_logger(__name__)
MOST_METADATA = 128 * 1024
CONTRACT = (admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2, state_pb2, webhook_pb2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m services.gateway [create-key]`; settings come from the environment."""
    parser = argparse.ArgumentParser(prog="python -m services.gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="take calls (the default)")
    create = commands.add_parser("create-key", help="make an API key and print it; it is shown this once")
    create.add_argument("--tenant", default="default")
    create.add_argument("--role", default="operator", choices=ROLES)
    create.add_argument("--label", default="made by hand")
    create.add_argument(
        "--scope", action="append", default=[], help="sessions:all, access:NAME or access:*; repeatable"
    )
    create.add_argument("--user", default="", help="whom a key of role end_user is for")
    verify = commands.add_parser("verify-audit", help="follow a tenant's audit log; ends with status 1 where it breaks")
    verify.add_argument("--tenant", default="default")
    backup = commands.add_parser("backup", help="write the database into a new folder and delete the oldest backups")
    backup.add_argument("place", type=Path, help="folder of the backups")
    backup.add_argument("--keep", type=int, default=14, help="how many stay (default: %(default)s)")
    restoring = commands.add_parser("restore", help="fill an empty database from a backup")
    restoring.add_argument("folder", type=Path, help="one backup's folder")
    migrating = commands.add_parser(
        "migrate", help="bring the database into the form of this release, as often as one likes"
    )
    migrating.add_argument("--stopped", action="store_true", help="no process of another release runs")
    chosen = parser.parse_args(arguments)
    settings = GatewaySettings()
    if chosen.command == "backup":
        back_up(settings, chosen.place, chosen.keep)
        return
    if chosen.command == "migrate":
        bring_up_to_date(settings, stopped=chosen.stopped)
        return
    if chosen.command == "restore":
        restore(settings, chosen.folder)
        return
    if chosen.command == "create-key":
        create_key(settings, chosen.tenant, chosen.role, chosen.label, chosen.scope, chosen.user)
        return
    if chosen.command == "verify-audit":
        verify_audit(settings, chosen.tenant)
        return
    with Runtime(settings, "gateway") as runtime:
        asyncio.run(serve(settings, runtime))


def create_key(settings: GatewaySettings, tenant: str, role: str, label: str, scopes: Sequence[str], user: str) -> None:
    """Make a key in the database and print its text. Exits with a message for a scope or a user that cannot be."""
    try:
        check.key_grants(role, scopes, user)
    except InvalidArgument as error:
        raise SystemExit(error.message) from None
    store = Store(settings, name="antiphon-gateway-key", pool=2)
    try:
        store.prepare()
        print(store.keys.create(tenant, role, label, scopes=scopes, user=user)[1])
    finally:
        store.close()


def verify_audit(settings: GatewaySettings, tenant: str) -> None:
    """Print how long a tenant's chain of audit entries is and where it ends. Exits with status 1 where it breaks."""
    store = Store(settings, name="antiphon-gateway-audit", pool=2)
    try:
        verified = store.audit.verify(tenant)
    finally:
        store.close()
    print(f"{verified.entries} entries follow one another; the last one's hash is {verified.head or 'none'}")
    if verified.broken is not None:
        raise SystemExit(f"entry {verified.broken} does not follow from the one before, or was changed")


async def serve(settings: GatewaySettings, runtime: Runtime) -> None:
    """Take calls until the process is asked to end, then let the open ones finish."""
    loop = asyncio.get_running_loop()
    store = Store(settings, name="antiphon-gateway", pool=Pools.connections(settings.gateway_threads) + 12)
    bus = Bus(settings.broker_url, declares=settings.broker_declares)
    pools = Pools.of(settings.gateway_threads)
    threads = pools.general
    jobs = Jobs(settings)
    await threads.run(store.prepare)
    await threads.run(bus.declare, [search_queue(redis=bus.redis), replay_queue(redis=bus.redis)])
    await threads.run(jobs.declare)

    def ask(stream: Stream) -> None:
        dispatch.ask_for_snapshot(stream.turn)

    hub = Hub(settings.stream_backlog, ask)
    dispatch = Dispatch(store, bus, pools.publishing, hub, new_id("gateway"), loop)
    asking = Asking(bus, pools.publishing, dispatch.reply_to)
    replies = Replies(bus, hub, dispatch, loop, asking.arrived, store.sweep.hurry)
    watch = Watch(store, threads, hub)
    sweeping = Sweeping(store, dispatch, settings.sweep_seconds)
    delivering = Delivering(store, settings)
    load = Load(settings, store, pools.turns)
    quotas = Quotas(store, settings.retry_after_seconds)
    talk = Talk(settings, store, pools, hub, dispatch, load, quotas)

    watching = Watching(store)
    open_calls = OpenCalls(store, threads)
    guard = Guard(
        Keyring(store, threads, settings.key_cache_seconds, _tokens(settings)),
        AuditLog(store, threads),
        CallRate(settings.calls_per_second),
        open_calls,
        settings.max_metadata_bytes,
    )
    server = _server(settings, guard)
    conversation_pb2_grpc.add_ConversationServiceServicer_to_server(
        ConversationService(settings, store, threads, dispatch, talk, quotas, watching), server
    )
    state_pb2_grpc.add_StateServiceServicer_to_server(StateService(store, threads), server)
    feedback_pb2_grpc.add_FeedbackServiceServicer_to_server(
        FeedbackService(settings, store, threads, jobs, quotas), server
    )
    knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server(
        KnowledgeService(settings, store, threads, Searching(asking), jobs, quotas),
        server,
    )
    model_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelService(store, threads, jobs, quotas, Replaying(asking, store, threads)), server
    )
    admin_pb2_grpc.add_AdminServiceServicer_to_server(
        AdminService(store, threads),
        server,
    )
    webhook_pb2_grpc.add_WebhookServiceServicer_to_server(
        WebhookService(store, threads, private=settings.webhook_private_targets), server
    )
    signs = _signs(server, reflected=settings.gateway_reflection)

    await threads.run(replies.start)
    watch.start()
    open_calls.start()
    sweeping.start()
    delivering.start()
    load.start(loop)
    port = _listen(server, settings)
    await server.start()
    await signs.set("", health_pb2.HealthCheckResponse.SERVING)
    log.info("listening", host=settings.gateway_host, port=port, reply_to=dispatch.reply_to)
    runtime.ready()

    await loop.run_in_executor(None, runtime.wait)

    await signs.enter_graceful_shutdown()
    watching.stop()
    await server.stop(settings.drain_seconds)
    await watch.stop()
    await open_calls.stop()
    await loop.run_in_executor(None, sweeping.stop)
    await loop.run_in_executor(None, delivering.stop)
    await loop.run_in_executor(None, load.stop)
    await loop.run_in_executor(None, replies.stop)
    await loop.run_in_executor(None, pools.close)
    jobs.close()
    bus.close()
    store.close()


def _tokens(settings: GatewaySettings) -> Tokens | None:
    if not settings.jwt_jwks:
        return None
    claims = (settings.jwt_tenant_claim, settings.jwt_role_claim, settings.jwt_scope_claim, settings.jwt_groups_claim)
    rules = TokenRules(settings.jwt_issuer, settings.jwt_audience, *claims)
    return Tokens(KeySet(settings.jwt_jwks), rules)


def _server(settings: GatewaySettings, guard: Guard) -> grpc.aio.Server:
    return grpc.aio.server(
        interceptors=[guard],
        options=[
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            # A stranger's requests wait in windows of 64 KiB; probing would widen them to megabytes.
            ("grpc.http2.bdp_probe", 0),
            # What the guard refuses and logs must reach it; beyond this the library itself refuses.
            ("grpc.max_metadata_size", MOST_METADATA),
            ("grpc.absolute_max_metadata_size", MOST_METADATA),
            # Long-lived connections end now and then, so that new gateways get their share of callers.
            ("grpc.max_connection_age_ms", int(settings.connection_age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", int(settings.connection_grace_seconds * 1000)),
            ("grpc.so_reuseport", 0),  # a second gateway on the same port is a mistake and not load balancing
            # clients find a gateway that hangs by pings; those behind idle-cutting networks ping also between calls
            ("grpc.http2.min_ping_interval_without_data_ms", 2_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.keepalive_time_ms", 60_000),
        ],
    )


def _signs(server: grpc.aio.Server, *, reflected: bool) -> health.HealthServicer:
    """Health, and reflection where it is wanted."""
    signs = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(signs, server)
    if reflected:
        names = [service.full_name for module in CONTRACT for service in module.DESCRIPTOR.services_by_name.values()]
        names += [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, server)
    return signs


def _listen(server: grpc.aio.Server, settings: GatewaySettings) -> int:
    """Open the port; raises RuntimeError where it is taken."""
    address = f"{settings.gateway_host}:{settings.gateway_port}"
    if not settings.tls_certificate:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, Certificates(settings).credentials())
