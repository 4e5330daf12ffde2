"""A release: checksums that hold, licences that are known, signatures where there is something to sign with."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from deploy.release import build
from deploy.release.lock import LOCKS, normal, pins

HERE = Path(sys.prefix)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but what a release needs, and so without cosign; answers its folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("git", "tar", "sha256sum", "sh", "cat"):
        (folder / program).symlink_to(
            f"/usr/bin/{program}" if Path(f"/usr/bin/{program}").exists() else f"/bin/{program}"
        )
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("COSIGN_KEY", raising=False)
    return folder


def _released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release whose packages and bills, which take most of a minute, are stand-ins."""
    out = tmp_path / "release"

    def stand_in(name: str) -> Path:
        (out / name).write_text(name)
        return out / name

    monkeypatch.setattr(build, "packages", lambda _: [stand_in("antiphon.whl")])
    monkeypatch.setattr(build, "bill", lambda lock, *_: stand_in(f"{lock.stem}.cdx.json"))
    monkeypatch.setattr(sys, "argv", ["build", str(out), "--environment", str(HERE)])
    build.main()
    return out


@pytest.mark.usefixtures("bare")
def test_without_cosign_a_release_is_whole_and_says_that_it_is_unsigned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = _released(tmp_path, monkeypatch)
    assert capsys.readouterr().out.strip().endswith("unsigned: cosign is not installed")
    held = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out, check=False)
    assert held.returncode == 0
    named = {line.split("  ")[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert named == {file.name for file in out.iterdir()} - {"SHA256SUMS"}
    assert len(json.loads((out / "release.json").read_text())["commit"]) == 40
    (out / "antiphon.whl").write_text("changed")
    assert subprocess.run(["sha256sum", "--status", "--check", "SHA256SUMS"], cwd=out, check=False).returncode


def test_with_cosign_and_a_key_the_checksums_are_signed(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cosign = bare / "cosign"
    cosign.write_text('#!/bin/sh\necho "$@" > "$6"\n')  # sign-blob --yes --key KEY --bundle BUNDLE FILE
    cosign.chmod(0o755)
    _released(tmp_path, monkeypatch)
    assert capsys.readouterr().out.strip().endswith("unsigned: COSIGN_KEY is not set")
    monkeypatch.setenv("COSIGN_KEY", "hashivault://antiphon")
    out = _released(tmp_path, monkeypatch)
    assert capsys.readouterr().out.strip().endswith("signed: SHA256SUMS.sigstore.json")
    asked = (out / "SHA256SUMS.sigstore.json").read_text()
    assert asked.split() == [
        *("sign-blob", "--yes", "--key", "hashivault://antiphon", "--bundle"),
        *(str(out / "SHA256SUMS.sigstore.json"), str(out / "SHA256SUMS")),
    ]
    cosign.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SystemExit, match="did not sign"):
        _released(tmp_path, monkeypatch)


def test_licences_are_those_that_packages_state(tmp_path: Path) -> None:
    said = build.licences(HERE)
    assert said["structlog"] == "MIT OR Apache-2.0"
    table = build.licence_table(said, tmp_path).read_text().splitlines()[1:]
    known = {name: licence for name, _, licence in (row.split("\t") for row in table)}
    locked = set().union(*(pins(file.read_text()) for file in LOCKS.glob("*.txt")))
    assert set(known) == locked
    installed = {normal(one.metadata["Name"]) for one in metadata.distributions()}
    silent = {"cuda-toolkit"}  # a package without files, which states no licence
    assert not [name for name in locked & installed - silent if known[name] == "unknown"]


def test_a_bill_has_the_licences_and_not_the_locks_lines() -> None:
    written = {"components": [{"name": "Foo_Bar", "version": "1", "description": "requirements line 2"}, {"name": "x"}]}
    assert build.with_licences(written, {"foo-bar": "MIT"}) == {
        "components": [{"name": "Foo_Bar", "version": "1", "licenses": [{"license": {"name": "MIT"}}]}, {"name": "x"}]
    }


@pytest.mark.skipif(importlib.util.find_spec("cyclonedx_py") is None, reason="cyclonedx-bom is a release's tool")
def test_a_locks_bill_names_every_package(tmp_path: Path) -> None:
    written = json.loads(build.bill(LOCKS / "web.txt", tmp_path, {}).read_text())
    assert {one["name"] for one in written["components"]} >= pins((LOCKS / "web.txt").read_text()).keys()
