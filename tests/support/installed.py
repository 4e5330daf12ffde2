"""Antiphon as its wheel installs it: an environment that has the built wheel, and beside it only what it depends on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.support.processes import REPOSITORY

_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "proto", "services", "deploy")
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def install_wheel(folder: Path) -> Path:
    """Build the wheel, install it into a new environment and return its `antiphon` command.

    What the wheel depends on is taken from the environment that runs the tests: by a path, so that the links by which
    that environment finds the sources of this repository are not followed.
    """
    sources, wheels = folder / "sources", folder / "wheels"
    sources.mkdir()
    for name in _SOURCES:  # a copy: what an earlier build left in the repository would go into the wheel
        path = REPOSITORY / name
        if path.is_dir():
            shutil.copytree(path, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, sources / name)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(sources))
    subprocess.run([*_PIP, *build], check=True, cwd=folder, env=env)
    (wheel,) = wheels.glob("antiphon-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [*_PIP, "--python", str(python), "install", "--no-deps", str(wheel)], check=True, cwd=folder, env=env
    )
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    dependencies = environment / "lib" / version / "site-packages" / "dependencies.pth"
    dependencies.write_text(f"{sysconfig.get_path('purelib')}\n")
    return environment / "bin" / "antiphon"
