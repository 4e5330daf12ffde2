"""llama.cpp as a peer: many sequences in one batch through llama-cpp-python's low-level interface.

Run by the benchmark with a Python that has llama-cpp-python; needs nothing else of the project than `workers`.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import llama_cpp as lib

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.workers import Stopwatch, prompt_ids, serve

FORMATS = {
    "Q4_0": lib.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q4_1": lib.LLAMA_FTYPE_MOSTLY_Q4_1,
    "Q4_K_M": lib.LLAMA_FTYPE_MOSTLY_Q4_K_M,
    "Q8_0": lib.LLAMA_FTYPE_MOSTLY_Q8_0,
}
_models: dict[str, Any] = {}


def model(file: str, form: str, folder: str) -> Any:
    """The GGUF `file` in another number format, requantised once into `folder` (speed is all that counts here)."""
    if form in _models:
        return _models[form]
    target = Path(file)
    if form not in file:
        target = Path(folder) / f"{form}.gguf"
        if not target.exists():
            params = lib.llama_model_quantize_default_params()
            params.ftype = FORMATS[form]
            params.allow_requantize = True
            if lib.llama_model_quantize(file.encode(), str(target).encode(), ctypes.byref(params)) != 0:
                raise RuntimeError(f"can't quantise to {form}")
    loaded = lib.llama_model_load_from_file(str(target).encode(), lib.llama_model_default_params())
    if not loaded:
        raise RuntimeError(f"can't load {target}")
    _models[form] = loaded
    return loaded


def measure(file: str, form: str, folder: str, sessions: int, prompt: int, new: int, threads: int) -> dict[str, Any]:
    """Prefill all prompts, then decode `new` tokens of every sequence together; the sampler costs nothing."""
    params = lib.llama_context_default_params()
    params.n_ctx = sessions * -(-(prompt + new) // 256) * 256
    params.n_batch = params.n_ubatch = 512
    params.n_seq_max = sessions
    params.n_threads = params.n_threads_batch = threads
    context = lib.llama_init_from_model(model(file, form, folder), params)
    batch = lib.llama_batch_init(512, 0, 1)
    try:
        watch = Stopwatch()
        for sequence, ids in enumerate(prompt_ids(sessions, prompt)):
            for at in range(0, prompt, 512):
                piece = ids[at : at + 512]
                batch.n_tokens = len(piece)
                for i, token in enumerate(piece):
                    _put(batch, i, token, at + i, sequence, at + i == prompt - 1)
                _decode(context, batch)
        prefill = watch.lap("prefill")
        for step in range(new):
            batch.n_tokens = sessions
            for sequence in range(sessions):
                _put(batch, sequence, 1000 + (step * 31 + sequence) % 20000, prompt + step, sequence, True)
            _decode(context, batch)
        return prefill | watch.lap("decode")
    finally:
        lib.llama_batch_free(batch)
        lib.llama_free(context)


def _put(batch: Any, i: int, token: int, position: int, sequence: int, logits: bool) -> None:
    batch.token[i] = token
    batch.pos[i] = position
    batch.n_seq_id[i] = 1
    batch.seq_id[i][0] = sequence
    batch.logits[i] = logits


def _decode(context: Any, batch: Any) -> None:
    if lib.llama_decode(context, batch) != 0:
        raise RuntimeError("llama_decode failed")
    lib.llama_synchronize(context)


if __name__ == "__main__":
    lib.llama_backend_init()
    serve(measure)
