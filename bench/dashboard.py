"""A picture of the dashboard from real metrics: ``python -m bench.dashboard --picture deploy/dashboard.svg``.

The whole stack talks, revises, rates, corrects and refuses for a while with a Prometheus that scrapes it; then each
panel's own queries are put to that Prometheus and drawn. Prometheus is real (Debian's package); Grafana is not at hand,
so the drawing is this script's.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.client import AntiphonError, Client, RetryPolicy
from antiphon.v1 import conversation_pb2, feedback_pb2, state_pb2

from bench.drawing import draw
from deploy.local.mongo import MongoServer
from deploy.local.ports import answers, free_port
from deploy.local.program import Program
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Brokers
from tests.support.helm import CHART
from tests.support.processes import Services

SCHEMA = "services: [{name: travel, slots: [{name: city, values: [Oslo, Rome, Lima]}]}]"


@dataclass
class Watched:
    """A stack under a Prometheus."""

    address: str
    key: str
    prometheus: str


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Every service once, on RabbitMQ, scraped each second."""
    with ExitStack() as ends:
        mongo = MongoServer(folder / "mongo")
        ends.callback(mongo.stop)
        mongo.start()
        brokers = Brokers(folder / "brokers")
        ends.callback(brokers.stop)
        settings: dict[str, object] = {
            "mongo_url": mongo.url,
            "mongo_database": "dashboard",
            "broker_url": brokers.get("rabbitmq").url,
        }
        services = Services(folder / "services", settings)
        ends.callback(services.stop)
        gateway_port = free_port()
        parts: list[tuple[str, tuple[str, ...], dict[str, object]]] = [
            ("gateway", (), {"gateway_port": gateway_port}),
            ("tracker", (), {"tracker": "rules"}),
            ("knowledge", ("ground",), {}),
            ("finetune", ("batches",), {}),
            ("generator", (), {"engine": "echo", "echo_tokens": 20, "echo_step_ms": 20, "rows": 8}),
        ]
        targets = []
        started = []
        for name, arguments, own in parts:
            port = free_port()
            targets.append({"targets": [f"127.0.0.1:{port}"], "labels": {"service": name}})
            started.append(services.spawn(name, *arguments, metrics_port=port, **own))
        for process in started:
            process.until_ready(120)
        store = Store(CommonSettings.model_validate(settings), pool=2)
        key = store.keys.create("default", "operator", "dashboard")[1]
        store.close()
        prometheus = _prometheus(folder / "prometheus", targets)
        ends.callback(prometheus[0].kill)
        yield Watched(f"127.0.0.1:{gateway_port}", key, prometheus[1])


def _prometheus(folder: Path, targets: list[dict[str, Any]]) -> tuple[Program, str]:
    folder.mkdir()
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "antiphon", "static_configs": targets}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    port = free_port()
    argv = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    program = Program("prometheus", [*argv, f"--web.listen-address=127.0.0.1:{port}"], folder / "log")
    program.start()
    program.wait_ready(lambda: answers(port), 30)
    return program, f"http://127.0.0.1:{port}"


def talk(at: Watched, until: float, seed: int) -> None:
    """One user: talks, sometimes asks for another draft, rates, and has the state looked over."""
    chance = random.Random(seed)
    with Client(at.address, at.key, timeout=60) as client:
        while time.monotonic() < until:
            request = conversation_pb2.CreateSessionRequest(user_id=f"user-{seed}", schema_name="travel")
            session = client.conversations.CreateSession(request).session.id
            for _ in range(4):
                with client.send(
                    session, chance.choice(("To Oslo, please.", "I want to see Rome.", "Thanks!"))
                ) as stream:
                    stream.result()
                if chance.random() < 0.3:
                    client.revise(stream.turn_id, "shorter").result()
                rating = chance.choices((1, 2, 3, 4, 5), (1, 1, 2, 4, 6))[0]
                given = feedback_pb2.Feedback(rating=rating)
                client.feedback.SubmitFeedback(
                    feedback_pb2.SubmitFeedbackRequest(turn_id=stream.turn_id, feedback=given)
                )
            value = chance.choice(("Oslo", "Rome"))
            correction = state_pb2.StateCorrection(service="travel", slot="city", value=value)
            client.states.CorrectState(state_pb2.CorrectStateRequest(session_id=session, corrections=[correction]))
    if seed == 0:
        return
    with Client(at.address, "key_unknown.secret", policy=RetryPolicy(patience=0)) as stranger:
        try:
            stranger.conversations.ListSessions(conversation_pb2.ListSessionsRequest())
        except AntiphonError:
            return  # as it should be


def ask(prometheus: str, expression: str, begin: float, end: float) -> list[dict[str, Any]]:
    """The series of a query over this time, one point a second."""
    query = urllib.parse.urlencode({"query": expression, "start": begin, "end": end, "step": 1})
    with urllib.request.urlopen(f"{prometheus}/api/v1/query_range?{query}", timeout=30) as answer:
        return list(json.load(answer)["data"]["result"])


def main() -> None:
    """Run the load, ask every panel's queries, draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--picture", type=Path, required=True, help="where the SVG goes")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--users", type=int, default=12)
    options = parser.parse_args()
    panels = json.loads((CHART / "dashboards" / "antiphon.json").read_text())["panels"]
    version = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder, watched(Path(folder)) as at:
        with Client(at.address, at.key) as client:
            client.states.PutSchema(state_pb2.PutSchemaRequest(name="travel", definition=SCHEMA))
        begin = time.time()
        until = time.monotonic() + options.seconds
        users = [threading.Thread(target=talk, args=(at, until, seed)) for seed in range(options.users)]
        for user in users:
            user.start()
        for user in users:
            user.join()
        time.sleep(3)  # the last scrapes
        end = time.time()
        drawn = []
        for panel in panels:
            series: list[tuple[str, list[tuple[float, float]]]] = []
            for target in panel["targets"]:
                for one in ask(at.prometheus, target["expr"], begin, end):
                    label = target["legendFormat"]
                    for name, value in one["metric"].items():
                        label = label.replace("{{" + name + "}}", value)
                    points = [(float(at_) - begin, float(value)) for at_, value in one["values"] if value != "NaN"]
                    series.append((label, points))
            drawn.append((panel["title"], panel["fieldConfig"]["defaults"]["unit"], series))
            newest = ", ".join(f"{name} {points[-1][1]:.3g}" for name, points in series if points)
            print(f"{panel['title']}: {newest or 'no data'}")
    server = version.stdout.partition(" (")[0]
    load = f"{options.users} users for {options.seconds:g} s, echo engine"
    caption = f"{load}; {server}; drawn by bench/dashboard.py"
    options.picture.write_text(draw("Antiphon", caption, drawn, end - begin))
    empty = [title for title, _, series in drawn if not any(points for _, points in series)]
    if empty:
        raise SystemExit(f"no data in: {', '.join(empty)}")


if __name__ == "__main__":
    main()
