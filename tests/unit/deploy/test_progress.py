"""What an installation shows of itself: how much came, how long it took, and its own failure."""

import subprocess
from pathlib import Path

from tests.support.processes import REPOSITORY

SCRIPT = REPOSITORY / "deploy" / "local" / "progress.sh"


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, folder, "sh", "-c", command], capture_output=True, text=True, timeout=60)


def test_it_says_what_came_and_leaves_no_download_behind(tmp_path: Path) -> None:
    kept, download = (f"dd if=/dev/zero of={place} bs=1M count=3 2>/dev/null" for place in ("kept", "$TMPDIR/wheel"))
    done = run(tmp_path / "place", f"cd {tmp_path}/place && {kept} && {download}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().startswith("3 MB in ")
    assert [file.name for file in (tmp_path / "place").iterdir()] == ["kept"]


def test_what_fails_fails_with_its_own_words_and_status(tmp_path: Path) -> None:
    done = run(tmp_path, "echo no such wheel >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "no such wheel\n")
