"""The committed stubs are what ``make proto`` makes of the committed .proto files."""

import sys
from importlib.resources import files
from pathlib import Path

import pytest
from grpc_tools import protoc

ROOT = Path(__file__).parents[3]
CONTRACT = ROOT / "proto/antiphon/v1"
SOURCES = sorted(CONTRACT.glob("*.proto"))


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of freshly generated stubs."""
    out = tmp_path_factory.mktemp("stubs")
    flags = [f"--{plugin}_out={out}" for plugin in ("python", "grpc_python")]
    flags += [f"--{plugin}_out=quiet:{out}" for plugin in ("mypy", "mypy_grpc")]
    flags += [
        f"--plugin=protoc-gen-{plugin}={Path(sys.executable).parent / f'protoc-gen-{plugin}'}"
        for plugin in ("mypy", "mypy_grpc")
    ]
    well_known = str(files("grpc_tools") / "_proto")
    status = protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"-I{well_known}", *flags, *map(str, SOURCES)])
    assert status == 0
    return out / "antiphon/v1"


def test_there_are_sources() -> None:
    names = {source.stem for source in SOURCES}
    assert names == {"common", "conversation", "state", "feedback", "knowledge", "model", "admin", "webhook"}


def test_every_stub_is_current(regenerated: Path) -> None:
    stale = [
        stub.name
        for stub in regenerated.iterdir()
        if not (CONTRACT / stub.name).exists() or (CONTRACT / stub.name).read_text() != stub.read_text()
    ]
    assert not stale, f"stale stubs, run `make proto`: {sorted(stale)}"


def test_no_stub_is_left_over(regenerated: Path) -> None:
    committed = {path.name for path in CONTRACT.glob("*_pb2*.py*")}
    assert committed == {path.name for path in regenerated.iterdir()}
