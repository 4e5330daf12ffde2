"""Reads documents in a process of its own with limits on time, memory and output: parsers meet hostile files.

`parse_limited` is the parent's side; `python -m services.knowledge.parsing` reads from stdin one JSON line that says
what the document is, then its bytes, and answers one JSON line: the passages with all that is known of the document,
or `{"reason": …}`. Everything whose cost grows with the document happens there, its cutting into WordPieces too.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from services.common.editions import Edition
from services.common.passages import Structure
from services.knowledge.domain.blocks import Unreadable
from services.knowledge.domain.passages import Passage, cut
from services.knowledge.domain.reading import LINES, read

SECONDS = 55.0  # less than after what time an ingestion counts as stuck
CPU_SECONDS = 45
MEMORY_BYTES = 2 * 1024**3
OUTPUT_BYTES = 96 * 1024**2


@dataclass(frozen=True)
class Source:
    """What is to be read: `name` is the document's, `source` what its passages' ids hang on, `pieces` the file of the
    encoder's tokeniser."""

    kind: str
    source: str
    pieces: Path
    title: str = ""
    name: str = ""


@dataclass(frozen=True)
class Parsed:
    """A document as it will be stored.

    `title` is its own or the heading it begins with, `known[i]` the share of passage i's WordPieces that the encoder
    knows.
    """

    passages: list[Passage]
    known: list[float]
    title: str = ""
    edition: Edition = field(default_factory=Edition)
    warnings: tuple[str, ...] = ()


def parse_limited(content: bytes, source: Source, seconds: float = SECONDS) -> Parsed:
    """The document in passages. Raises Unreadable with the reason, also where a limit was hit or the parser died."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LC_ALL": "C.UTF-8",
        "TOKENIZERS_PARALLELISM": "false",
    }
    header = json.dumps({**asdict(source), "pieces": str(source.pieces)}).encode() + b"\n"
    try:
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name if __spec__ else __name__],
            input=header + content,
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
        raise Unreadable(_cause(done.returncode)) from error
    if "reason" in answer:
        raise Unreadable(answer["reason"])
    return _parsed(answer)


def _cause(code: int) -> str:
    if code == -signal.SIGXCPU:
        return f"reading took more than {CPU_SECONDS} s of computing"
    return f"the parser died ({f'signal {-code}' if code < 0 else f'exit {code}'})"


def _parsed(answer: Mapping[str, Any]) -> Parsed:
    passages = [
        Passage(identity, heading, text, order, Structure.of({"structure": structure, "text": text}))
        for order, (identity, heading, text, structure, _) in enumerate(answer["passages"])
    ]
    known = [float(share) for *_, share in answer["passages"]]
    return Parsed(passages, known, answer["title"], Edition.of(answer), tuple(answer["warnings"]))


class _Pieces:
    """Counts WordPieces as the encoder does, without holding the encoder."""

    def __init__(self, file: str) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(file)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._unknown = self._tokenizer.token_to_id("[UNK]") or 0

    def count(self, texts: Any) -> list[int]:
        """WordPieces of each text."""
        return [len(row.ids) for row in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def known(self, text: str) -> float:
        """The share of the text's WordPieces that are in the vocabulary."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return round(1 - ids.count(self._unknown) / len(ids), 4) if ids else 1.0


def _answer(source: Mapping[str, str], content: bytes) -> str:
    document = read(content, source["kind"], source["title"], source["name"])
    pieces = _Pieces(source["pieces"])  # after reading: what is refused needs no tokeniser
    passages = cut(
        source["source"],
        document.sections,
        pieces.count,
        title=document.title,
        effective=document.edition.said,
        flows=source["kind"] in LINES,
    )
    rows = [
        [passage.id, passage.heading, passage.text, passage.structure.stored(), pieces.known(passage.text)]
        for passage in passages
    ]
    return json.dumps(
        {
            "passages": rows,
            "title": document.title or next(iter(document.sections[0].headings), ""),
            "edition": document.edition.stored(),
            "warnings": document.warnings,
        }
    )


def main() -> None:
    """The child: sets its own limits, reads, answers."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # a parser has nothing to write
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        header = json.loads(sys.stdin.buffer.readline())
        answer = _answer(header, sys.stdin.buffer.read())
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
    main()
