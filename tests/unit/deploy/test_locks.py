"""The lock files: complete, hashed, and of the versions that everything was tested with."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from deploy.release.lock import EXTRAS, LOCKS, ROOT, WITHOUT, normal, pins

CONSTRAINTS = pins((ROOT / "constraints.txt").read_text())
LOCKED = {file.stem: pins(file.read_text()) for file in LOCKS.glob("*.txt")}


def test_every_purpose_has_its_lock() -> None:
    assert set(LOCKED) == {*EXTRAS, *WITHOUT, "torch", "build"}
    dockerfile = (ROOT / "deploy/images/Dockerfile").read_text()
    used = set(re.findall(r"deploy/locks/(\w+)\.txt", dockerfile))
    assert used == {"build", "gateway", "web", "cpu", "gpu", "torch", "encoder"}
    assert "pip install -c" not in dockerfile, "nothing is installed that is not locked"


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_a_lock_names_the_hashes_of_every_package_and_the_tested_versions(name: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", (LOCKS / f"{name}.txt").read_text())[1:]
    assert len(entries) == len(LOCKED[name]) > 0
    assert not [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry]
    assert {pin: version for pin, version in LOCKED[name].items() if CONSTRAINTS.get(pin, version) != version} == {}


def test_what_is_constrained_is_locked() -> None:
    everything = {pin for locked in LOCKED.values() for pin in locked}
    unused = {"dateparser", "pytz"}  # constrained, and asked for by nothing
    assert set(CONSTRAINTS) - everything == unused, "run `make lock`"


def _wants(extras: tuple[str, ...]) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(one) for one in project["dependencies"]]
    for extra in extras:
        for one in map(Requirement, project["optional-dependencies"][extra]):
            wanted += _wants(tuple(one.extras)) if one.name == "antiphon" else [one]
    return wanted


@pytest.mark.parametrize("name", sorted(EXTRAS))
def test_a_lock_has_all_that_its_packages_depend_on_here(name: str) -> None:
    """By the metadata of the installed packages, for this Python and machine."""
    locked = LOCKED[name].keys() | LOCKED["torch"].keys()
    waiting, missing, seen = _wants(EXTRAS[name]), set(), set()
    while waiting:
        wanted = waiting.pop()
        key = (normal(wanted.name), tuple(sorted(wanted.extras)))
        if key in seen:
            continue
        seen.add(key)
        if key[0] not in locked:
            missing.add(key[0])
            continue
        try:
            further = metadata.requires(wanted.name) or []
        except metadata.PackageNotFoundError:  # of a lock for another system
            continue
        for one in map(Requirement, further):
            extras = wanted.extras or {""}
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(one)
    assert missing == set(), "run `make lock`"


def test_pins_are_read_by_name() -> None:
    text = "# a\nFoo_Bar.baz==1.2 ; sys_platform == 'linux' \\\n    --hash=sha256:00\nx==2.post1\n    # via y==3\n"
    assert pins(text) == {"foo-bar-baz": "1.2", "x": "2.post1"}
    assert Path(LOCKS).is_dir()
