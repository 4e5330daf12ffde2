"""A peer: the same model under llama.cpp, the passages that plain retrieval finds, and a prompt.

The program below runs under a Python of its own that has xllamacpp (`pip install xllamacpp`): a line of JSON with a
question and notes comes in, a line with the reply and its times goes out.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType

from research.eval.service.product import Record

PASSAGES = 4
SYSTEM = (
    "You answer a customer's question from the company's notes. Answer in one short sentence, with the numbers and "
    "names as the notes have them. If the notes do not answer the question, say: I don't know."
)
_PROGRAM = r"""
import json, sys, time
import xllamacpp
file, threads = sys.argv[1], int(sys.argv[2])
params = xllamacpp.CommonParams()
params.model.path = file
params.n_ctx = 4096
params.n_parallel = 1
params.cpuparams.n_threads = threads
params.verbosity = 0
server = xllamacpp.Server(params)
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    began, cpu, first, parts = time.monotonic(), time.process_time(), [None], []
    def take(chunk):
        chunks = chunk if isinstance(chunk, list) else [chunk]
        for one in chunks:
            for choice in one.get("choices", []):
                text = (choice.get("delta") or {}).get("content") or (choice.get("message") or {}).get("content") or ""
                if text:
                    if first[0] is None:
                        first[0] = time.monotonic() - began
                    parts.append(text)
        return False
    request = {"messages": asked["messages"], "temperature": 0.0, "max_tokens": 128, "stream": True}
    answer = server.handle_chat_completions(request, take)
    if not parts and isinstance(answer, dict):
        take(answer)
    print(json.dumps({"reply": "".join(parts), "first_token_s": first[0], "seconds": time.monotonic() - began,
                      "cpu_s": time.process_time() - cpu}), flush=True)
"""


class Llama:
    """A running peer."""

    def __init__(self, python: str, model: str, threads: int) -> None:
        """Start it with the interpreter `python` on the GGUF file `model`. Raises RuntimeError if it can't."""
        self._process = subprocess.Popen(
            [python, "-c", _PROGRAM, model, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._line() != "ready":
            raise RuntimeError(f"{python} did not start llama.cpp; has it xllamacpp?")

    def _line(self) -> str:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith(("{", "ready")):
                return line.strip()
        return ""

    def ask(self, question: str, notes: Sequence[str]) -> Record:
        """The reply to the question with these notes."""
        assert self._process.stdin is not None
        told = "\n\n".join(f"Note {number}. {note}" for number, note in enumerate(notes, 1))
        user = f"{told}\n\nQuestion: {question}"
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]
        self._process.stdin.write(json.dumps({"messages": messages}) + "\n")
        self._process.stdin.flush()
        line = self._line()
        if not line:
            raise RuntimeError("llama.cpp ended")
        return {"question": question, **json.loads(line)}

    def __enter__(self) -> Llama:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self._process.kill()
