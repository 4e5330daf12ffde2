"""ModelService: replays, trainings, versions, the pointer that says what is served, and who serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from antiphon.v1 import model_pb2 as pb
from antiphon.v1 import model_pb2_grpc as rpc

from services.common.bus import topology
from services.common.bus.jobs import Jobs
from services.common.errors import FailedPrecondition, InvalidArgument
from services.common.store import Document, Store
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.mapping.models import (
    pointer_message,
    serving_message,
    training_kind,
    training_message,
    version_message,
)
from services.gateway.mapping.turns import manifest_message
from services.gateway.quotas import Quotas
from services.gateway.replaying import Replaying
from services.gateway.threads import Threads

WATCH_SECONDS = 0.5
_RANGES = (
    ("rank", 1, 256),
    ("epochs", 0.01, 1_000),
    ("max_steps", 0, 1_000_000),
    ("batch_size", 1, 1_024),
    ("replay_share", 0, 0.99),
    ("seed", 0, check.MAX_INT64),
)


class ModelService(rpc.ModelServiceServicer):
    """Validates, calls the store, answers. Every call needs an operator's key."""

    def __init__(self, store: Store, threads: Threads, jobs: Jobs, quotas: Quotas, replaying: Replaying) -> None:
        self._store = store
        self._threads = threads
        self._jobs = jobs
        self._quotas = quotas
        self._replaying = replaying

    # -- drafts ---------------------------------------------------------------------------------

    async def ReplayDraft(self, request: pb.ReplayDraftRequest, context: Any) -> pb.ReplayDraftResponse:
        turn = check.identifier("turn_id", request.turn_id)
        round_number = None
        if request.HasField("round"):
            check.between("round", request.round, 0, check.MAX_INT64)
            round_number = request.round
        found = await self._replaying.replay(caller().tenant, turn, round_number)
        return pb.ReplayDraftResponse(
            same=found["same"],
            text=found["text"],
            first_difference=found["first_difference"],
            margin=found["margin"],
            manifest=manifest_message(found["manifest"]),
        )

    # -- trainings ------------------------------------------------------------------------------

    async def StartTraining(self, request: pb.StartTrainingRequest, context: Any) -> pb.StartTrainingResponse:
        key = check.request_of("StartTraining", request)
        settings = _training_settings(request.settings)
        check.choice("kind", pb.TrainingKind, request.kind)
        kind = training_kind(request.kind)
        start = check.words("from_version_id", request.from_version_id, check.MAX_ID, needed=False)
        if start:
            raise InvalidArgument(
                "from_version_id", "pairs are trained from the base model, a head beside what is served; leave it empty"
            )
        tenant = caller().tenant

        def begin() -> pb.Training:
            if not self._store.examples.untrained(tenant, kind, limit=1):
                what = "example" if kind == "adapter" else "correction with a comment or a constraint"
                raise FailedPrecondition(f"no {what} came since the last training", reason="NOTHING_TO_LEARN")
            self._quotas.training(tenant, key)
            served = self._store.versions.pointer(tenant)["current"]
            fields = {"kind": kind, "settings": settings, "promote": request.promote, "served": served}
            fields["from_version"] = served if kind == "fusion_head" else ""
            run, created = self._store.trainings.start(tenant, key, fields)
            if created:
                training = run["_id"]
                self._threads.submit(
                    lambda: self._jobs.send(topology.TRAINING_JOBS, "training.run", tenant=tenant, training=training)
                )
            return training_message(run)

        return pb.StartTrainingResponse(training=await self._threads.run(begin))

    async def CancelTraining(self, request: pb.CancelTrainingRequest, context: Any) -> pb.CancelTrainingResponse:
        check.request_of("CancelTraining", request)
        training = check.identifier("training_id", request.training_id)
        tenant = caller().tenant

        def cancel() -> pb.Training:
            self._store.trainings.end(tenant, training, "cancelled", {})
            return training_message(self._store.trainings.get(tenant, training))

        return pb.CancelTrainingResponse(training=await self._threads.run(cancel))

    async def ListTrainings(self, request: pb.ListTrainingsRequest, context: Any) -> pb.ListTrainingsResponse:
        size = check.page_size(request.page_size)
        before = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        runs = await self._threads.run(self._store.trainings.page, caller().tenant, before=before, limit=size)
        following = runs[-1]["_id"] if len(runs) == size else ""
        return pb.ListTrainingsResponse(trainings=map(training_message, runs), next_page_token=following)

    async def WatchTraining(
        self, request: pb.WatchTrainingRequest, context: Any
    ) -> AsyncIterator[pb.WatchTrainingResponse]:
        training = check.identifier("training_id", request.training_id)
        tenant, seen = caller().tenant, None
        while True:
            run = await self._threads.run(self._store.trainings.get, tenant, training)
            message = training_message(run)
            if message != seen:
                seen = message
                yield pb.WatchTrainingResponse(training=message)
            if not run.get("open"):
                return
            await asyncio.sleep(WATCH_SECONDS)

    # -- versions -------------------------------------------------------------------------------

    async def ListVersions(self, request: pb.ListVersionsRequest, context: Any) -> pb.ListVersionsResponse:
        size = check.page_size(request.page_size)
        before = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        tenant = caller().tenant
        found = await self._threads.run(self._store.versions.page, tenant, before=before, limit=size)
        pointer = await self._threads.run(self._store.versions.pointer, tenant)
        return pb.ListVersionsResponse(
            versions=map(version_message, found),
            next_page_token=found[-1]["_id"] if len(found) == size else "",
            pointer=pointer_message(pointer),
        )

    async def GetVersion(self, request: pb.GetVersionRequest, context: Any) -> pb.GetVersionResponse:
        version = check.identifier("version_id", request.version_id)
        found = await self._threads.run(self._store.versions.get, caller().tenant, version)
        return pb.GetVersionResponse(version=version_message(found))

    async def PromoteVersion(self, request: pb.PromoteVersionRequest, context: Any) -> pb.PromoteVersionResponse:
        check.request_of("PromoteVersion", request)
        version = check.identifier("version_id", request.version_id)
        comment = check.words("comment", request.comment, check.MAX_NAME, needed=False)
        who = caller()
        pointer = await self._threads.run(
            self._store.versions.promote,
            who.tenant,
            version,
            expected_epoch=_epoch(request),
            force=request.force,
            by=who.key,
            comment=comment,
        )
        return pb.PromoteVersionResponse(pointer=pointer_message(pointer))

    async def SetCanary(self, request: pb.SetCanaryRequest, context: Any) -> pb.SetCanaryResponse:
        check.request_of("SetCanary", request)
        check.between("share", request.share, 0, 1)
        version = check.words("version_id", request.version_id, check.MAX_ID, needed=request.share > 0)
        who = caller()
        pointer = await self._threads.run(
            self._store.versions.set_canary,
            who.tenant,
            version,
            request.share,
            expected_epoch=_epoch(request),
            by=who.key,
        )
        return pb.SetCanaryResponse(pointer=pointer_message(pointer))

    async def RollbackVersion(self, request: pb.RollbackVersionRequest, context: Any) -> pb.RollbackVersionResponse:
        check.request_of("RollbackVersion", request)
        comment = check.words("comment", request.comment, check.MAX_NAME, needed=False)
        who = caller()
        pointer = await self._threads.run(
            self._store.versions.rollback, who.tenant, expected_epoch=_epoch(request), by=who.key, comment=comment
        )
        return pb.RollbackVersionResponse(pointer=pointer_message(pointer))

    async def ListServing(self, request: pb.ListServingRequest, context: Any) -> pb.ListServingResponse:
        tenant = caller().tenant
        alive = await self._threads.run(self._store.serving.alive)
        pointer = await self._threads.run(self._store.versions.pointer, tenant)
        return pb.ListServingResponse(
            serving=[serving_message(one, tenant) for one in alive], pointer=pointer_message(pointer)
        )


def _epoch(request: Any) -> int | None:
    if not request.HasField("expected_epoch"):
        return None
    check.between("expected_epoch", request.expected_epoch, 0, check.MAX_INT64)
    return int(request.expected_epoch)


def _training_settings(given: pb.TrainingSettings) -> Document:
    settings: Document = {}
    for name, low, high in _RANGES:
        if given.HasField(name):  # type: ignore[arg-type]
            check.between(f"settings.{name}", getattr(given, name), low, high)
            settings[name] = getattr(given, name)
    if given.HasField("learning_rate"):
        check.above("settings.learning_rate", given.learning_rate, 0, 1)
        settings["learning_rate"] = given.learning_rate
    return settings
