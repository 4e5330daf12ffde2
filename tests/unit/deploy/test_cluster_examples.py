"""Examples of objects beside the chart: operators make the secrets, with the keys, that the chart's pods mount."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.helm import EXAMPLES, helm_binary, render
from tests.unit.deploy.test_chart import CRDS
from tests.unit.deploy.test_chart_running import of_kind

MANIFESTS = sorted((EXAMPLES / "cluster").glob("*.yaml"))
CERTIFICATE_KEYS = {"tls.crt", "tls.key", "ca.crt"}  # what cert-manager writes where the issuer has an authority
# What is in the secret for the one pod that mounts the whole of it.
BROKER_SETUP = {"management-admin-url"}


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return render(helm_binary(tmp_path_factory.mktemp("helm")), "-f", str(EXAMPLES / "cluster-secrets.yaml"))


def manifests() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text())]


def made() -> dict[str, set[str]]:
    """The secrets that come of the manifests, with their keys."""
    secrets = {
        one["spec"]["target"]["name"]: {row["secretKey"] for row in one["spec"]["data"]}
        for one in of_kind(manifests(), "ExternalSecret").values()
    }
    certificates = of_kind(manifests(), "Certificate").values()
    return secrets | {one["spec"]["secretName"]: CERTIFICATE_KEYS for one in certificates}


def wanted(objects: list[dict[str, Any]]) -> Iterator[tuple[str, set[str]]]:
    """Each secret that an object names, with the keys it takes; none where it takes what there is."""
    for thing in objects:
        for value in walk(thing):
            if "secretName" in value and "defaultMode" in value:
                yield value["secretName"], {item["key"] for item in value.get("items", ())}
        if thing["kind"] == "TriggerAuthentication":
            for reference in thing["spec"]["secretTargetRef"]:
                yield reference["name"], {reference["key"]}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(below)


@pytest.mark.parametrize("manifest", manifests(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_each_object_is_one_that_its_operator_takes(manifest: dict[str, Any]) -> None:
    validator: Any = jsonschema.Draft202012Validator(CRDS[manifest["kind"]])
    validator.validate(manifest)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**manifest, "spec": {**manifest["spec"], "secretNames": "x"}})


def test_every_secret_that_is_mounted_is_made_with_its_keys(objects: list[dict[str, Any]]) -> None:
    secrets = made()
    mounted = list(wanted(objects))
    assert {name for name, _ in mounted} == {"antiphon-credentials", "gateway-tls", "web-certificate"}
    for name, keys in mounted:
        assert keys <= secrets[name], name
    assert secrets["antiphon-credentials"] - {key for _, keys in mounted for key in keys} == BROKER_SETUP


def test_certificates_name_the_services_and_their_issuers_are_there(objects: list[dict[str, Any]]) -> None:
    certificates = of_kind(manifests(), "Certificate")
    services = {name.replace("test-", "antiphon-", 1) for name in of_kind(objects, "Service") if "gateway" in name}
    assert services <= set(certificates["gateway"]["spec"]["dnsNames"])
    issuers = of_kind(manifests(), "Issuer")
    authorities = {one["spec"]["ca"]["secretName"] for one in issuers.values() if "ca" in one["spec"]}
    assert authorities == {one["spec"]["secretName"] for one in certificates.values() if one["spec"].get("isCA")}
    for certificate in certificates.values():
        assert certificate["spec"]["issuerRef"]["name"] in issuers
    assert {one["metadata"]["namespace"] for one in manifests()} == {"antiphon"}


def test_what_the_ingress_shows_is_asked_for_by_its_annotation(objects: list[dict[str, Any]]) -> None:
    ingress = of_kind(objects, "Ingress")["test-web"]
    assert ingress["spec"]["tls"][0]["secretName"] == "assistant-tls"
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "public"}
