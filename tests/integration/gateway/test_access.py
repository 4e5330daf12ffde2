"""Who may do what inside a tenant: every cell of the table is called, and each way around it is tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from antiphon.v1 import admin_pb2, admin_pb2_grpc, feedback_pb2, feedback_pb2_grpc, knowledge_pb2, knowledge_pb2_grpc
from antiphon.v1 import conversation_pb2 as pb
from google.protobuf.message_factory import GetMessageClass

from services.common.store import Request, Store
from services.common.store.keys import ALL_SESSIONS, ROLES
from services.common.store.turns import Exchange
from services.gateway import access
from services.gateway.access import Whose, row
from tests.support.gateway import Client, FakeWorkers, Gateways, events_of, held_script

# Who is let in is the same on any broker.
pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)
Code = grpc.StatusCode
_numbers = itertools.count(1)


@dataclass
class Staff:
    """One client of each role in one tenant, and `wide`: a caller's with every session."""

    tenant: str
    store: Store
    clients: dict[str, Client]

    def __getitem__(self, role: str) -> Client:
        return self.clients[role]

    def session(self, user: str, owner: str, **fields: Any) -> str:
        """A session with one answered turn, by whom it is asked for."""
        request = Request("CreateSession", f"made-{next(_numbers)}", "x")
        fields = {"user": user, "owner": owner, "policy": "enqueue", "labels": [], "access": [], "agent": "", **fields}
        session = self.store.sessions.create(self.tenant, request, fields)
        self.store.turns.seed(self.tenant, session, [Exchange("hi", "hello")])
        return str(session["_id"])

    def each_kind(self) -> dict[str, str]:
        """A session of each kind that roles tell apart."""
        caller = self.clients["caller"].key.partition(".")[0]
        agent = self.clients["agent"].key.partition(".")[0]
        return {
            "own": self.session("ann", caller),
            "theirs": self.session("bob", "key_other"),
            "handed": self.session("bob", "key_other", agent=agent),
            "secret": self.session("ann", caller, access=["hr"]),
        }

    def turn(self, session: str) -> str:
        return str(self.store.turns.page(self.tenant, session)[0]["_id"])


@pytest.fixture
def staff(stack: Any, tenant: str) -> Iterator[Staff]:
    made: dict[str, dict[str, Any]] = {role: {} for role in ROLES}
    made["end_user"] = {"user": "ann"}
    clients = {role: stack.gateways.client(stack.address, tenant, role, **grants) for role, grants in made.items()}
    clients["wide"] = stack.gateways.client(stack.address, tenant, "caller", scopes=[ALL_SESSIONS])
    yield Staff(tenant, stack.store, clients)
    for client in clients.values():
        client.channel.close()


def key_of(client: Client) -> str:
    return client.key.partition(".")[0]


def called(client: Client, method: str, descriptor: Any, **fields: str) -> tuple[Code, str]:
    """How a call ends that says nothing but these fields: its status and its message."""
    channel = client.channel
    kind = (
        f"{'stream' if descriptor.client_streaming else 'unary'}_{'stream' if descriptor.server_streaming else 'unary'}"
    )
    answers = GetMessageClass(descriptor.output_type).FromString
    call = getattr(channel, kind)(method, lambda request: request.SerializeToString(), answers)
    request: Any = GetMessageClass(descriptor.input_type)(**fields)
    try:
        answer = call(iter([request]) if descriptor.client_streaming else request, metadata=client.metadata, timeout=20)
        if descriptor.name == "WatchTenant":  # without an end
            next(answer)
            answer.cancel()
        elif descriptor.server_streaming:
            list(answer)
    except grpc.RpcError as error:
        return error.code(), error.details() or ""
    return Code.OK, ""


def test_every_cell_of_the_table_is_as_it_says(staff: Staff) -> None:
    deviations = []
    made: dict[str, str] = {}
    for (method, descriptor), role in itertools.product(access.methods(), [*ROLES, "wide"]):
        client, name = staff[role], method.rpartition("/")[2]
        allowed = Whose.ALL if role == "wide" else row(method)[role]
        if role == "wide" and row(method)["caller"] is not Whose.OWN:
            allowed = row(method)["caller"]
        fields = {"session_id", "turn_id"} & set(descriptor.input_type.fields_by_name)
        targets: dict[str, dict[str, str]] = {"": {}}
        if fields and allowed is not Whose.NONE:
            if not made or name in ("Handoff", "WatchTenant"):  # who asks for a person shows the session to every agent
                made = staff.each_kind()
            targets = {
                which: {"session_id": one} if "session_id" in fields else {"turn_id": staff.turn(one)}
                for which, one in made.items()
            }
        for which, named in targets.items():
            code, message = called(client, method, descriptor, **named)
            denied = code is Code.PERMISSION_DENIED and message.startswith(f"{name} is not for")
            unseen = code is Code.NOT_FOUND and message.startswith(("no session", "no turn"))
            if which == "":
                right = denied == (allowed is Whose.NONE)
            elif which == "secret":
                right = not denied and unseen == (role != "operator")
            else:
                sight = {Whose.OWN: {"own"}, Whose.HANDED: {"handed"}, Whose.ALL: {"own", "theirs", "handed"}}
                right = not denied and unseen == (which not in sight[allowed])
            if not right or code in (Code.INTERNAL, Code.UNKNOWN):
                deviations.append((name, role, which, code.name, message))
        if name in ("EndSession", "EraseSession"):
            made = {}
    assert deviations == []


def listed(client: Client) -> set[str]:
    return {one.id for one in client.call("ListSessions", pb.ListSessionsRequest(page_size=500)).sessions}


def test_a_list_holds_what_its_reader_may_see(staff: Staff) -> None:
    caller, agent = key_of(staff["caller"]), key_of(staff["agent"])
    own, theirs = staff.session("ann", caller), staff.session("bob", "key_other")
    for_one, for_all = (staff.session("eve", "key_other", agent=name) for name in (agent, "*"))
    secret = staff.session("ann", caller, access=["hr"])
    everything = {own, theirs, for_one, for_all}
    assert listed(staff["end_user"]) == listed(staff["caller"]) == {own}
    assert listed(staff["agent"]) == {for_one, for_all}
    assert listed(staff["wide"]) == listed(staff["reviewer"]) == everything
    assert listed(staff["operator"]) == everything | {secret}
    asked = pb.ListSessionsRequest(user_id="bob")
    assert not staff["end_user"].call("ListSessions", asked).sessions
    assert {one.id for one in staff["wide"].call("ListSessions", asked).sessions} == {theirs}


def refusal(call: Any, *arguments: Any, **options: Any) -> tuple[Code, str]:
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **options)
    return refused.value.code(), refused.value.details() or ""


def test_labels_are_granted_and_not_chosen(staff: Staff, gateways: Gateways) -> None:
    person = gateways.client(staff["caller"].address, staff.tenant, "end_user", user="ann", scopes=["access:hr"])
    for role in ("end_user", "caller", "wide", "reviewer"):
        session = staff.session("ann", key_of(staff["caller"]))
        for labels in ({"access": "hr"}, {"access": "public, hr"}):
            if role != "reviewer":
                created = pb.CreateSessionRequest(user_id="ann", labels=labels)
                assert refusal(staff[role].call, "CreateSession", created)[0] is Code.PERMISSION_DENIED
            changed = pb.UpdateSessionRequest(session_id=session, labels=labels)
            code, why = refusal(staff[role].call, "UpdateSession", changed)
            assert code is Code.PERMISSION_DENIED
            assert "hr" in why
        knowledge = knowledge_pb2_grpc.KnowledgeServiceStub(staff[role].channel)
        search = knowledge_pb2.SearchRequest(query="salaries", labels=["access:hr"])
        assert refusal(knowledge.Search, search, metadata=staff[role].metadata)[0] is Code.PERMISSION_DENIED
        assert staff.store.sessions.get(staff.tenant, session)["access"] == []
    mine = person.session(user_id="ann", labels={"access": "hr"})
    assert staff.store.sessions.get(staff.tenant, mine)["access"] == ["hr"]
    assert listed(staff["end_user"]).isdisjoint({mine}), (
        "who was not granted the label does not read what was found by it"
    )
    person.channel.close()


def test_an_end_user_is_nobody_else(staff: Staff) -> None:
    ann = staff["end_user"]
    assert refusal(ann.call, "CreateSession", pb.CreateSessionRequest(user_id="bob"))[0] is Code.PERMISSION_DENIED
    session = ann.call("CreateSession", pb.CreateSessionRequest()).session
    assert session.user_id == "ann"
    feedback = feedback_pb2_grpc.FeedbackServiceStub(ann.channel)
    said = feedback_pb2.SubmitFeedbackRequest(
        turn_id=staff.turn(staff.session("ann", "x")), user_id="bob", feedback=feedback_pb2.Feedback(rating=1)
    )
    assert refusal(feedback.SubmitFeedback, said, metadata=ann.metadata)[0] is Code.PERMISSION_DENIED


def test_the_same_request_id_of_two_people_is_two_requests(staff: Staff, gateways: Gateways) -> None:
    bob = gateways.client(staff["caller"].address, staff.tenant, "end_user", user="bob")
    request = pb.CreateSessionRequest(request_id="1")
    first = staff["end_user"].call("CreateSession", request).session
    second = bob.call("CreateSession", request).session
    assert (first.user_id, second.user_id) == ("ann", "bob")
    assert staff["end_user"].call("CreateSession", request).session.id == first.id
    bob.channel.close()


def test_facts_of_limited_access_are_listed_to_whom_it_was_granted(staff: Staff, gateways: Gateways) -> None:
    operator = knowledge_pb2_grpc.KnowledgeServiceStub(staff["operator"].channel)
    for entity, labels in (("Salary of Eve", ["access:hr"]), ("Basic plan", [])):
        fact = knowledge_pb2.TeachFactRequest(entity=entity, slot="amount", value="9 EUR", labels=labels)
        operator.TeachFact(fact, metadata=staff["operator"].metadata)
    granted = gateways.client(staff["caller"].address, staff.tenant, "reviewer", scopes=["access:hr"])
    history = knowledge_pb2.FactHistoryRequest(entity="salary of eve", slot="amount")
    for client, sees in (
        (staff["caller"], False),
        (staff["reviewer"], False),
        (granted, True),
        (staff["operator"], True),
    ):
        knowledge = knowledge_pb2_grpc.KnowledgeServiceStub(client.channel)
        facts = knowledge.ListFacts(knowledge_pb2.ListFactsRequest(), metadata=client.metadata).facts
        assert {one.entity for one in facts} == {"Basic plan"} | ({"Salary of Eve"} if sees else set())
        if sees:
            assert knowledge.FactHistory(history, metadata=client.metadata).revisions
        else:
            assert refusal(knowledge.FactHistory, history, metadata=client.metadata)[0] is Code.NOT_FOUND
    knowledge = knowledge_pb2_grpc.KnowledgeServiceStub(staff["reviewer"].channel)
    retract = knowledge_pb2.RetractFactRequest(fact_id=facts[-1].id)
    assert refusal(knowledge.RetractFact, retract, metadata=staff["reviewer"].metadata)[0] is Code.NOT_FOUND
    again = knowledge_pb2.TeachFactRequest(entity="Salary of Eve", slot="amount", value="10 EUR")
    assert not knowledge.TeachFact(again, metadata=staff["reviewer"].metadata).HasField("superseded")
    granted.channel.close()


def test_feedback_under_anothers_name_waits_for_a_reviewer(staff: Staff) -> None:
    turn = staff.turn(staff.session("bob", key_of(staff["caller"])))

    def submit(role: str, user: str) -> feedback_pb2.FeedbackRecord:
        service = feedback_pb2_grpc.FeedbackServiceStub(staff[role].channel)
        said = feedback_pb2.Feedback(edited_text=f"What {role} would say of {user}.")
        request = feedback_pb2.SubmitFeedbackRequest(turn_id=turn, user_id=user, feedback=said)
        record: feedback_pb2.FeedbackRecord = service.SubmitFeedback(request, metadata=staff[role].metadata).record
        return record

    def learned_from() -> set[str]:
        return {one["_id"] for one in staff.store.feedback.waiting(10_000) if one["tenant"] == staff.tenant}

    held, other = submit("caller", "eve"), submit("wide", "mallory")
    own, staffs = submit("caller", ""), submit("reviewer", "eve")
    assert [one.status for one in (held, other)] == [feedback_pb2.FEEDBACK_STATUS_HELD] * 2
    assert learned_from() == {own.id, staffs.id}
    named, plain = submit("reviewer", "bob"), submit("reviewer", "")
    assert [one.reviewed for one in (own, staffs, named, plain)] == [False, True, False, True]
    reviewer = feedback_pb2_grpc.FeedbackServiceStub(staff["reviewer"].channel)
    decide = feedback_pb2.ReviewFeedbackRequest(feedback_ids=[held.id, own.id])
    assert reviewer.ReviewFeedback(decide, metadata=staff["reviewer"].metadata).reviewed == 1
    refuse = feedback_pb2.ReviewFeedbackRequest(feedback_ids=[other.id], refuse=True)
    assert reviewer.ReviewFeedback(refuse, metadata=staff["reviewer"].metadata).reviewed == 1
    assert learned_from() == {own.id, staffs.id, held.id, named.id, plain.id}
    assert staff.store.feedback.get(staff.tenant, held.id)["reviewed"]


def test_a_receipt_is_for_who_gave_the_feedback_or_sees_the_session(staff: Staff, gateways: Gateways) -> None:
    mine, theirs = staff.session("ann", key_of(staff["caller"])), staff.session("bob", "key_other")
    secret = staff.session("ann", "key_other", access=["hr"])

    def submitted(role: str, session: str) -> str:
        service, turn = feedback_pb2_grpc.FeedbackServiceStub(staff[role].channel), staff.turn(session)
        said = feedback_pb2.Feedback(edited_text="Good day.")
        request = feedback_pb2.SubmitFeedbackRequest(turn_id=turn, feedback=said)
        return str(service.SubmitFeedback(request, metadata=staff[role].metadata).record.id)

    records = [submitted("end_user", mine), submitted("operator", theirs), submitted("operator", secret)]

    def seen(client: Client) -> list[bool]:
        method = feedback_pb2.DESCRIPTOR.services_by_name["FeedbackService"].methods_by_name["GetReceipt"]
        name = "/antiphon.v1.FeedbackService/GetReceipt"
        codes = [called(client, name, method, feedback_id=record)[0] for record in records]
        assert set(codes) <= {Code.OK, Code.NOT_FOUND}
        return [code is Code.OK for code in codes]

    assert {role: seen(staff[role]) for role in (*ROLES, "wide")} == {
        "end_user": [True, False, False],
        "agent": [False, False, False],
        "caller": [True, False, False],
        "wide": [True, True, False],
        "reviewer": [True, True, False],
        "operator": [True, True, True],
    }
    other = gateways.client(staff["operator"].address, f"{staff.tenant}-other", "operator")
    assert seen(other) == [False, False, False]
    other.channel.close()


def test_a_key_from_before_scopes_keeps_what_it_may(staff: Staff) -> None:
    old = staff["caller"]
    keys = staff.store.connection.every_tenant("keys")
    keys.update_one({"_id": key_of(old)}, {"$unset": {"scopes": "", "user": ""}})
    theirs = staff.session("bob", "key_other", access=["hr"])
    older = staff.session("bob", "key_other")
    staff.store.connection.every_tenant("sessions").update_one(
        {"_id": older}, {"$unset": {"owner": "", "access": "", "agent": ""}}
    )
    assert listed(old) == {theirs, older}
    assert old.turn(staff.turn(theirs)).session_id == theirs
    assert old.session(user_id="eve", labels={"access": "hr"})


def test_the_grace_of_a_rotation_is_bounded(staff: Staff) -> None:
    admin = admin_pb2_grpc.AdminServiceStub(staff["operator"].channel)
    request = admin_pb2.RotateKeyRequest(key_id=key_of(staff["caller"]))
    request.grace.FromSeconds(8 * 86_400)
    code, why = refusal(admin.RotateKey, request, metadata=staff["operator"].metadata)
    assert (code, "grace" in why) == (Code.INVALID_ARGUMENT, True)
    request.grace.FromSeconds(7 * 86_400)
    assert admin.RotateKey(request, metadata=staff["operator"].metadata).secret


def test_the_streams_of_a_revoked_key_end(staff: Staff, workers: FakeWorkers) -> None:
    script = held_script("one", "two")
    workers.script = lambda _text: script
    lost, kept = staff["caller"], staff["wide"]
    streams = {client.key: client.send(client.session(), "hi") for client in (lost, kept)}
    for stream in streams.values():
        while next(stream).event.WhichOneof("event") != "delta":
            pass
    admin = admin_pb2_grpc.AdminServiceStub(staff["operator"].channel)
    admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=key_of(lost)), metadata=staff["operator"].metadata)
    code, _ = refusal(list, streams[lost.key])
    assert code is Code.UNAUTHENTICATED
    script.go.set()
    assert events_of(streams[kept.key])[-1].WhichOneof("event") == "completed"
