"""Who is not let in: refused, logged, and nothing changed."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from antiphon.client import Client as AntiphonClient
from antiphon.client import PermissionDenied, RetryPolicy, Unauthenticated, Unavailable
from antiphon.v1 import admin_pb2, admin_pb2_grpc, model_pb2, model_pb2_grpc, state_pb2, state_pb2_grpc
from antiphon.v1 import conversation_pb2 as pb

from services.common.store import Request, Store
from services.common.store.erasures import user_hash
from tests.support.certificates import AUDIENCE, ISSUER, Authority, TokenIssuer
from tests.support.gateway import Client, Gateways
from tests.support.processes import ServiceProcess
from tests.support.waiting import wait_until

# What the door does is the same on any broker.
pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)
ONCE = RetryPolicy(patience=0)
Code = grpc.StatusCode


@dataclass
class Door:
    """A gateway that wants certificates of its callers and takes tokens."""

    address: str
    process: ServiceProcess
    authority: Authority
    folder: Path
    issuer: TokenIssuer
    certificate: tuple[bytes, bytes]

    def client(self, key: str, **options: Any) -> AntiphonClient:
        given = {"tls": self.authority.pem, "certificate": self.certificate, **options}
        return AntiphonClient(self.address, key, policy=ONCE, timeout=10, **given)

    def logged(self, **fields: str) -> bool:
        """Whether a line of the log has all of these."""
        return logged(self.process, **fields)


@pytest.fixture(scope="module")
def door(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    authority, issuer = Authority(), TokenIssuer()
    certificate, key = authority.issue("localhost")
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(key)
    (folder / "ca.crt").write_bytes(authority.pem)
    process, address = stack.gateways.start(
        tls_certificate=folder / "tls.crt",
        tls_key=folder / "tls.key",
        tls_client_ca=folder / "ca.crt",
        jwt_jwks=issuer.write(folder / "jwks.json"),
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        gateway_host="localhost",
    )
    yield Door(
        address.replace("127.0.0.1", "localhost"), process, authority, folder, issuer, authority.issue("support-desk")
    )
    process.terminate()


@pytest.fixture
def known(store: Store, tenant: str) -> str:
    """This test's tenant, made by an operator: tokens name only tenants that are there."""
    store.tenants.create(tenant, Request("CreateTenant", f"make-{tenant}", "x"), {"display_name": tenant})
    return tenant


def logged(process: ServiceProcess, **fields: str) -> bool:
    """Whether a line of a gateway's log has all of these."""
    lines = [json.loads(line) for line in process.log().splitlines() if line.startswith("{")]
    return any(all(line.get(name) == value for name, value in fields.items()) for line in lines)


def wrote_refusal(gateways: Gateways, **fields: str) -> None:
    """Wait until a gateway's log says that such a call was refused."""
    wait_until(lambda: any(logged(one, event="call_refused", **fields) for one in gateways.services.started), 60)


def everything(store: Store) -> dict[str, int]:
    """How many documents each collection has."""
    database = store.connection.database
    return {name: database[name].count_documents({}) for name in database.list_collection_names()}


def create(client: AntiphonClient) -> str:
    return client.conversations.CreateSession(pb.CreateSessionRequest(user_id="ann")).session.id


def test_a_good_certificate_with_a_key_or_a_token_is_let_in(door: Door, store: Store, known: str) -> None:
    with door.client(store.keys.create(known, "caller", "x")[1]) as client:
        assert create(client)
    with door.client(door.issuer.token(known, ["caller"])) as client:
        session = create(client)
    assert store.sessions.get(known, session)


def test_the_command_comes_in_with_a_certificate_and_a_token_from_a_file(
    door: Door, known: str, tmp_path: Path
) -> None:
    certificate, key = door.certificate
    (tmp_path / "tls.crt").write_bytes(certificate)
    (tmp_path / "tls.key").write_bytes(key)
    (tmp_path / "token").write_text(door.issuer.token(known) + "\n")
    options = {
        "address": door.address,
        "tls-ca": door.folder / "ca.crt",
        "tls-certificate": tmp_path / "tls.crt",
        "tls-key": tmp_path / "tls.key",
        "token-file": tmp_path / "token",
    }
    command = [sys.executable, "-m", "services.cli", *(f"--{name}={value}" for name, value in options.items())]
    told = subprocess.run([*command, "admin", "audit"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert "ListAuditEntries" in told.stdout


def test_plain_text_on_the_tls_port_is_refused(door: Door, store: Store, known: str) -> None:
    key = store.keys.create(known, "operator", "x")[1]
    before = everything(store)
    with AntiphonClient(door.address, key, policy=ONCE, timeout=3) as client, pytest.raises(Unavailable):
        create(client)
    assert everything(store) == before
    wait_until(lambda: "WRONG_VERSION_NUMBER" in door.process.log() or "HTTP_REQUEST" in door.process.log(), 60)


@pytest.mark.parametrize("which", ["none", "of another authority"])
def test_a_caller_without_a_certificate_of_ours_is_refused(door: Door, store: Store, known: str, which: str) -> None:
    key = store.keys.create(known, "operator", "x")[1]
    before = everything(store)
    certificate = None if which == "none" else Authority("Stranger").issue("support-desk")
    with door.client(key, certificate=certificate) as client, pytest.raises(Unavailable):
        create(client)
    assert everything(store) == before
    wait_until(lambda: "CERTIFICATE" in door.process.log(), 60)


def test_no_credential_and_an_expired_or_forged_token_are_refused(door: Door, store: Store, known: str) -> None:
    before = everything(store)
    bad = {
        "": "INVALID_CREDENTIAL",
        door.issuer.token(known, lifetime=-60): "TOKEN_EXPIRED",
        TokenIssuer().token(known): "INVALID_CREDENTIAL",
    }
    for key, reason in bad.items():
        with door.client(key) as client, pytest.raises(Unauthenticated) as refused:
            create(client)
        assert refused.value.reason == reason
        wait_until(lambda reason=reason: door.logged(event="call_refused", reason=reason, status="UNAUTHENTICATED"), 60)
    with door.client(door.issuer.token("no-such-tenant")) as client, pytest.raises(PermissionDenied):
        create(client)
    wait_until(lambda: door.logged(event="call_refused", reason="OTHER_TENANT", status="PERMISSION_DENIED"), 60)
    assert everything(store) == before


def test_a_renewed_certificate_is_served_without_a_restart(door: Door, store: Store, known: str) -> None:
    key = store.keys.create(known, "caller", "x")[1]
    renewed = Authority("Next authority")
    old = {name: (door.folder / name).read_bytes() for name in ("tls.crt", "tls.key")}
    certificate, private = renewed.issue("localhost")
    (door.folder / "tls.key").write_bytes(private)
    (door.folder / "tls.crt").write_bytes(certificate)
    with door.client(key, tls=renewed.pem) as client:
        assert create(client)
    (door.folder / "tls.key").write_bytes(old["tls.key"])
    (door.folder / "tls.crt").write_bytes(old["tls.crt"])
    with door.client(key) as client:
        assert create(client)


def test_what_is_another_tenants_is_not_there(client: Client, gateways: Gateways, store: Store, tenant: str) -> None:
    mine, theirs = client.session(), f"{tenant}-other"
    stranger = gateways.client(client.address, theirs)
    before = everything(store)
    conversation = stranger.conversation
    for call, request in (
        (conversation.GetSession, pb.GetSessionRequest(session_id=mine)),
        (conversation.EndSession, pb.EndSessionRequest(session_id=mine)),
        (conversation.EraseSession, pb.EraseSessionRequest(session_id=mine)),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            call(request, metadata=stranger.metadata)
        assert refused.value.code() == Code.NOT_FOUND
        wrote_refusal(
            gateways,
            status="NOT_FOUND",
            tenant=theirs,
            method=f"/antiphon.v1.ConversationService/{type(request).__name__.removesuffix('Request')}",
        )
    admin = admin_pb2_grpc.AdminServiceStub(stranger.channel)
    with pytest.raises(grpc.RpcError) as refused:
        admin.ListKeys(admin_pb2.ListKeysRequest(tenant_id=tenant), metadata=stranger.metadata)
    assert refused.value.code() == Code.PERMISSION_DENIED
    wrote_refusal(gateways, reason="OTHER_TENANT", tenant=theirs)
    after = everything(store)
    assert after.pop("audit") == before.pop("audit", 0) + 2, "the tries are written down"
    assert after == before
    assert store.audit.page(theirs)[0]["outcome"] == "refused"
    stranger.channel.close()


def test_oversized_metadata_is_refused(stack: Any, client: Client, store: Store) -> None:
    before = everything(store)
    for size in (9_000, 200_000):
        metadata = (*client.metadata, ("x-filler", "x" * size))
        with pytest.raises(grpc.RpcError) as refused:
            client.conversation.CreateSession(pb.CreateSessionRequest(user_id="ann"), metadata=metadata)
        assert refused.value.code() == Code.RESOURCE_EXHAUSTED
    assert everything(store) == before
    logs = [process.log() for process in stack.gateways.services.started]
    assert any("METADATA_TOO_LARGE" in log for log in logs)


def test_who_calls_too_often_is_told_to_wait(gateways: Gateways, tenant: str) -> None:
    process, address = gateways.start(calls_per_second=1)
    hasty = gateways.client(address, tenant)
    codes = []
    for _ in range(4):
        try:
            hasty.call("ListSessions", pb.ListSessionsRequest())
            codes.append(Code.OK)
        except grpc.RpcError as error:
            codes.append(error.code())
    assert codes[:2] == [Code.OK, Code.OK]
    assert Code.RESOURCE_EXHAUSTED in codes
    assert "RATE_LIMITED" in process.log()
    hasty.channel.close()
    process.terminate()


def test_the_audit_log_says_who_did_what_and_who_was_refused(
    client: Client, gateways: Gateways, store: Store, tenant: str
) -> None:
    admin = admin_pb2_grpc.AdminServiceStub(client.channel)
    states = state_pb2_grpc.StateServiceStub(client.channel)
    models = model_pb2_grpc.ModelServiceStub(client.channel)
    schema = "services: [{name: travel, slots: [{name: city}]}]"
    states.PutSchema(state_pb2.PutSchemaRequest(name="s", definition=schema), metadata=client.metadata)
    session = client.session(schema_name="s")
    correction = state_pb2.StateCorrection(service="travel", slot="city", value="Oslo, where ann lives")
    states.CorrectState(
        state_pb2.CorrectStateRequest(session_id=session, corrections=[correction]), metadata=client.metadata
    )
    made = admin.CreateKey(admin_pb2.CreateKeyRequest(role=admin_pb2.KEY_ROLE_CALLER), metadata=client.metadata)
    admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=made.key.id), metadata=client.metadata)
    admin.EraseUser(admin_pb2.EraseUserRequest(user_id="bob"), metadata=client.metadata)
    with pytest.raises(grpc.RpcError):
        models.PromoteVersion(model_pb2.PromoteVersionRequest(version_id="v9"), metadata=client.metadata)
    lowly = gateways.client(client.address, tenant, "caller")
    with pytest.raises(grpc.RpcError):
        models.RollbackVersion(model_pb2.RollbackVersionRequest(), metadata=lowly.metadata)
    lowly.channel.close()

    asked = admin_pb2.ListAuditEntriesRequest(page_size=5)
    first = admin.ListAuditEntries(asked, metadata=client.metadata)
    asked.page_token = first.next_page_token
    entries = [*first.entries, *admin.ListAuditEntries(asked, metadata=client.metadata).entries]
    assert [(one.action, one.outcome, one.reason) for one in entries] == [
        ("ListAuditEntries", "begun", ""),
        ("RollbackVersion", "refused", "ROLE_TOO_LOW"),
        ("PromoteVersion", "refused", "NOT_FOUND"),
        ("EraseUser", "done", ""),
        ("RevokeKey", "done", ""),
        ("CreateKey", "done", ""),
        ("CorrectState", "done", ""),
        ("PutSchema", "done", ""),
    ]
    operator = client.key.partition(".")[0]
    assert {one.actor for one in entries[2:]} == {operator}
    assert json.loads(entries[4].details) == {"key_id": made.key.id}
    assert json.loads(entries[3].details)["user"] == user_hash(tenant, "bob")
    assert json.loads(entries[6].details) == {"session_id": session, "slots": ["travel.city"]}
    assert "Oslo" not in str(store.audit.page(tenant)), "what a user said is in no entry"
    asked = admin_pb2.ListAuditEntriesRequest(action="EraseUser")
    assert [one.action for one in admin.ListAuditEntries(asked, metadata=client.metadata).entries] == ["EraseUser"]


def test_an_entry_that_was_changed_or_taken_out_of_the_audit_log_shows(
    client: Client, gateways: Gateways, store: Store, tenant: str
) -> None:
    admin = admin_pb2_grpc.AdminServiceStub(client.channel)
    for number in range(6):
        admin.CreateKey(
            admin_pb2.CreateKeyRequest(role=admin_pb2.KEY_ROLE_CALLER, display_name=f"app {number}"),
            metadata=client.metadata,
        )
    whole = store.audit.verify(tenant)
    assert (whole.entries, whole.broken) == (6, None)
    entries = store.connection.every_tenant("audit")
    third = entries.find_one({"tenant": tenant, "number": 3})
    assert third is not None
    for change in ({"actor": "key_nobody"}, {"details": {"role": "KEY_ROLE_OPERATOR"}}, {"before": "0" * 64}):
        entries.update_one({"_id": third["_id"]}, {"$set": change})
        assert store.audit.verify(tenant).broken == 3
        entries.replace_one({"_id": third["_id"]}, third)
    assert store.audit.verify(tenant) == whole
    entries.delete_one({"_id": third["_id"]})
    assert store.audit.verify(tenant).broken == 4
    # what is pruned is pruned from the beginning on, and the rest still follows
    fourth = entries.find_one({"tenant": tenant, "number": 4})
    assert fourth is not None
    assert store.audit.prune(tenant, fourth["at"]) == 2
    assert store.audit.verify(tenant) == dataclasses.replace(whole, entries=3)


def test_who_may_do_nothing_cannot_fill_the_audit_log(client: Client, gateways: Gateways, tenant: str) -> None:
    lowly = gateways.client(client.address, tenant, "caller")
    admin = admin_pb2_grpc.AdminServiceStub(lowly.channel)
    before = gateways.store.audit.verify(tenant).entries
    for _ in range(20):
        with pytest.raises(grpc.RpcError) as refused:
            admin.ListKeys(admin_pb2.ListKeysRequest(), metadata=lowly.metadata)
        assert refused.value.code() == Code.PERMISSION_DENIED
    assert gateways.store.audit.verify(tenant).entries == before + 1
    lowly.channel.close()


def test_bytes_that_are_no_request_are_refused_without_a_traceback(
    stack: Any, client: Client, gateways: Gateways
) -> None:
    process, address = gateways.start()
    channel = grpc.insecure_channel(address)
    log = process.log()
    for method, kind, content in (
        ("ConversationService/CreateSession", "unary_unary", b"\xff\xff\xff"),
        ("ConversationService/SendTurn", "unary_stream", b"\x0a\x05ab"),
        ("ConversationService/GetTurn", "unary_unary", b"\x0a\x02\xff\xfe"),
        ("KnowledgeService/IngestDocument", "stream_unary", b"\x12\xff"),
        ("ConversationService/GetTurn", "unary_unary", b"\x0a\x80\x80\x40" + b"x" * 2**20),
    ):
        call = getattr(channel, kind)(f"/antiphon.v1.{method}", lambda given: given, lambda given: given)
        with pytest.raises(grpc.RpcError) as refused:
            list(call(iter([content]) if kind == "stream_unary" else content, metadata=client.metadata, timeout=20))
        wanted = Code.RESOURCE_EXHAUSTED if len(content) > 2**19 else Code.INVALID_ARGUMENT
        assert refused.value.code() == wanted, method
    wait_until(lambda: process.log().count("call_refused") == 5, 60)
    assert "Traceback" not in process.log().removeprefix(log)
    channel.close()
    process.terminate()


def test_of_a_stranger_no_request_is_read(gateways: Gateways) -> None:
    process, address = gateways.start()
    memory = psutil.Process(process.pid)
    channel = grpc.insecure_channel(address)
    create = channel.unary_unary("/antiphon.v1.ConversationService/CreateSession", lambda given: given)
    content = b"\x0a" + bytes(4 * 2**20 - 64)
    for _ in range(2):  # the first connection's own needs are not the attack's
        code_of(create, b"", metadata=(("authorization", "Bearer key_x.y"),))
    before = memory.memory_info().rss
    calls = [create.future(content, metadata=(("authorization", "Bearer key_x.y"),), timeout=60) for _ in range(96)]
    codes = {call.code() for call in calls}
    grown = (memory.memory_info().rss - before) / 2**20
    assert codes <= {Code.UNAUTHENTICATED, Code.RESOURCE_EXHAUSTED}
    assert grown < 128, f"{grown:.0f} MiB for 384 MiB of strangers' requests"
    channel.close()
    process.terminate()


def code_of(call: Any, *arguments: Any, **options: Any) -> Code:
    try:
        call(*arguments, **options)
    except grpc.RpcError as error:
        return error.code()
    return Code.OK
