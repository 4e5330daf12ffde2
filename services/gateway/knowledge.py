"""KnowledgeService: documents, facts and searches."""

from __future__ import annotations

from antiphon.v1 import knowledge_pb2_grpc as rpc

from services.common.store import Store
from services.gateway.searching import Searching
from services.gateway.settings import GatewaySettings
from services.gateway.threads import Threads


class KnowledgeService(rpc.KnowledgeServiceServicer):
    """Validates, calls the store, answers."""

    def __init__(self, settings: GatewaySettings, store: Store, threads: Threads, searching: Searching) -> None:
        self._settings = settings
        self._store = store
        self._threads = threads
        self._searching = searching
