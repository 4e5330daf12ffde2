"""The command gets the certificate of an erasure and tells a genuine one from one that was changed or forged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from antiphon.client import NotFound
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.output import Failure
from services.common.certificates import sign
from services.common.clock import now
from services.common.store import Request, Store

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)  # nothing here is about the broker
Run = Callable[..., Result]


@pytest.fixture
def run(stack: Any, store: Store, tenant: str) -> Run:
    """The command as an operator of this test's tenant."""
    key = store.keys.create(tenant, "operator", "erases")[1]

    def call(*arguments: object, address: str = stack.address, **options: Any) -> Result:
        environment = {"ANTIPHON_ADDRESS": address, "ANTIPHON_API_KEY": key}
        return CliRunner().invoke(app, ["erasures", *map(str, arguments)], env=environment, **options)

    return call


@pytest.fixture
def erasure(store: Store, tenant: str) -> str:
    """An erasure that is done."""
    begun = store.erasures.begin(tenant, "ann", Request("EraseUser", "e", ""), withdraw=False)["_id"]
    done = {"status": "done", "ended_at": now(), "searched": [{"collection": "turns", "documents": 0}]}
    store.connection.scoped("erasures", tenant).update_one({"_id": begun}, {"$set": done})
    return str(begun)


def test_a_certificate_is_written_and_verified_with_and_without_the_deployment(
    run: Run, erasure: str, tenant: str, tmp_path: Path
) -> None:
    file = tmp_path / "certificate.json"
    assert run("certificate", erasure, "--out", file).exit_code == 0
    assert json.loads(run("certificate", erasure).stdout) == json.loads(file.read_text())
    verified = run("verify", file)
    assert verified.exit_code == 0, verified.output
    assert f"genuine: {erasure} of tenant {tenant}" in verified.stdout
    assert "searched: 1 collections, no trace left" in verified.stdout
    assert "kept: the audit log" in verified.stdout
    published = json.loads(file.read_text())["public_key"]
    alone = run("verify", "-", "--public-key", published, "--json", address="127.0.0.1:1", input=file.read_bytes())
    assert json.loads(alone.stdout) == {"genuine": True, "erasure": erasure, "tenant": tenant}


def test_one_that_was_changed_or_forged_is_told(run: Run, erasure: str, tmp_path: Path) -> None:
    genuine = json.loads(run("certificate", erasure).stdout)
    said = {name: value for name, value in genuine.items() if name not in ("public_key", "signature")}
    changed = json.dumps({**genuine, "searched": {"turns": 0, "facts": 0}})
    forged = sign({**said, "versions_trained_on_it": []}, Ed25519PrivateKey.generate())
    for text in (changed, forged):
        file = tmp_path / "shown.json"
        file.write_text(text, encoding="utf-8")
        for refused in (run("verify", file), run("verify", file, "--public-key", genuine["public_key"])):
            assert refused.exit_code == 1
            assert "not genuine" in str(refused.exception)
            assert refused.stdout == ""


def test_what_is_not_done_unknown_or_no_certificate_says_so(
    run: Run, store: Store, tenant: str, tmp_path: Path
) -> None:
    begun = store.erasures.begin(tenant, "bob", Request("EraseUser", "b", ""), withdraw=False)["_id"]
    assert "when it is done" in str(run("certificate", begun).exception)
    assert isinstance(run("certificate", "erasure_00000000000000000000000000").exception, NotFound)
    file = tmp_path / "other.json"
    for content in (b"", b"{}", b"\xff\xfe", b"[1]"):
        file.write_bytes(content)
        assert isinstance(run("verify", file).exception, Failure)
    assert isinstance(run("verify", tmp_path / "nowhere").exception, Failure)
    assert isinstance(run("certificate", begun, "--out", tmp_path).exception, Failure)
