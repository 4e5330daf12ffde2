"""Reads documents in a process of its own with limits on time, memory and output: parsers meet hostile files.

`read_limited` is the parent's side; `python -m services.knowledge.parsing KIND TITLE` reads the document from stdin
and answers one JSON line, `{"sections": [[[heading, …], text], …]}` or `{"reason": …}`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence

from services.knowledge.domain.passages import Section
from services.knowledge.domain.reading import Unreadable, read

SECONDS = 60
CPU_SECONDS = 30
MEMORY_BYTES = 2 * 1024**3
OUTPUT_BYTES = 64 * 1024**2


def read_limited(content: bytes, kind: str, title: str = "", seconds: float = SECONDS) -> list[Section]:
    """The document's sections. Raises Unreadable with the reason, also where a limit was hit or the parser died."""
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name if __spec__ else __name__, kind, title.replace("\x00", " ")],
            input=content,
            capture_output=True,
            timeout=seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(f"reading took longer than {seconds:g} s") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise Unreadable(f"the parser died ({_cause(done.returncode)})") from error
    if "reason" in answer:
        raise Unreadable(answer["reason"])
    return [Section(tuple(headings), text) for headings, text in answer["sections"]]


def _cause(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"


def main(arguments: Sequence[str]) -> None:
    """The child: sets its own limits, reads, answers."""
    kind, title = arguments
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # a parser has nothing to write
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sections = read(sys.stdin.buffer.read(), kind, title)
        answer = json.dumps({"sections": [[section.headings, section.text] for section in sections]})
        if len(answer) > OUTPUT_BYTES:
            answer = json.dumps({"reason": "holds more text than is allowed"})
    except Unreadable as error:
        answer = json.dumps({"reason": str(error)})
    except MemoryError:
        answer = json.dumps({"reason": "reading takes more memory than is allowed"})
    except RecursionError:
        answer = json.dumps({"reason": "nested too deeply"})
    except Exception as error:  # whatever a parser throws at a broken file is the file's fault
        answer = json.dumps({"reason": f"could not be read: {type(error).__name__}: {str(error)[:200]}"})
    sys.stdout.write(answer)


if __name__ == "__main__":
    main(sys.argv[1:])
