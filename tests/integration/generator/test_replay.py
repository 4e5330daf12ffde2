"""Drafts written again from their manifests: a real gateway and a generator with a tiny model, on both brokers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from antiphon.v1 import model_pb2 as pb
from antiphon.v1 import model_pb2_grpc as rpc

from deploy.local.mongo import MongoServer
from services.common.bus import TurnMessage, topology
from services.common.constraints import Constraint
from services.common.ids import new_id
from services.common.store import Request
from services.common.store.knowledge import Statement
from tests.support.brokers import KINDS, Brokers
from tests.support.gateway import Gateways
from tests.support.processes import ServiceProcess, Services
from tests.support.tiny_model import make_tiny_model
from tests.support.turns import TENANT, TurnDriver, turn_driver

_numbers = itertools.count(1)
Code = grpc.StatusCode
AUTHOR = "user_9"
STATE = {"services": {"hotel": {"slots": {"area": {"value": "centre"}}}}, "base_revision": 0}


class Replays:
    """A gateway, the turns that a tiny model has answered, and their replays."""

    def __init__(self, driver: TurnDriver, services: Services, model: Path) -> None:
        self.driver = driver
        self._services = services
        self._model = model
        self._gateways = Gateways(services, driver.store)
        self._address = self._gateways.start()[1]
        self._generator: ServiceProcess | None = None
        self._kernel = ""

    def serve(self, kernel: str) -> None:
        """Have one generator of this arithmetic, and none of another; "": none at all."""
        if kernel == self._kernel:
            return
        if self._generator is not None:
            self._generator.stop(20)
        self._kernel, self._generator = kernel, None
        if kernel:
            self._generator = self._services.spawn(
                "generator", model=self._model, cache_dir=CACHE, kernel=kernel, reply_tokens=16, max_batch_size=4
            ).until_ready()

    def answered(
        self,
        session: str,
        text: str,
        settings: dict[str, Any] | None = None,
        offer: dict[str, Any] | None = None,
        **message: Any,
    ) -> str:
        """A turn that the model has answered."""
        extra = {"offer": offer} if offer else {}
        turn = self.driver.accept(session, text, settings=settings or {}, extra=extra).turn
        self.driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), **message))
        assert self.driver.ended(turn["_id"])["status"] == "completed"
        return str(turn["_id"])

    def revised(self, turn: str, comment: str, **message: Any) -> None:
        """Another round of the turn."""
        accepted = self.driver.store.rounds.reopen_for_revision(
            TENANT,
            turn,
            request=Request("ReviseTurn", new_id("request"), ""),
            expected_round=None,
            feedback={"comment": comment},
            reply_to=self.driver.reply_to,
            max_rounds=5,
        )
        self.driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(accepted.turn), **message))
        assert self.driver.ended(turn)["status"] == "completed"

    def replay(
        self, turn: str, round_number: int | None = None, *, tenant: str = TENANT, role: str = "operator"
    ) -> pb.ReplayDraftResponse:
        client = self._gateways.client(self._address, tenant, role)
        with client.channel as channel:
            request = pb.ReplayDraftRequest(turn_id=turn, round=round_number)
            return rpc.ModelServiceStub(channel).ReplayDraft(request, metadata=client.metadata, timeout=30)

    def refusal(self, *arguments: Any, **options: Any) -> tuple[Code, str]:
        """Status and text of a replay that is refused."""
        with pytest.raises(grpc.RpcError) as caught:
            self.replay(*arguments, **options)
        return caught.value.code(), caught.value.details()

    def document(self, turn: str) -> dict[str, Any]:
        return self.driver.store.turns.get(TENANT, turn)

    def tamper(self, turn: str, **fields: Any) -> None:
        turns = self.driver.store.connection.database["turns"]
        turns.update_one({"_id": turn}, {"$set": {f"drafts.0.{name}": value for name, value in fields.items()}})


CACHE = Path.home() / ".cache" / "antiphon"


@pytest.fixture(scope="module", params=KINDS)
def replays(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    mongo_server: MongoServer,
    brokers: Brokers,
) -> Iterator[Replays]:
    mongo_server.program.resume()
    mongo_server.start()
    share = brokers.get(request.param)
    database, folder = f"replay_{next(_numbers)}", tmp_path_factory.mktemp("replay")
    settings = {"mongo_url": mongo_server.url, "mongo_database": database, "broker_url": share.url}
    services = Services(folder, settings)
    with turn_driver(mongo_server.url, database, share.url) as driver:
        yield Replays(driver, services, make_tiny_model(folder / "model", CACHE, spread=0.3))
        services.stop()
        driver.store.connection.client.drop_database(database)
    brokers.release(share)


def test_every_kind_of_draft_comes_out_the_same_in_fp32(replays: Replays) -> None:
    replays.serve("fp32")
    session = replays.driver.session()
    first = replays.answered(session, "where is the hotel", {"temperature": 0.9, "seed": 7})
    change = replays.driver.store.knowledge.teach_fact(TENANT, Statement("Hotel Ada", "price", "90 euros"))
    assert change.fact is not None
    fact = {"id": change.fact.fact.id, "revision": 1, "score": 1.0}
    second = replays.answered(session, "what does it cost", facts=[fact], state=STATE)
    north = {"services": {"hotel": {"slots": {"area": {"value": "north"}}}}, "base_revision": 0}
    asked = {"constraints": [Constraint("must_include", "euros").to_json()]}
    replays.revised(second, "mention euros", understood=asked, state=north)
    before = replays.document(second)
    assert [draft["manifest"]["settings"]["candidates"] for draft in before["drafts"]] == [1, 4]
    for turn, number in ((first, 0), (second, 0), (second, None)):
        draft = replays.document(turn)["drafts"][number if number is not None else -1]
        found = replays.replay(turn, number)
        assert found.same
        assert not found.HasField("first_difference")
        assert found.text == draft["text"]
        assert found.manifest.prompt_hash == draft["manifest"]["prompt_hash"]
        assert list(found.manifest.history_draft_ids) == draft["manifest"]["history_draft_ids"]
        assert found.manifest.seed == draft["manifest"]["seed"]
    assert replays.document(second) == before, "a replay leaves no trace in the turn"
    (entry, *_) = replays.driver.store.audit.page(TENANT, action="ReplayDraft")
    assert entry["details"] == {"turn_id": second}


def test_drafts_that_were_searched_for_come_out_the_same(replays: Replays) -> None:
    replays.serve("fp32")
    asked = {"constraints": [Constraint("must_include", "euros").to_json()]}
    for settings in ({"beams": 3}, {"beams": 2, "candidates": 1, "constrained": False}):
        turn = replays.answered(replays.driver.session(), "where is the hotel", settings)
        replays.revised(turn, "mention euros", understood=asked)
        revision = replays.document(turn)["drafts"][1]["manifest"]["settings"]
        assert {name: revision[name] for name in settings} == settings
        assert replays.replay(turn, 0).same
        assert replays.replay(turn, 1).same


def test_a_call_of_a_tool_comes_out_the_same(replays: Replays) -> None:
    replays.serve("fp32")
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
    offer = {"tools": [{"name": "f", "parameters": schema}], "choice": "required"}
    for settings in ({"max_tokens": 120}, {"max_tokens": 120, "temperature": 0.9, "seed": 3}):
        turn = replays.answered(replays.driver.session(), "count for me", settings, offer)
        draft = replays.document(turn)["drafts"][0]
        assert [call["name"] for call in draft["tool_calls"]] == ["f"]
        found = replays.replay(turn)
        assert found.same
        assert found.text == draft["text"]
        replays.tamper(turn, token_ids=draft["token_ids"][:-2])
        assert not replays.replay(turn).same


def test_a_stored_reply_that_was_changed_is_found_out(replays: Replays) -> None:
    replays.serve("fp32")
    turn = replays.answered(replays.driver.session(), "tell me about tea")
    draft = replays.document(turn)["drafts"][0]
    ids, text = draft["token_ids"], draft["text"]
    other = [*ids[:5], ids[5] + 1, *ids[6:]]
    replays.tamper(turn, token_ids=other)
    found = replays.replay(turn)
    assert (found.same, found.first_difference, found.text) == (False, 5, text)
    assert 0 < found.margin < 20
    replays.tamper(turn, token_ids=ids[:3], finish_reason="stop")
    found = replays.replay(turn)
    assert (found.same, found.first_difference) == (False, 3)
    assert 0 < found.margin < 20
    replays.tamper(turn, token_ids=ids, finish_reason=draft["finish_reason"], text=f"{text[:-1]}¿")
    found = replays.replay(turn)
    assert not found.same
    assert found.first_difference == len(ids) - 1


def test_what_cannot_be_replayed_is_refused_with_its_reason(replays: Replays) -> None:
    replays.serve("fp32")
    store, session = replays.driver.store, replays.driver.session()
    change = store.knowledge.teach_fact(TENANT, Statement("Hotel Bea", "price", "80 euros", author=AUTHOR))
    assert change.fact is not None
    first = replays.answered(session, "hello", facts=[{"id": change.fact.fact.id, "revision": 1, "score": 1.0}])
    second = replays.answered(session, "and then")
    assert replays.refusal(first, tenant="tenant_b")[0] == Code.NOT_FOUND
    assert replays.refusal(first, 3)[0] == Code.NOT_FOUND
    assert replays.refusal("turn_none")[0] == Code.NOT_FOUND
    assert replays.refusal(first, role="reviewer")[0] == Code.PERMISSION_DENIED
    store.knowledge.erase_user(TENANT, AUTHOR)
    code, words = replays.refusal(first)
    assert (code, "fact" in words, "erased" in words) == (Code.FAILED_PRECONDITION, True, True)
    assert replays.replay(second).same
    store.connection.database["turns"].delete_one({"_id": first})
    code, words = replays.refusal(second)
    assert (code, "history" in words, "erased" in words) == (Code.FAILED_PRECONDITION, True, True)
    gone = replays.answered(replays.driver.session(), "hello")
    replays.tamper(gone, **{"manifest.version_id": "version_gone"})
    assert replays.refusal(gone)[0] == Code.NOT_FOUND
    replays.tamper(gone, manifest=None)
    assert replays.refusal(gone)[0] == Code.FAILED_PRECONDITION


@pytest.mark.parametrize("replays", KINDS[:1], indirect=True)
def test_another_arithmetic_reports_where_it_parts_and_no_generator_is_said_at_once(replays: Replays) -> None:
    replays.serve("fp32")
    turn = replays.answered(replays.driver.session(), "tell me about tea and the sea", {"temperature": 1.5, "seed": 3})
    draft = replays.document(turn)["drafts"][0]
    replays.serve("")
    assert replays.refusal(turn) == (Code.UNAVAILABLE, "no generator is up")
    replays.serve("int4")
    found = replays.replay(turn)
    assert found.manifest.prompt_hash == draft["manifest"]["prompt_hash"]
    assert (draft["manifest"]["kernels"], found.manifest.kernels) == ("fp32", "int4")
    assert not found.same
    assert found.text != draft["text"]
    assert found.first_difference < len(draft["token_ids"])
    assert found.margin != 0
