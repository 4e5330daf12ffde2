"""The chart's promises: values in, objects out."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from deploy import broker
from tests.support.helm import CHART, EXAMPLES, helm_binary, render

VALUES = sorted(path.name for path in EXAMPLES.glob("*.yaml"))
# Kinds of operators that a cluster brings. The schemas are those of the packages cloudcoil-models-keda 2.16.1 and
# cloudcoil-models-prometheus-operator 0.80.1, which are made from the operators' CRDs, without descriptions and status
# and with unknown fields refused. HTTPRoute's is made so from Gateway API's own CRD (1.6.1, standard channel), those
# of the examples beside the chart from the CRDs of External Secrets 2.9.0 and cert-manager 1.21.1 (of Issuer `ca` and
# `selfSigned` alone).
OPERATORS = ("keda.sh/", "monitoring.coreos.com/", "gateway.networking.k8s.io/")
CRDS = json.loads(Path(__file__).with_name("crds.json").read_text())


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    return helm_binary(tmp_path_factory.mktemp("helm"))


def _of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def _pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {name: one["spec"]["template"]["spec"] for name, one in _of_kind(objects, "Deployment").items()}
    jobs = _of_kind(objects, "ScaledJob").items()
    return found | {name: one["spec"]["jobTargetRef"]["template"]["spec"] for name, one in jobs}


def _validator(schema: dict[str, Any]) -> Any:
    """Checks values against the schema, itself checked once: that takes longer than most values do."""
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def test_the_chart_lints(helm: str) -> None:
    linted = subprocess.run([helm, "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("values", VALUES)
def test_every_rendered_object_is_valid(helm: str, values: str) -> None:
    objects = render(helm, "-f", str(EXAMPLES / values))
    assert objects
    for one in objects:
        if one["apiVersion"].startswith(OPERATORS):
            _validator(CRDS[one["kind"]]).validate(one)
        else:
            kubernetes_validate.validate(one, "1.32", strict=True)
        if one["kind"] == "ScaledJob":  # what KEDA makes a Job of
            job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": one["spec"]["jobTargetRef"]}
            kubernetes_validate.validate(job, "1.32", strict=True)


def test_a_mistake_in_an_operators_object_would_be_found(helm: str) -> None:
    scaler = _of_kind(render(helm), "ScaledObject")["test-tracker"]
    validator = _validator(CRDS["ScaledObject"])
    for spec in ({"pollingIntervall": 5}, {"minReplicaCount": "one"}, {"triggers": [{"type": "rabbitmq"}]}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**scaler, "spec": {**scaler["spec"], **spec}})


def _wrong_names(schema: Any, values: Any, path: str = "") -> list[str]:
    """Each value of the chart with a letter of its name doubled, where the schema knows the names."""
    wrong: list[str] = []
    for name, value in values.items() if isinstance(values, dict) else ():
        below = (schema.get("properties") or {}).get(name) or schema.get("additionalProperties") or {}
        below = below if isinstance(below, dict) else {}
        if "$ref" in below:
            below = SCHEMA["definitions"][below["$ref"].rpartition("/")[2]]
        wrong.append(f"{path}{name}{name[-1]}")
        if "properties" in below or below.get("additionalProperties") is False or name == "workers":
            wrong += _wrong_names(below, value, f"{path}{name}.")
    return wrong


SCHEMA = json.loads((CHART / "values.schema.json").read_text())
GIVEN = yaml.safe_load((CHART / "values.yaml").read_text())
SLIPS = [*_wrong_names(SCHEMA, GIVEN), "gateway.tlssecret", "workers.generator.gpu", "tlsSecret"]


def test_a_name_that_the_chart_does_not_have_is_refused() -> None:
    assert len(SLIPS) > 100
    validator = _validator(SCHEMA)
    validator.validate(GIVEN)
    for slip in SLIPS:
        values: dict[str, Any] = json.loads(json.dumps(GIVEN))
        *way, name = slip.split(".")
        place = values
        for step in way:
            place = place[step]
        place[name] = "x"
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(values)


@pytest.mark.parametrize("slip", ["gateway.tlssecret=x", "networkPolicy.enable=false"])
def test_helm_says_which_name_is_wrong(helm: str, slip: str) -> None:
    with pytest.raises(ValueError, match=slip.partition("=")[0].rpartition(".")[2]):
        render(helm, "--set", slip)


def test_plain_text_does_not_leave_the_cluster_unless_told(helm: str) -> None:
    for kind in ("LoadBalancer", "NodePort"):
        outside = f"gateway.service.type={kind}"
        with pytest.raises(ValueError, match="gateway"):
            render(helm, "--set", outside)
        assert render(helm, "--set", outside, "--set", "gateway.plainTextOutside=true")
        assert render(helm, "--set", outside, "--set", "gateway.tlsSecret=tls")


def test_no_secret_stands_in_the_manifests(helm: str) -> None:
    objects = render(helm, "-f", str(EXAMPLES / "gpu.yaml"))
    text = yaml.safe_dump_all(objects)
    assert "amqp://" not in text
    assert "mongodb://" not in text
    for name, pod in _pods(objects).items():
        names = {variable["name"] for variable in pod["containers"][0]["env"]}
        assert ("ANTIPHON_SECRETS_DIR" in names) == (name != "test-web"), name  # HTTP has no secret at all
        assert not names & {"ANTIPHON_MONGO_URL", "ANTIPHON_BROKER_URL"}
    with pytest.raises(ValueError, match="config"):
        render(helm, "--set", "config.ANTIPHON_BROKER_URL=amqp://me:secret@rabbit")


def test_no_container_has_rights_it_does_not_need(helm: str) -> None:
    for name, pod in _pods(render(helm, "-f", str(EXAMPLES / "fetched-model.yaml"))).items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["automountServiceAccountToken"] is False
        for container in [*pod["containers"], *pod.get("initContainers", ())]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"], name
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"]["drop"] == ["ALL"]


def test_with_broker_users_each_pod_gets_its_own_url_and_nobody_declares(helm: str) -> None:
    pods = _pods(render(helm, "-f", str(EXAMPLES / "tls.yaml")))
    del pods["test-web"]  # calls gateways alone
    assert set(pods) == {f"test-{service}" for service in broker.SERVICES}
    for name, pod in pods.items():
        items = next(volume for volume in pod["volumes"] if volume["name"] == "secrets")["secret"]["items"]
        assert {"key": f"broker-url-{name.removeprefix('test-')}", "path": "ANTIPHON_BROKER_URL"} in items
        env = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
        assert env["ANTIPHON_BROKER_DECLARES"] == "false"


def test_the_broker_is_set_up_before_anything_else_and_by_a_job_without_rights(helm: str) -> None:
    objects = render(helm, "-f", str(EXAMPLES / "tls.yaml"))
    job = _of_kind(objects, "Job")["test-broker-setup"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    pod = job["spec"]["template"]["spec"]
    assert pod["containers"][0]["command"] == [
        "python", "-m", "deploy.broker", "apply", "--secrets", "/run/secrets/antiphon",
    ]  # fmt: skip
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert not _of_kind(render(helm), "Job")


def test_callers_certificates_need_tls(helm: str) -> None:
    gateway = _pods(render(helm, "-f", str(EXAMPLES / "tls.yaml")))["test-gateway"]["containers"][0]
    env = {one["name"]: one.get("value") for one in gateway["env"]}
    mounts = {one["mountPath"] for one in gateway["volumeMounts"]}
    assert env["ANTIPHON_TLS_CLIENT_CA"] == "/run/client-ca/ca.crt"
    assert {"/run/tls", "/run/client-ca"} <= mounts
    with pytest.raises(ValueError, match="tlsSecret"):
        render(helm, "--set", "gateway.clientCaSecret=callers-ca")


def test_http_finds_every_gateway_and_is_reached_by_its_host(helm: str) -> None:
    objects = render(helm)
    web = _pods(objects)["test-web"]["containers"][0]
    env = {one["name"]: one.get("value") for one in web["env"]}
    assert env["ANTIPHON_WEB_GATEWAYS"] == "dns:///test-gateway-all:50051"
    gateways = _of_kind(objects, "Service")["test-gateway-all"]["spec"]
    assert (gateways["clusterIP"], gateways["selector"]["app.kubernetes.io/component"]) == ("None", "gateway")
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert not _of_kind(objects, "Ingress")
    objects = render(helm, "-f", str(EXAMPLES / "tls.yaml"))
    env = {one["name"]: one.get("value") for one in _pods(objects)["test-web"]["containers"][0]["env"]}
    assert (env["ANTIPHON_WEB_GATEWAYS"], env["ANTIPHON_WEB_GATEWAY_TLS"]) == ("test-gateway:50051", "true")
    rule = _of_kind(objects, "Ingress")["test-web"]["spec"]["rules"][0]
    assert rule["host"] == "assistant.example.org"
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == "test-web"
    assert "test-web" not in _pods(render(helm, "--set", "web.enabled=false"))


def test_weights_without_hashes_are_refused(helm: str) -> None:
    with pytest.raises(ValueError, match="sha256"):
        render(helm, "-f", str(EXAMPLES / "fetched-model.yaml"), "--set", "models.fetch.sha256=")


def test_a_worker_scales_by_its_own_queue_counting_turns_in_work(helm: str) -> None:
    objects = render(helm, "-f", str(EXAMPLES / "gpu.yaml"))
    scalers = _of_kind(objects, "ScaledObject")
    queues = {"test-tracker": "turns.track", "test-knowledge": "turns.ground", "test-generator": "turns.generate"}
    for name, queue in queues.items():
        spec = scalers[name]["spec"]
        trigger = spec["triggers"][0]
        assert trigger["type"] == "rabbitmq"
        assert trigger["metadata"]["queueName"] == queue
        assert trigger["metadata"]["protocol"] == "http"
        assert trigger["metadata"]["excludeUnacknowledged"] == "false"
        assert spec["fallback"]["replicas"] >= 1
        assert "replicas" not in _of_kind(objects, "Deployment")[name]["spec"]  # KEDA's, not helm's


def test_without_keda_replicas_are_as_the_values_say(helm: str) -> None:
    objects = render(helm, "-f", str(EXAMPLES / "minimal.yaml"))
    assert not _of_kind(objects, "ScaledObject")
    assert not _of_kind(objects, "ScaledJob")
    assert _of_kind(objects, "Deployment")["test-generator"]["spec"]["replicas"] == 1


def test_a_generator_gets_its_gpu_and_time_to_finish_its_replies(helm: str) -> None:
    pod = _pods(render(helm, "-f", str(EXAMPLES / "gpu.yaml")))["test-generator"]
    container = pod["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    drain = next(v["value"] for v in container["env"] if v["name"] == "ANTIPHON_DRAIN_SECONDS")
    assert pod["terminationGracePeriodSeconds"] > float(drain)


def test_probes_suit_what_they_probe(helm: str) -> None:
    pods = _pods(render(helm, "-f", str(EXAMPLES / "gpu.yaml")))
    gateway = pods["test-gateway"]["containers"][0]
    assert gateway["readinessProbe"]["grpc"]["port"] == 50051
    for name, pod in pods.items():
        container = pod["containers"][0]
        if name in ("test-gateway", "test-training"):
            continue
        assert "alive" in json.dumps(container["livenessProbe"]), name
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 120
    tls = _pods(render(helm, "-f", str(EXAMPLES / "tls.yaml")))["test-gateway"]["containers"][0]
    assert "grpc" not in tls["readinessProbe"]  # Kubernetes' gRPC probe knows no TLS
    assert "tcpSocket" in tls["readinessProbe"]


def test_training_runs_as_a_job_that_is_not_repeated(helm: str) -> None:
    job = _of_kind(render(helm, "-f", str(EXAMPLES / "gpu.yaml")), "ScaledJob")["test-training"]["spec"]
    assert job["jobTargetRef"]["backoffLimit"] == 0
    assert job["triggers"][0]["metadata"]["queueName"] == "training.run"
    command = job["jobTargetRef"]["template"]["spec"]["containers"][0]["command"]
    assert command == ["python", "-m", "services.finetune", "training", "--once"]


def test_every_command_is_one_that_the_package_has(helm: str) -> None:
    for name, pod in _pods(render(helm)).items():
        _, option, module, *_ = pod["containers"][0]["command"]
        assert option == "-m"
        root = Path(sys.modules["services"].__path__[0]) if "services" in sys.modules else CHART.parents[2] / "services"
        assert (root / module.removeprefix("services.") / "__main__.py").is_file(), name


def test_only_named_callers_reach_the_gateway_and_nobody_a_worker(helm: str) -> None:
    policies = _of_kind(render(helm, "-f", str(EXAMPLES / "tls.yaml")), "NetworkPolicy")
    gateway = policies["test-gateway"]["spec"]["ingress"][0]
    assert gateway["from"]
    assert gateway["ports"] == [{"port": 50051, "protocol": "TCP"}]
    assert gateway["from"][-1] == {"podSelector": policies["test-web"]["spec"]["podSelector"]}
    everyone = policies["test-antiphon"]["spec"]
    assert "ingress" not in everyone
    assert set(everyone["policyTypes"]) == {"Ingress", "Egress"}


def test_scaled_to_zero_leaves_the_gateways(helm: str) -> None:
    objects = render(helm, "-f", str(EXAMPLES / "scaled-to-zero.yaml"))
    assert _of_kind(objects, "ScaledObject")["test-generator"]["spec"]["minReplicaCount"] == 0
    assert _of_kind(objects, "HorizontalPodAutoscaler")["test-gateway"]["spec"]["minReplicas"] == 2


@pytest.mark.parametrize("wrong", ["gateway.replicas=-1", "workers.tracker.queue=", "image.pullPolicy=Sometimes"])
def test_wrong_values_are_refused(helm: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong.split("=")[0].split(".")[-1])):
        render(helm, "--set", wrong)


def _compose(text: str) -> dict[str, Any]:
    """The compose file with its variables filled, as the specification's parser takes it."""
    content = yaml.safe_load(re.sub(r"\$\{\w+(:?[-?][^}]*)?\}", "filled", text))
    parsed = {name: value for name, value in content.items() if not name.startswith("x-")}
    PyCompose.from_json(json.dumps(parsed)).validate()
    return parsed


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("stop_grace_period: 60s", "stop_grace_period: soon"),
        ('["cache:/', '["cashe:/'),
        ("target: cpu", "targett: cpu"),
    ],
)
def test_a_mistake_in_the_compose_file_would_be_found(right: str, wrong: str) -> None:
    text = (CHART.parents[1] / "compose.yaml").read_text()
    assert right in text
    with pytest.raises(ValueError, match=r"."):
        _compose(text.replace(right, wrong))


def test_hadolint_has_nothing_to_say() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or "hadolint"
    dockerfile = CHART.parents[1] / "images" / "Dockerfile"
    linted = subprocess.run([linter, str(dockerfile)], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_folders_that_a_container_writes_to_belong_to_its_user_in_the_image() -> None:
    """A named volume takes its owner from the image's folder; without one it is root's and nobody can write to it."""
    text = (CHART.parents[1] / "images" / "Dockerfile").read_text()
    (made,) = re.findall(r"install --directory --owner antiphon --group antiphon (.+)", text)
    variables = dict(re.findall(r"(ANTIPHON_\w+)=(/\S+)", text))
    needed = {variables["ANTIPHON_CACHE_DIR"], str(Path(variables["ANTIPHON_LIVENESS_FILE"]).parent)}
    compose = _compose((CHART.parents[1] / "compose.yaml").read_text())
    needed |= {
        volume.split(":")[1]
        for service in compose["services"].values()
        if service.get("user") == "10001:10001"
        for volume in service.get("volumes", ())
    }
    assert needed <= set(made.split())


def test_the_compose_file_runs_every_service_against_a_replica_set() -> None:
    compose = _compose((CHART.parents[1] / "compose.yaml").read_text())
    services = compose["services"]
    assert {"gateway-1", "gateway-2", "web", "tracker", "knowledge", "knowledge-jobs", "finetune", "generator"} <= set(
        services
    )
    assert {"mongo-1", "mongo-2", "mongo-3", "rabbitmq"} <= set(services)
    for name, service in services.items():
        if name.startswith(("gateway", "web", "tracker", "knowledge", "finetune", "generator")):
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"]
            assert service["user"] == "10001:10001"
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in compose["volumes"], volume
        for needed in service.get("depends_on", ()):
            assert needed in services
