"""How the chart's HTTP is reached, its processes are watched and its images are named."""

from typing import Any

import jsonschema
import pytest

from tests.support.helm import EXAMPLES, helm_binary, render
from tests.unit.deploy.test_chart import CRDS
from tests.unit.deploy.test_chart_running import of_kind, pods_of

EXAMPLE = ("-f", str(EXAMPLES / "gateway-api.yaml"))


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    return helm_binary(tmp_path_factory.mktemp("helm"))


def test_http_is_reached_through_a_gateway_of_the_cluster(helm: str) -> None:
    objects = render(helm, *EXAMPLE)
    route = of_kind(objects, "HTTPRoute")["test-web"]
    assert route["spec"]["parentRefs"] == [{"name": "public", "namespace": "gateways", "sectionName": "https"}]
    assert route["spec"]["hostnames"] == ["assistant.example.org"]
    (rule,) = route["spec"]["rules"]
    (backend,) = rule["backendRefs"]
    (port,) = of_kind(objects, "Service")[backend["name"]]["spec"]["ports"]
    assert backend["port"] == port["port"]
    assert rule["timeouts"] == {"request": "0s"}  # an event stream lasts as long as its reply
    assert not of_kind(objects, "Ingress")
    assert not of_kind(render(helm), "HTTPRoute")
    assert not of_kind(render(helm, *EXAMPLE, "--set", "web.enabled=false"), "HTTPRoute")


def test_a_mistake_in_a_route_would_be_found(helm: str) -> None:
    route = of_kind(render(helm, *EXAMPLE), "HTTPRoute")["test-web"]
    validator: Any = jsonschema.Draft202012Validator(CRDS["HTTPRoute"])
    validator.validate(route)
    for spec in ({"hostname": "a"}, {"parentRefs": [{"namespace": "a"}]}, {"rules": [{"timeouts": {"request": "1d"}}]}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**route, "spec": {**route["spec"], **spec}})


def test_a_service_monitor_finds_the_port_of_every_pod(helm: str) -> None:
    objects = render(helm, *EXAMPLE)
    wanted = of_kind(objects, "ServiceMonitor")["test-antiphon"]["spec"]
    services = [
        one for one in of_kind(objects, "Service").values()
        if wanted["selector"]["matchLabels"].items() <= one["metadata"]["labels"].items()
    ]  # fmt: skip
    (service,) = services
    (port,) = service["spec"]["ports"]
    assert [one["port"] for one in wanted["endpoints"]] == [port["name"]]
    assert service["spec"]["clusterIP"] == "None"
    for name, deployment in of_kind(objects, "Deployment").items():
        template = deployment["spec"]["template"]
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items(), name
        (container,) = template["spec"]["containers"]
        assert {"name": port["targetPort"], "containerPort": port["port"]} in container["ports"], name
        assert {"name": "ANTIPHON_METRICS_PORT", "value": str(port["port"])} in container["env"], name
    allowed = of_kind(objects, "NetworkPolicy")["test-antiphon"]["spec"]["ingress"]
    assert {"port": port["port"], "protocol": "TCP"} in allowed[0]["ports"]
    assert not of_kind(render(helm), "ServiceMonitor")


def test_pods_are_not_scraped_twice(helm: str) -> None:
    with pytest.raises(ValueError, match="monitoring"):
        render(helm, *EXAMPLE, "--set", "monitoring.podMonitor=true")


def test_a_digest_takes_the_place_of_the_tag_of_its_own_image(helm: str) -> None:
    for name, pod in pods_of(render(helm, *EXAMPLE, "--set", "image.tag=1.2.3")).items():
        image = pod["containers"][0]["image"]
        assert image.startswith("registry.example.org/antiphon/antiphon-"), name
        assert "@sha256:" in image, name
        assert "1.2.3" not in image, name
    digest = "sha256:" + "0123456789abcdef" * 4
    pods = pods_of(render(helm, "--set", "image.tag=1.2.3", "--set", f"image.digests.antiphon-cpu={digest}"))
    images = {name: pod["containers"][0]["image"] for name, pod in pods.items()}
    assert images["test-tracker"] == f"antiphon-cpu@{digest}"
    assert images["test-gateway"] == "antiphon-gateway:1.2.3"


@pytest.mark.parametrize("digest", ["latest", "sha256:12", "sha512:" + "0" * 64, "sha256:" + "G" * 64])
def test_what_is_no_digest_is_refused(helm: str, digest: str) -> None:
    with pytest.raises(ValueError, match="digests"):
        render(helm, "--set", f"image.digests.antiphon-cpu={digest}")
