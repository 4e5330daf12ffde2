"""What a container would run, run here: a rendered pod's command, environment and mounts in a namespace of its own.

The tree is read-only but for the pod's own emptyDirs, the user is the manifest's, and there are no capabilities. The
repository stands in for the image: its interpreter is the image's ``python``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from deploy.local.program import Program
from tests.support.processes import QUIET, REPOSITORY

TOOLS = ("unshare", "nsenter", "setpriv", "mount")
# Volumes are mounted below these; a namespace's own empty ones keep the machine's as they are.
PARENTS = ("/run", "/var/cache")


@cache
def why_not() -> str:
    """Why pods cannot be run here; empty where they can."""
    if os.geteuid() != 0:
        return "needs root: it makes mount namespaces and becomes the pod's user"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "may not make mount namespaces"


def _open_paths(folder: Path) -> list[str]:
    """Mounts that let another user reach the interpreter where a folder above it is closed (a home, say)."""
    lines: list[str] = []
    for number, needed in enumerate(dict.fromkeys((sys.base_prefix, sys.prefix, str(REPOSITORY)))):
        closed = next((one for one in reversed(Path(needed).parents) if not one.stat().st_mode & 0o001), None)
        if closed is not None:
            aside = folder / f"aside-{number}"
            aside.mkdir()
            lines += [
                f"mount --bind {shlex.quote(needed)} {shlex.quote(str(aside))}",
                f"mount -t tmpfs -o mode=0755 tmpfs {shlex.quote(str(closed))}",
                f"mkdir -p {shlex.quote(needed)}",
                f"mount --bind {shlex.quote(str(aside))} {shlex.quote(needed)}",
            ]
    return lines


def _kept_below(target: Path, place: Path) -> list[str]:
    """Mounts that keep the interpreter and the repository where they are when they lie below a volume's target."""
    lines: list[str] = []
    for needed in (sys.base_prefix, str(REPOSITORY), sys.prefix):
        if Path(needed).is_relative_to(target):
            kept = shlex.quote(str(place / Path(needed).relative_to(target)))
            lines += [f"mkdir -p {kept}", f"mount --bind {shlex.quote(needed)} {kept}"]
            lines.append(f"mount -o remount,bind,ro {kept}")
    return lines


class PodProcess(Program):
    """The first container of a rendered pod, with a secret of these keys."""

    def __init__(self, pod: Mapping[str, Any], name: str, folder: Path, secret: Mapping[str, str]) -> None:
        """Describe the process; nothing runs yet."""
        container = pod["containers"][0]
        self.container = container
        self.folder = folder
        self.user, self.group = pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        folder.mkdir(parents=True)
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        lines = ["set -e", "mount --make-rprivate /", *_open_paths(folder)]
        lines += [f"mount -t tmpfs -o mode=0755 tmpfs {parent}" for parent in PARENTS]
        # /tmp last: the folders that are mounted may lie there
        mounts = sorted(container["volumeMounts"], key=lambda mount: str(mount["mountPath"]) == "/tmp")
        for mount in mounts:
            place = self._place(volumes[mount["name"]], secret)
            target = shlex.quote(mount["mountPath"])
            lines += [f"mkdir -p {target}", *_kept_below(Path(mount["mountPath"]), place)]
            lines.append(f"mount --rbind {shlex.quote(str(place))} {target}")
            if mount.get("readOnly"):
                lines.append(f"mount -o remount,bind,ro {target}")
        lines.append("mount -o remount,bind,ro /")
        command = [sys.executable if part == "python" else part for part in container["command"]]
        identity = f"--reuid {self.user} --regid {self.group} --clear-groups"
        rights = "--no-new-privs --bounding-set=-all --inh-caps=-all --pdeathsig KILL"
        lines.append(f"exec setpriv {identity} {rights} {shlex.join(command)}")
        env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/var/lib/antiphon", **QUIET}
        for variable in container["env"]:
            env[variable["name"]] = variable.get("value", name)  # a fieldRef is the pod's name
        super().__init__(name, ["unshare", "--mount", "sh", "-c", "\n".join(lines)], folder / "log", env, REPOSITORY)

    def _place(self, volume: Mapping[str, Any], secret: Mapping[str, str]) -> Path:
        place = self.folder / str(volume["name"])
        place.mkdir()
        place.chmod(0o755)
        if "secret" in volume:
            for item in volume["secret"]["items"]:
                file = place / item["path"]
                file.write_text(secret[item["key"]])
                os.chown(file, 0, self.group)
                file.chmod(volume["secret"]["defaultMode"])
        else:
            assert "emptyDir" in volume, volume
            os.chown(place, self.user, self.group)
        return place

    def run_inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the pod's place, as its user: what the kubelet does for an ``exec`` probe."""
        enter = ["nsenter", "--mount", "--target", str(self.pid), f"--setuid={self.user}", f"--setgid={self.group}"]
        return subprocess.run([*enter, "--", *command], capture_output=True, text=True, check=False)

    def probe(self, which: str) -> bool:
        """Whether an ``exec`` probe of the manifest passes now."""
        return self.run_inside(*self.container[which]["exec"]["command"]).returncode == 0
