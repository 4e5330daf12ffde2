"""How many turns a tenant has open, as the gateway remembers it between two counts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from services.gateway.load import Load


def test_turns_that_begin_at_once_are_all_remembered() -> None:
    together = threading.Barrier(3, timeout=10)

    def open_in_tenant(tenant: str, limit: int) -> int:
        together.wait()  # all three have looked before one is let in
        return 0

    load = Load(SimpleNamespace(turns=SimpleNamespace(open_in_tenant=open_in_tenant)), 100, 1.0)  # type: ignore[arg-type]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: load.far_from("one", 3), range(3)))
    assert not load.far_from("one", 3)
    assert load.far_from("one", 20)
