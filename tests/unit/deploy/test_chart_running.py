"""Where the chart's pods run and how they are reached."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.helm import CHART, EXAMPLES, helm_binary, render


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    return helm_binary(tmp_path_factory.mktemp("helm"))


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pods_of(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {name: one["spec"]["template"]["spec"] for name, one in of_kind(objects, "Deployment").items()}
    jobs = of_kind(objects, "ScaledJob").items()
    return found | {name: one["spec"]["jobTargetRef"]["template"]["spec"] for name, one in jobs}


def test_a_pod_runs_where_its_values_say_and_only_those_with_gpus_take_gpu_nodes(helm: str) -> None:
    objects = render(helm, "-f", str(EXAMPLES / "gpu.yaml"))
    pods = pods_of(objects)
    for name, pod in pods.items():
        gpu = name in ("test-generator", "test-training")
        assert [one["key"] for one in pod["tolerations"]] == ["nvidia.com/gpu"] * gpu, name
        assert [one["name"] for one in pod["imagePullSecrets"]] == ["registry", "mirror"], name
    generator = pods["test-generator"]
    assert generator["nodeSelector"] == {"node.kubernetes.io/instance-type": "gpu-large"}
    assert (generator["priorityClassName"], generator["runtimeClassName"]) == ("serving", "nvidia")
    assert pods["test-training"]["priorityClassName"] == "batch"
    assert "podAntiAffinity" in generator["affinity"]
    assert {"name": "shm", "mountPath": "/dev/shm"} in generator["containers"][0]["volumeMounts"]
    assert {"HTTPS_PROXY"} <= {one["name"] for one in generator["containers"][0]["env"]}
    template = of_kind(objects, "Deployment")["test-generator"]["spec"]["template"]["metadata"]
    assert template["annotations"] == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    assert "priorityClassName" not in pods["test-tracker"]


def test_what_one_pod_has_of_its_own_is_beside_what_all_have(helm: str) -> None:
    everywhere = ("nodeSelector.zone=a", "tolerations[0].key=shared", "tolerations[0].operator=Exists")
    for place in ("gateway", "web", "workers.tracker", "training"):
        own = ("nodeSelector.disk=ssd", "tolerations[0].key=own", "volumes[0].name=more", "env[0].name=MORE")
        more = ("volumes[0].emptyDir.medium=Memory", "volumeMounts[0].name=more", "volumeMounts[0].mountPath=/more")
        values = [*everywhere, *(f"{place}.pod.{one}" for one in (*own, *more))]
        pods = pods_of(render(helm, *(part for one in values for part in ("--set", one))))
        pod = pods.pop(f"test-{place.rpartition('.')[2]}")
        assert pod["nodeSelector"] == {"zone": "a", "disk": "ssd"}, place
        assert [one["key"] for one in pod["tolerations"]] == ["shared", "own"], place
        assert "more" in {one["name"] for one in pod["volumes"]}
        container = pod["containers"][0]
        assert "/more" in {one["mountPath"] for one in container["volumeMounts"]}
        assert "MORE" in {one["name"] for one in container["env"]}
        assert all(one["nodeSelector"] == {"zone": "a"} for one in pods.values())
    with pytest.raises(ValueError, match="afinity"):
        render(helm, "--set-json", 'gateway.pod={"afinity": {}}')


def test_helm_test_reaches_gateway_and_http_through_the_network_policies(helm: str) -> None:
    shut = (
        "networkPolicy.gatewayFrom[0].podSelector.matchLabels.app=shop",
        "networkPolicy.webFrom[0].podSelector.a.b=c",
    )
    out = "networkPolicy.backends[0].ipBlock.cidr=10.0.0.0/8"
    objects = render(helm, *(part for one in (*shut, out) for part in ("--set", one)))
    pod = of_kind(objects, "Pod")["test-test"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    *_, host, port, ready = pod["spec"]["containers"][0]["command"]
    services = of_kind(objects, "Service")
    assert services[host]["spec"]["ports"][0]["port"] == int(port)
    assert ready == f"http://test-web:{services['test-web']['spec']['ports'][0]['port']}/readyz"
    policies = of_kind(objects, "NetworkPolicy")
    mine = {"podSelector": {"matchLabels": policies["test-test"]["spec"]["podSelector"]["matchLabels"]}}
    for name in ("test-gateway", "test-web"):
        assert mine in policies[name]["spec"]["ingress"][0]["from"], name
    compile(pod["spec"]["containers"][0]["command"][2], "reach", "exec")
    bare = of_kind(render(helm, "--set", "web.enabled=false"), "Pod")["test-test"]
    assert bare["spec"]["containers"][0]["command"][-1] == ""


def test_every_gateway_has_an_address_of_its_own_with_tls_and_without_http_too(helm: str) -> None:
    for values in (("-f", str(EXAMPLES / "tls.yaml")), ("--set", "web.enabled=false")):
        assert of_kind(render(helm, *values), "Service")["test-gateway-all"]["spec"]["clusterIP"] == "None"


def test_the_notes_say_where_things_are(helm: str, tmp_path: Path) -> None:
    copied = shutil.copytree(CHART, tmp_path / "chart")
    (copied / "templates/NOTES.txt").rename(copied / "NOTES.txt")
    (copied / "templates/notes.yaml").write_text('notes: {{ tpl (.Files.Get "NOTES.txt") . | toJson }}\n')
    asked = [helm, "template", "test", str(copied), "--namespace", "antiphon", "--show-only", "templates/notes.yaml"]
    told = subprocess.run([*asked, "-f", str(EXAMPLES / "tls.yaml")], capture_output=True, text=True, check=True)
    notes = yaml.safe_load(told.stdout)["notes"]
    for said in ("test-gateway.antiphon:", "://assistant.example.org", "helm test test"):
        assert said in notes
    assert "plain text" not in notes
