"""Who may call, how much may be open, and how a gateway goes."""

import threading

import grpc
import pytest
from antiphon.v1 import admin_pb2, admin_pb2_grpc, state_pb2, state_pb2_grpc
from antiphon.v1 import conversation_pb2 as pb
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from services.common.store import Store
from tests.support.gateway import Client, FakeWorkers, Gateways, events_of, held_script, kinds
from tests.support.waiting import wait_until

Code = grpc.StatusCode


def code_of(call: object, *arguments: object, **options: object) -> Code:
    try:
        call(*arguments, **options)  # type: ignore[operator]
    except grpc.RpcError as error:
        return error.code()
    return Code.OK


def test_without_a_good_key_nothing_is_answered(client: Client, store: Store, tenant: str) -> None:
    request = pb.ListSessionsRequest()
    list_sessions = client.conversation.ListSessions
    key = store.keys.create(tenant, "caller", "x")[1]
    for header in (None, "", "Bearer ", "Basic abc", "Bearer key_unknown.secret", f"Bearer {key}x"):
        metadata = () if header is None else (("authorization", header),)
        assert code_of(list_sessions, request, metadata=metadata) == Code.UNAUTHENTICATED
    assert code_of(list_sessions, request, metadata=(("authorization", f"Bearer {key}"),)) == Code.OK


def test_a_key_does_what_its_role_may(client: Client, gateways: Gateways, tenant: str) -> None:
    roles = {role: gateways.client(client.address, tenant, role) for role in ("caller", "reviewer")}
    schema = state_pb2.PutSchemaRequest(name="s", definition="services: [{name: a, slots: [{name: b}]}]")
    states = state_pb2_grpc.StateServiceStub(client.channel)
    admin = admin_pb2_grpc.AdminServiceStub(client.channel)
    assert code_of(states.PutSchema, schema, metadata=roles["caller"].metadata) == Code.PERMISSION_DENIED
    assert code_of(states.PutSchema, schema, metadata=roles["reviewer"].metadata) == Code.OK
    read = state_pb2.GetSchemaRequest(name="s")
    assert code_of(states.GetSchema, read, metadata=roles["caller"].metadata) == Code.OK
    keys = admin_pb2.ListKeysRequest()
    assert code_of(admin.ListKeys, keys, metadata=roles["reviewer"].metadata) == Code.PERMISSION_DENIED
    assert code_of(admin.ListKeys, keys, metadata=client.metadata) == Code.OK
    for one in roles.values():
        one.channel.close()


def test_a_key_is_made_shown_once_and_revoked(client: Client) -> None:
    admin = admin_pb2_grpc.AdminServiceStub(client.channel)
    request = admin_pb2.CreateKeyRequest(role=admin_pb2.KEY_ROLE_CALLER, display_name="app", request_id="k")
    made = admin.CreateKey(request, metadata=client.metadata)
    assert made.secret.startswith(made.key.id)
    assert admin.CreateKey(request, metadata=client.metadata).secret == ""
    request.display_name = "other"
    assert code_of(admin.CreateKey, request, metadata=client.metadata) == Code.ALREADY_EXISTS
    mine = (("authorization", f"Bearer {made.secret}"),)
    assert code_of(client.conversation.ListSessions, pb.ListSessionsRequest(), metadata=mine) == Code.OK
    revoke = admin_pb2.RevokeKeyRequest(key_id=made.key.id)
    assert admin.RevokeKey(revoke, metadata=client.metadata).key.revoked
    wait_until(
        lambda: (
            code_of(client.conversation.ListSessions, pb.ListSessionsRequest(), metadata=mine) == Code.UNAUTHENTICATED
        ),
        11,
        "the gateway's memory of the key to end",
        interval=0.2,
    )


def test_who_has_too_many_open_turns_is_told_when_to_come_back(
    client: Client, gateways: Gateways, tenant: str, workers: FakeWorkers
) -> None:
    process, address = gateways.start(open_turns_per_tenant=3, retry_after_seconds=7)
    limited = gateways.client(address, tenant)
    workers.script = lambda _text: held_script()
    streams = [limited.send(client.session(), "hi", request_id=f"r{number}") for number in range(3)]
    for stream in streams:
        assert next(stream).event.WhichOneof("event") == "accepted"
    session = client.session()
    with pytest.raises(grpc.RpcError) as refused:
        events_of(limited.send(session, "hi"))
    assert refused.value.code() == Code.RESOURCE_EXHAUSTED
    info = error_details_pb2.RetryInfo()
    for detail in rpc_status.from_call(refused.value).details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    assert info.retry_delay.seconds == 7
    elsewhere = gateways.client(address, f"{tenant}-other")
    streams.append(elsewhere.send(elsewhere.session(), "hi"))
    assert kinds([next(streams[-1]).event]) == ["accepted"], "only this tenant waits"
    for stream in streams:
        stream.cancel()
    process.terminate()


def test_that_no_generator_is_up_is_said_on_acceptance(client: Client, store: Store, workers: FakeWorkers) -> None:
    first = events_of(client.send(client.session(), "hi"))[0]
    assert not first.accepted.generator_up
    store.serving.announce("generator-1", {"slots": 4})
    wait_until(
        lambda: events_of(client.send(client.session(), "hi"))[0].accepted.generator_up, 5, "the generator is seen"
    )
    store.serving.withdraw("generator-1")


def test_a_gateway_that_is_asked_to_go_lets_streams_end(
    gateways: Gateways, client: Client, tenant: str, workers: FakeWorkers
) -> None:
    process, address = gateways.start()
    going = gateways.client(address, tenant)
    health = health_pb2_grpc.HealthStub(going.channel)
    assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
    script = held_script()
    workers.script = lambda _text: script
    stream = going.send(client.session(), "hi")
    seen = [next(stream).event, next(stream).event]
    watch = health.Watch(health_pb2.HealthCheckRequest())
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    process.terminate()
    assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()
    script.go.set()
    assert kinds(seen + events_of(stream))[-1] == "completed"
    wait_until(lambda: not process.running(), 60, "the gateway's end")
    assert process.returncode == 0


def test_reflection_tells_the_contract_without_a_key(client: Client) -> None:
    known = set(ProtoReflectionDescriptorDatabase(client.channel).get_services())
    assert {"antiphon.v1.ConversationService", "grpc.health.v1.Health"} <= known


def test_what_a_dead_gateway_accepted_is_swept(client: Client, gateways: Gateways, workers: FakeWorkers) -> None:
    """A turn that was written and never sent: the sweep of any gateway sends it."""
    from services.common.store import NewTurn, Request, TurnLimits

    session = client.session()
    tenant = client_tenant(workers.store, session)
    request = Request("SendTurn", "lost", "hash")
    accepted = workers.store.turns.accept_turn(tenant, NewTurn(session, "hi", request, user="u"), TurnLimits())
    done = threading.Event()
    turn = accepted.turn["_id"]
    wait_until(lambda: client.turn(turn).status == pb.TURN_STATUS_COMPLETED, 60, "the sweep", interval=0.1)
    done.set()


def client_tenant(store: Store, session: str) -> str:
    found = store.connection.every_tenant("sessions").find_one({"_id": session})
    assert found is not None
    return str(found["tenant"])
