"""The embedded stack: up, status, a process that dies, down, and what is kept over it."""

import os
import signal

import psutil

from tests.support.command import Command
from tests.support.processes import REPOSITORY
from tests.support.waiting import wait_until


def rows(antiphon: Command) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in antiphon.json("status")["processes"]}


def test_a_killed_service_comes_back(antiphon: Command, session: str) -> None:
    before = rows(antiphon)["tracker"]
    os.kill(int(str(before["pid"])), signal.SIGKILL)

    def came_back() -> bool:
        now = antiphon("status", "--json", status=0 if ready() else 1).json
        row = next(one for one in now["processes"] if one["name"] == "tracker")
        return bool(row["stage"] == "ready" and row["pid"] != before["pid"])

    def ready() -> bool:
        import json

        found = json.loads((antiphon.home / "status.json").read_text())
        return all(row["stage"] == "ready" for row in found["processes"])

    wait_until(came_back, timeout=150, interval=0.3)
    assert antiphon.json("ask", "still there?", "--session", session)["end"] == "completed"


def test_up_twice_is_up_once(antiphon: Command) -> None:
    before = rows(antiphon)
    endpoint = antiphon.json("up", "--detach")
    assert rows(antiphon) == before
    assert endpoint["api_key"] == (antiphon.home / "api_key").read_text().strip()


def test_a_ready_stack_has_no_process_that_its_table_does_not_name(antiphon: Command) -> None:
    named = {int(str(row["pid"])) for row in rows(antiphon).values()}
    supervisor = psutil.Process(min(named)).parent()
    assert supervisor is not None
    assert {child.pid for child in supervisor.children()} == named


def test_what_was_said_survives_a_restart(antiphon: Command, session: str) -> None:
    antiphon("ask", "remember this", "--session", session)
    key = (antiphon.home / "api_key").read_text()
    try:
        assert antiphon("down").out.strip() == "Stopped."
        assert "Nothing" in antiphon("status", status=1).out
    finally:
        antiphon("up", "--detach", "--set", "ANTIPHON_ENGINE=echo")
    assert (antiphon.home / "api_key").read_text() == key
    assert antiphon.json("sessions", "show", session)["turns"][0]["text"] == "remember this"


def test_the_stack_runs_from_the_installed_wheel_alone(antiphon: Command) -> None:
    pids = [
        int(str(row["pid"])) for row in rows(antiphon).values() if row["name"] in ("gateway", "tracker", "generator")
    ]
    assert pids
    for pid in pids:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/cmdline") as arguments:
            assert str(REPOSITORY / "services") not in maps.read()
            assert "environment/bin/python" in arguments.read()
