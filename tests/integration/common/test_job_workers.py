"""The processes that work on jobs end as the others do, whenever they are asked to."""

from __future__ import annotations

import pytest

from tests.support.processes import Services


@pytest.mark.usefixtures("rabbitmq")
@pytest.mark.parametrize(("service", "moment"), [("knowledge", "starting"), ("finetune", "ready")])
def test_a_sigterm_is_heeded_from_the_start(services: Services, service: str, moment: str) -> None:
    worker = services.spawn(service, "jobs")
    worker.wait_for_log(moment)
    assert worker.stop(60) == 0, worker.log(tail=20)
    assert "stopped" in worker.log(tail=1)
