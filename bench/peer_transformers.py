"""transformers as a peer: `generate` on a batch of the same sessions, and its continuous batching."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bench.workers import Stopwatch, prompt_ids, serve
from services.models.language_model import load_module

_modules: dict[str, Any] = {}


def measure(folder: str, how: str, dtype: str, sessions: int, prompt: int, new: int, threads: int) -> dict[str, Any]:
    """`how`: generate (one batch), or continuous (`generate_batch`)."""
    torch.set_num_threads(threads)
    if dtype not in _modules:
        _modules[dtype] = load_module(Path(folder), getattr(torch, dtype))
    module = _modules[dtype]
    ids = prompt_ids(sessions, prompt)
    if how == "continuous":
        return _continuous(module, ids, new)
    inputs = torch.tensor(ids)
    laps = []
    for count in (1, new + 1):
        watch = Stopwatch()
        with torch.inference_mode():
            module.generate(
                inputs,
                attention_mask=torch.ones_like(inputs),
                max_new_tokens=count,
                min_new_tokens=count,
                do_sample=False,
                pad_token_id=2,
            )
        laps.append(watch.lap("run"))
    prefill, both = laps
    return {
        "prefill_s": prefill["run_s"],
        "prefill_cpu_s": prefill["run_cpu_s"],
        "decode_s": both["run_s"] - prefill["run_s"],
        "decode_cpu_s": both["run_cpu_s"] - prefill["run_cpu_s"],
    }


def _continuous(module: Any, ids: list[list[int]], new: int) -> dict[str, Any]:
    from transformers import GenerationConfig

    watch = Stopwatch()
    config = GenerationConfig(max_new_tokens=new, do_sample=False, eos_token_id=-1, pad_token_id=2)
    answers = module.generate_batch(inputs=ids, generation_config=config)
    made = sum(len(answer.generated_tokens) for answer in answers.values())
    if made < len(ids) * new * 0.9:
        raise RuntimeError(f"it made {made} of {len(ids) * new} tokens")
    return watch.lap("decode")


if __name__ == "__main__":
    serve(measure)
