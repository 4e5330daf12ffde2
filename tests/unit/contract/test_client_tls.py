"""The client speaks TLS to those it trusts and to nobody else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from antiphon.client import RetryPolicy, Unavailable
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.conversation_pb2 import GetTurnRequest, GetTurnResponse

from tests.support.misbehaving_gateway import MisbehavingGateway

ONCE = RetryPolicy(patience=0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A private key and its self-signed certificate for localhost, as PEM."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*make.split(), *names], check=True, capture_output=True)
    return key.read_bytes(), cert.read_bytes()


@pytest.fixture
def secure_gateway(certificate: tuple[bytes, bytes]) -> Iterator[MisbehavingGateway]:
    server = MisbehavingGateway(grpc.ssl_server_credentials([certificate]))
    yield server
    server.stop()


def get_turn(client: Any) -> Any:
    return client.conversations.GetTurn(GetTurnRequest(turn_id="turn_1"))


def test_a_gateway_with_a_trusted_certificate_is_talked_to(
    reader: Any, secure_gateway: MisbehavingGateway, certificate: tuple[bytes, bytes]
) -> None:
    secure_gateway.script(GetTurnResponse(turn=pb.Turn(id="turn_1")))
    assert reader.value(secure_gateway.address, get_turn, tls=certificate[1]).turn.id == "turn_1"
    assert secure_gateway.calls[0].metadata["authorization"] == "Bearer key_1.secret"


def test_a_gateway_with_another_certificate_never_sees_the_key(reader: Any, secure_gateway: MisbehavingGateway) -> None:
    with pytest.raises(Unavailable):
        reader.value(secure_gateway.address, get_turn, tls=True, policy=ONCE)
    assert not secure_gateway.calls
