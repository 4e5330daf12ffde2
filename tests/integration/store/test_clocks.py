"""Processes whose clocks differ agree on which fact came last, since they go by the database's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from services.common.clock import CLOCK
from services.common.store import Store
from services.common.store.knowledge import Statement
from tests.support.waiting import wait_until

TENANT = "clocks"


def price(value: str) -> Statement:
    return Statement("Basic plan", "price", value)


def test_the_clock_is_the_database_s_after_the_first_heartbeat(store: Store) -> None:
    CLOCK.tell(datetime(1999, 1, 1, tzinfo=UTC))
    store.tenants.page(limit=1)
    wait_until(lambda: CLOCK.now().year > 1999, timeout=30, message="a heartbeat that tells the time")
    server = store.connection.database.command("hello")["localTime"]
    assert abs(CLOCK.now() - server.replace(tzinfo=UTC)) < timedelta(seconds=2)


@pytest.mark.parametrize("drift", [timedelta(seconds=-5), timedelta(seconds=0.2), timedelta(minutes=10)])
def test_the_fact_taught_last_holds_though_the_clock_went_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, drift: timedelta
) -> None:
    tenant = f"{TENANT}{drift.total_seconds()}"
    real = CLOCK.now
    for value, off in (("1 euro", timedelta()), ("2 euros", drift), ("3 euros", timedelta()), ("4 euros", -drift)):
        monkeypatch.setattr(CLOCK, "now", lambda off=off: real() + off)
        change = store.knowledge.teach_fact(tenant, price(value))
        assert change.fact is not None
        assert change.fact.status == "current"
        assert [view.fact.value for view in store.knowledge.list_facts(tenant)] == [value]
