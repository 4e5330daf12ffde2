"""ModelService: what is served, and by whom."""

from __future__ import annotations

from antiphon.v1 import model_pb2_grpc as rpc

from services.common.store import Store
from services.gateway.threads import Threads


class ModelService(rpc.ModelServiceServicer):
    """Validates, calls the store, answers."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads
