"""Builds a release: wheel and source archive, a bill of materials for each lock, licences, checksums, signatures.

Signing wants cosign on the PATH and ``COSIGN_KEY`` (a key file, or a KMS's URI);
where either is missing the release is unsigned, and the last line of the output says so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.release.lock import EXTRAS, LOCKS, ROOT, normal, pins

SOURCES = ("proto", "services", "deploy", "README.md", "LICENSE", "NOTICE", "pyproject.toml", "constraints.txt")
BILLS = (*(name for name in EXTRAS if name != "dev"), "torch", "encoder")
SUMS = "SHA256SUMS"


def packages(out: Path) -> list[Path]:
    """The wheel and the source archive of the sources in git, built without an index."""
    tree = out / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD", *SOURCES], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--extract", "--directory", str(tree)], input=archive, check=True)
    stamp = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": stamp.stdout.strip()}
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)]
    done = subprocess.run(build, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"release: the packages were not built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    shutil.rmtree(tree)
    return sorted([*out.glob("*.whl"), *out.glob("*.tar.gz")])


def bill(lock: Path, out: Path, said: dict[str, str]) -> Path:
    """CycloneDX 1.6 of a lock, the same for the same lock: versions, hashes of the files that it admits, licences."""
    target = out / f"antiphon-{lock.stem}.cdx.json"
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(lock), "--output-reproducible", "--validate"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--of", "JSON", "-o", str(target)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"release: no bill of materials of {lock.name}:\n{done.stderr[-2000:]}")
    target.write_text(json.dumps(with_licences(json.loads(target.read_text()), said), indent=1) + "\n")
    return target


def with_licences(written: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    """A bill whose components have the licences that are known of them, and no copy of the lock's lines."""
    for component in written.get("components", ()):
        component.pop("description", None)
        licence = said.get(normal(component["name"]), "")
        if licence:
            component["licenses"] = [{"license": {"name": licence}}]
    return written


def licences(environment: Path) -> dict[str, str]:
    """What the packages of an environment say of their licences, by normalised name; what says nothing is left out."""
    paths = [str(path) for path in environment.glob("lib/python3.*/site-packages")]
    found = {normal(one.metadata["Name"]): _licence(one.metadata) for one in metadata.distributions(path=paths)}
    return {name: licence for name, licence in found.items() if licence}


def _licence(said: Any) -> str:
    expression = said.get("License-Expression") or ""
    kinds = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    first = (said.get("License") or "").strip().splitlines()[:1]
    return expression or "; ".join(kinds) or (first[0][:80] if first else "")


def licence_table(said: dict[str, str], out: Path) -> Path:
    """Every locked package with its version and licence; "unknown" where it is not installed or says nothing."""
    names = {name: version for file in sorted(LOCKS.glob("*.txt")) for name, version in pins(file.read_text()).items()}
    rows = [f"{name}\t{names[name]}\t{said.get(name, 'unknown')}" for name in sorted(names)]
    target = out / "LICENCES.tsv"
    target.write_text("\n".join(["package\tversion\tlicence", *rows]) + "\n")
    return target


def checksums(files: list[Path], out: Path) -> Path:
    """A file that ``sha256sum --check`` reads."""
    target = out / SUMS
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(files)]
    target.write_text("\n".join(lines) + "\n")
    return target


def signed(sums: Path) -> str:
    """Sign the checksums, and so all they cover; answers what was done, or why nothing was."""
    cosign, key = shutil.which("cosign"), os.environ.get("COSIGN_KEY")
    if cosign is None or not key:
        return f"unsigned: {'cosign is not installed' if cosign is None else 'COSIGN_KEY is not set'}"
    bundle = sums.with_suffix(".sigstore.json")
    command = [cosign, "sign-blob", "--yes", "--key", key, "--bundle", str(bundle), str(sums)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode or not bundle.exists():
        raise SystemExit(f"release: cosign did not sign:\n{done.stderr[-2000:]}")
    return f"signed: {bundle.name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the release; what is in it is replaced")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv", help="where licences are read")
    options = parser.parse_args()
    out: Path = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    said = licences(options.environment)
    files = packages(out)
    files += [bill(LOCKS / f"{name}.txt", out, said) for name in BILLS]
    files.append(licence_table(said, out))
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True)
    manifest = out / "release.json"
    parts = {"commit": head.stdout.strip(), "files": sorted(file.name for file in files)}
    manifest.write_text(json.dumps(parts, indent=2) + "\n")
    end = signed(checksums([*files, manifest], out))
    print(f"{len(files) + 2} files in {out}; {end}")


if __name__ == "__main__":
    main()
