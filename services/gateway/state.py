"""StateService: schemas, and the dialogue state read and corrected."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from antiphon.v1 import state_pb2 as pb
from antiphon.v1 import state_pb2_grpc as rpc

from services.common import metrics
from services.common.errors import FailedPrecondition, InvalidArgument, NotFound
from services.common.schema import MAX_NAME, Schema, SchemaError, parse_schema, parse_schema_document
from services.common.state import effective_state
from services.common.store import Document, Request, Store
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.mapping.states import schema_message, snapshot_message
from services.gateway.threads import Threads

MAX_CORRECTIONS = 100
MAX_VALUE = 500
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class StateService(rpc.StateServiceServicer):
    """Validates, calls the store, answers."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads

    # -- schemas --------------------------------------------------------------------------------

    async def PutSchema(self, request: pb.PutSchemaRequest, context: Any) -> pb.PutSchemaResponse:
        check.request_of("PutSchema", request)
        name = _schema_name("name", request.name)
        tenant = caller().tenant

        def put() -> pb.Schema:
            content = _parse(request.definition).to_json()
            digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
            return schema_message(self._store.schemas.put(tenant, name, content, digest, request.definition))

        return pb.PutSchemaResponse(schema=await self._threads.run(put))

    async def GetSchema(self, request: pb.GetSchemaRequest, context: Any) -> pb.GetSchemaResponse:
        name = _schema_name("name", request.name)
        check.between("revision", request.revision, 0, check.MAX_INT64)
        tenant = caller().tenant
        schema = await self._threads.run(
            lambda: schema_message(self._store.schemas.get(tenant, name, request.revision))
        )
        return pb.GetSchemaResponse(schema=schema)

    async def ListSchemas(self, request: pb.ListSchemasRequest, context: Any) -> pb.ListSchemasResponse:
        size = check.page_size(request.page_size)
        after = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        tenant = caller().tenant

        def read() -> list[pb.Schema]:
            return [schema_message(one) for one in self._store.schemas.page(tenant, after=after, limit=size)]

        schemas = await self._threads.run(read)
        following = schemas[-1].name if len(schemas) == size else ""
        return pb.ListSchemasResponse(schemas=schemas, next_page_token=following)

    # -- states ---------------------------------------------------------------------------------

    async def GetState(self, request: pb.GetStateRequest, context: Any) -> pb.GetStateResponse:
        session_id = check.identifier("session_id", request.session_id)
        number = request.turn_number if request.HasField("turn_number") else None
        if number is not None:
            check.between("turn_number", number, 0, check.MAX_INT64)
        tenant = caller().tenant

        def read() -> pb.StateSnapshot:
            return self._snapshot(tenant, self._store.sessions.get(tenant, session_id), number)

        return pb.GetStateResponse(snapshot=await self._threads.run(read))

    def _snapshot(self, tenant: str, session: Document, number: int | None) -> pb.StateSnapshot:
        """The state after turn ``number``: the turn's own, or the one before where the turn has none for good."""
        turn: Document | None = None
        if number is None:
            turn = self._store.turns.latest_state(tenant, session["_id"])
        elif number > 0:
            turn = self._store.turns.numbered(tenant, session["_id"], number)
            if turn is None:
                raise NotFound(f"the session has no turn {number}")
            if turn.get("state") is None:
                if turn.get("open"):
                    raise FailedPrecondition("the turn has not been tracked yet", reason="STATE_PENDING")
                before = self._store.turns.latest_state(tenant, session["_id"], up_to=number)
                turn = {**turn, "state": before["state"] if before else None}
        # Without a number corrections made after the last tracked turn count, whichever turn they followed.
        return self._state(session, turn, (turn or {}).get("n", 0) if number is not None else check.MAX_INT64)

    @staticmethod
    def _state(session: Document, turn: Document | None, upto: int) -> pb.StateSnapshot:
        """A turn's state with the corrections up to turn ``upto`` laid over it."""
        state = effective_state(turn["state"] if turn else None, session["corrections"], upto)
        name, n = (turn["_id"], turn["n"]) if turn else ("", 0)
        return snapshot_message(session["_id"], name, n, session["state_revision"], state)

    async def CorrectState(self, request: pb.CorrectStateRequest, context: Any) -> pb.CorrectStateResponse:
        key = check.request_of("CorrectState", request)
        session_id = check.identifier("session_id", request.session_id)
        expected = request.expected_revision if request.HasField("expected_revision") else None
        if expected is not None:
            check.between("expected_revision", expected, 0, check.MAX_INT64)
        given = request.corrections
        if not 1 <= len(given) <= MAX_CORRECTIONS:
            raise InvalidArgument("corrections", f"{len(given)} corrections, 1 to {MAX_CORRECTIONS} are taken")
        for index, one in enumerate(given):
            check.words(f"corrections[{index}].service", one.service, MAX_NAME)
            check.words(f"corrections[{index}].slot", one.slot, MAX_NAME)
            if one.HasField("value"):
                check.words(f"corrections[{index}].value", one.value, MAX_VALUE)
        caller_ = caller()
        snapshot = await self._threads.run(
            self._correct, caller_.tenant, caller_.key, key, session_id, expected, list(given)
        )
        return pb.CorrectStateResponse(snapshot=snapshot)

    def _correct(
        self,
        tenant: str,
        by: str,
        key: Request,
        session_id: str,
        expected: int | None,
        given: list[pb.StateCorrection],
    ) -> pb.StateSnapshot:
        session = self._store.sessions.get(tenant, session_id)
        known = self._store.sessions.corrected_by(session, key)
        if known is not None:
            return self._answered(tenant, session, known)
        session = self._store.sessions.get_open(tenant, session_id)
        schema = self._schema_of(tenant, session)
        last = self._store.turns.last_of(tenant, [session_id]).get(session_id)
        after_n = last["n"] if last else 0
        corrections = []
        for index, one in enumerate(given):
            value = _corrected_value(schema, index, one)
            corrections.append({"after_n": after_n, "service": one.service, "slot": one.slot, "value": value, "by": by})
        before = self._snapshot(tenant, session, None)
        for correction in corrections:
            correction["shown_n"] = before.turn_number
        corrected = self._store.sessions.correct_state(tenant, session_id, key, expected, corrections)
        mine = self._store.sessions.corrected_by(corrected, key)
        after = self._answered(tenant, corrected, mine) if mine else self._snapshot(tenant, corrected, None)
        if corrected["state_revision"] > session["state_revision"]:  # not a repeated request
            metrics.CORRECTED_TURNS.labels("right" if _values(before) == _values(after) else "wrong").inc()
        return after

    def _answered(self, tenant: str, session: Document, correction: Document) -> pb.StateSnapshot:
        """The state that a correction was answered with, whatever was corrected since."""
        revision = correction["revision"]
        held = [one for one in session["corrections"] if one["revision"] <= revision]
        then = {**session, "corrections": held, "state_revision": revision}
        turn = self._store.turns.latest_state(tenant, session["_id"], up_to=correction.get("shown_n", 2**31))
        return self._state(then, turn, check.MAX_INT64)

    def _schema_of(self, tenant: str, session: Document) -> Schema | None:
        if not session.get("schema"):
            return None
        return parse_schema_document(self._store.schemas.by_reference(tenant, session["schema"])["content"])


def _values(snapshot: pb.StateSnapshot) -> dict[tuple[str, str], str]:
    """What the slots hold, without where it came from."""
    services = snapshot.state.services.items()
    return {(name, slot): held.value for name, service in services for slot, held in service.slots.items()}


def _schema_name(field: str, name: str) -> str:
    check.words(field, name, MAX_NAME)
    if not _NAME.fullmatch(name):
        raise InvalidArgument(field, "only letters, digits, '-', '_' and '.' are taken")
    return name


def _parse(definition: str) -> Schema:
    try:
        return parse_schema(definition)
    except SchemaError as error:
        where = f"definition.{error.field}" if error.field else "definition"
        line = f"line {error.line}: " if error.line else ""
        raise InvalidArgument(where, f"{line}{error.reason}", reason="BAD_SCHEMA") from None


def _corrected_value(schema: Schema | None, index: int, one: pb.StateCorrection) -> str | None:
    """The value as the schema writes it. Raises InvalidArgument for what the schema does not have."""
    where = f"corrections[{index}]"
    value = one.value if one.HasField("value") else None
    if schema is None:
        raise InvalidArgument(f"{where}.service", "the session has no schema, so there is nothing to correct")
    if not schema.has_service(one.service):
        raise InvalidArgument(f"{where}.service", f"{one.service!r} is no service of the schema")
    service = schema.service(one.service)
    if not service.has_slot(one.slot):
        raise InvalidArgument(f"{where}.slot", f"{one.slot!r} is no slot of {one.service}")
    slot = service.slot(one.slot)
    if value is None or not slot.categorical or value == "dontcare":
        return value
    for known in slot.values:
        if value.casefold() in {known.value.casefold(), *(alias.casefold() for alias in known.aliases)}:
            return known.value
    few = ", ".join(slot.value_names[:8])
    raise InvalidArgument(f"{where}.value", f"{value!r} is no value of {one.slot}; known: {few}")
