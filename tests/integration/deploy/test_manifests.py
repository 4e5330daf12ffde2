"""The rendered manifests at work: every service by its very command, environment, user and mounts.

Against a RabbitMQ with a user per service and a MongoDB set of three: a turn passes, probes answer, SIGTERM drains.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import grpc
import pytest
from antiphon.client import Client
from antiphon.v1 import feedback_pb2
from antiphon.v1.conversation_pb2 import CreateSessionRequest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy import broker
from deploy.local.ports import free_port
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Brokers
from tests.support.helm import helm_binary, render
from tests.support.manifests import PodProcess, why_not
from tests.support.rabbitmq import RabbitServer
from tests.support.replica_set import ReplicaSet
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
VHOST = "manifests"
WORDS = "one two three four five six seven eight nine ten eleven twelve"


@dataclass
class Cluster:
    """The pods of the chart, running."""

    pods: dict[str, PodProcess]
    grace: dict[str, float]
    address: str
    url: str
    client: Client
    store: Store

    def processed(self, turn: str) -> bool:
        """Whether the turn's feedback was learned from."""
        return any(one["status"] == "processed" for one in self.store.feedback.of_turn("default", turn))

    def session(self) -> str:
        return self.client.conversations.CreateSession(CreateSessionRequest(user_id="ann")).session.id


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, brokers: Brokers) -> Iterator[Cluster]:
    share = brokers.get("rabbitmq")
    if not isinstance(share.server, RabbitServer):
        pytest.skip("needs a RabbitMQ of its own, whose users it makes")
    folder = tmp_path_factory.mktemp("cluster")
    mongo = ReplicaSet(folder / "mongo")
    mongo.start()
    host = f"127.0.0.1:{share.server.port}"
    urls = {name: f"amqp://pod-{name}:secret-{name}@{host}/{VHOST}" for name in broker.SERVICES}
    names = broker.apply(f"http://guest:guest@127.0.0.1:{share.server.http_port}", urls)
    secret = {f"broker-url-{name}": url for name, url in urls.items()} | {"ANTIPHON_MONGO_URL": mongo.url}
    port, web_port = free_port(), free_port()
    chosen = {
        "broker.users": "true",
        "gateway.env.ANTIPHON_GATEWAY_PORT": port,
        "web.env.ANTIPHON_WEB_PORT": web_port,
        "web.env.ANTIPHON_WEB_GATEWAYS": f"127.0.0.1:{port}",
        "workers.tracker.env.ANTIPHON_TRACKER": "rules",
        "workers.generator.env.ANTIPHON_ENGINE": "echo",
        "workers.generator.env.ANTIPHON_ECHO_STEP_MS": 100,
    }
    arguments = [
        part for name, value in chosen.items() if ".env." in name for part in ("--set-string", f"{name}={value}")
    ]
    objects = render(helm_binary(folder), "--set", "broker.users=true", *arguments)
    specs = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in objects if one["kind"] == "Deployment"}
    job = next(one for one in objects if one["kind"] == "ScaledJob")
    specs["test-training"] = job["spec"]["jobTargetRef"]["template"]["spec"]
    store = Store(CommonSettings(mongo_url=mongo.url))
    store.prepare()
    key = store.keys.create("default", "operator", "test")[1]
    pods = {name: PodProcess(spec, name, folder / name, secret) for name, spec in specs.items()}
    grace = {name: float(spec["terminationGracePeriodSeconds"]) for name, spec in specs.items()}
    for pod in pods.values():
        pod.start()
    address = f"127.0.0.1:{port}"
    with Client(address, key, timeout=60) as client:
        yield Cluster(pods, grace, address, f"http://127.0.0.1:{web_port}", client, store)
    # Nothing that any service did was more than its user may.
    refused = [line for line in share.server.program.log().splitlines() if "refused for user 'pod-" in line]
    for pod in pods.values():
        pod.kill()
    store.close()
    mongo.stop()
    share.server.drop_vhost(VHOST)
    for name in names:
        share.server.manage("DELETE", f"users/{quote(name)}")
    brokers.release(share)
    assert not refused


def _healthy(address: str) -> bool:
    """The kubelet's gRPC probe."""
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def test_every_pod_starts_and_its_probes_pass(cluster: Cluster) -> None:
    for name, pod in cluster.pods.items():
        if name == "test-training":
            wait_until(lambda pod=pod: not pod.running(), 90, "the training Job ends: nothing waits")  # type: ignore[misc]
            assert pod.returncode == 0, pod.log(tail=20)
        elif name == "test-gateway":
            wait_until(lambda: _healthy(cluster.address), 60, "the gateway's readiness")
        else:
            pod.wait_ready(lambda pod=pod: pod.probe("startupProbe"), 120)  # type: ignore[misc]
            if name == "test-web":
                path = pod.container["readinessProbe"]["httpGet"]["path"]
                assert urllib.request.urlopen(cluster.url + path, timeout=10).status == 200
            else:
                assert pod.probe("readinessProbe"), name
            assert pod.probe("livenessProbe"), name


def test_no_pod_can_write_anywhere_but_to_its_own_folders(cluster: Cluster) -> None:
    pod = cluster.pods["test-tracker"]
    pod.wait_ready(lambda: pod.probe("startupProbe"), 120)
    for place in ("/run/secrets/antiphon/x", "/var/lib/x", str(Path(__file__).parent / "x")):
        assert pod.run_inside("touch", place).returncode != 0, place
    for place in ("/tmp/x", "/run/antiphon/x", "/var/cache/antiphon/x"):
        assert pod.run_inside("touch", place).returncode == 0, place
    assert pod.run_inside("id", "-u").stdout.strip() == "10001"
    status = Path(f"/proc/{pod.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status


def test_a_turn_passes_through_all_of_them(cluster: Cluster) -> None:
    draft = cluster.client.send(cluster.session(), WORDS, timeout=60).result()
    assert "twelve" in draft.text


def test_feedback_reaches_the_batches(cluster: Cluster) -> None:
    with cluster.client.send(cluster.session(), "hello", timeout=60) as stream:
        stream.result()
    given = feedback_pb2.SubmitFeedbackRequest(turn_id=stream.turn_id, feedback=feedback_pb2.Feedback(rating=5))
    cluster.client.feedback.SubmitFeedback(given)
    wait_until(lambda: cluster.processed(stream.turn_id), 60, "the batch is made")


def test_sigterm_drains_within_the_grace_period(cluster: Cluster) -> None:
    session = cluster.session()
    generator = cluster.pods["test-generator"]
    started = time.monotonic()
    seen = []
    with cluster.client.send(session, WORDS, timeout=60) as stream:
        for event in stream:
            seen.append(event.WhichOneof("event"))
            if seen[-1] == "delta":
                generator.terminate()
        assert "twelve" in stream.result().text, "the reply in work is finished"
    assert "restarted" not in seen, "by the generator that began it"
    going = {name: pod for name, pod in cluster.pods.items() if name != "test-training"}
    for pod in going.values():
        pod.terminate()
    with ThreadPoolExecutor(len(going)) as pool:
        ended = dict(zip(going, pool.map(lambda name: going[name].stop(cluster.grace[name]), going), strict=True))
    assert ended == dict.fromkeys(going, 0)
    assert time.monotonic() - started < min(cluster.grace.values())
    for name, pod in going.items():
        assert json.loads(pod.log(tail=1))["event"] == "stopped", name
