"""What a model's size costs on this machine: `python -m bench.model_sizes [--sizes 0.6B 1.7B …] [--json]`.

For each size a model file is made of that size's published shape (see `SHAPES`), with random weights in the number
formats of Q4_K_M (the smallest: Q4_1, as the bundled file), and served by llama.cpp as ``antiphon up --model
FILE.gguf`` serves it. What such a model would say is not measured. The bundled model's own file stands beside a random
one of its shape, which shows how far speed and memory are those of real weights.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from gguf import GGMLQuantizationType, GGUFWriter, TokenType

from bench.machine import describe
from deploy.local.llama_server import LlamaServer, Size, bundled_model

PROMPT, REPLY = 512, 64
"""Tokens of a prompt with passages, and of a reply of two or three sentences."""
_FORMATS = {  # weights of a block, its bytes, and the places of its 16-bit scales
    GGMLQuantizationType.Q4_K: (256, 144, (0, 2)),
    GGMLQuantizationType.Q6_K: (256, 210, (208,)),
    GGMLQuantizationType.Q4_1: (32, 20, (0, 2)),
    GGMLQuantizationType.Q8_0: (32, 34, (0,)),
}


@dataclass(frozen=True)
class Shape:
    """A decoder's shape as its `config.json` tells it; `normed`: queries and keys have a norm of their own."""

    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int
    tied: bool = True
    normed: bool = True


SHAPES = {
    "135M": Shape(30, 576, 1536, 9, 3, 64, 49152, normed=False),  # SmolLM2-135M
    "0.6B": Shape(28, 1024, 3072, 16, 8, 128, 151936),  # Qwen3-0.6B
    "1.7B": Shape(28, 2048, 6144, 16, 8, 128, 151936),  # Qwen3-1.7B
    "4B": Shape(36, 2560, 9728, 32, 8, 128, 151936),  # Qwen3-4B
    "8B": Shape(36, 4096, 12288, 32, 8, 128, 151936, tied=False),  # Qwen3-8B
}


def write_model(path: Path, shape: Shape, seed: int = 0) -> None:
    """Write a model file of that shape with random weights."""
    draw = np.random.default_rng(seed)
    kind = "qwen3" if shape.normed else "llama"
    writer = GGUFWriter(path, kind)
    writer.add_context_length(8192)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_vocab_size(shape.vocabulary)
    _write_vocabulary(writer, shape.vocabulary)
    for name, rows, columns, form in _matrices(shape):
        data = _random_blocks(draw, rows, columns, form)
        writer.add_tensor(name, data, raw_dtype=form)
    for name, length in _norms(shape):
        writer.add_tensor(name, np.ones(length, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_vocabulary(writer: GGUFWriter, size: int) -> None:
    """A vocabulary of that many pieces, which only has to be there."""
    special = ["<unk>", "<s>", "</s>"]
    pieces = special + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256
    pieces += [f"▁w{number}" for number in range(size - len(pieces))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(number) for number in range(size)])
    writer.add_token_types(kinds + [TokenType.NORMAL] * (size - len(kinds)))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}{% endfor %}")


def _matrices(shape: Shape) -> Iterator[tuple[str, int, int, GGMLQuantizationType]]:
    """Name, rows, columns and format of each, in the mixture that Q4_K_M names: half of two kinds are finer."""
    q4, q6 = GGMLQuantizationType.Q4_K, GGMLQuantizationType.Q6_K
    if shape.width % 256:  # the K formats have blocks of 256
        q4 = q6 = GGMLQuantizationType.Q4_1
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    tied = GGMLQuantizationType.Q8_0 if q4 is q6 else q6
    yield "token_embd.weight", shape.vocabulary, shape.width, tied if shape.tied else q4
    if not shape.tied:
        yield "output.weight", shape.vocabulary, shape.width, q6
    for layer in range(shape.layers):
        finer = q6 if layer % 2 == 0 else q4
        yield f"blk.{layer}.attn_q.weight", queries, shape.width, q4
        yield f"blk.{layer}.attn_k.weight", keys, shape.width, q4
        yield f"blk.{layer}.attn_v.weight", keys, shape.width, finer
        yield f"blk.{layer}.attn_output.weight", shape.width, queries, q4
        yield f"blk.{layer}.ffn_gate.weight", shape.inner, shape.width, q4
        yield f"blk.{layer}.ffn_up.weight", shape.inner, shape.width, q4
        yield f"blk.{layer}.ffn_down.weight", shape.width, shape.inner, finer


def _norms(shape: Shape) -> Iterator[tuple[str, int]]:
    yield "output_norm.weight", shape.width
    for layer in range(shape.layers):
        yield f"blk.{layer}.attn_norm.weight", shape.width
        yield f"blk.{layer}.ffn_norm.weight", shape.width
        if shape.normed:
            yield f"blk.{layer}.attn_q_norm.weight", shape.head
            yield f"blk.{layer}.attn_k_norm.weight", shape.head


def _random_blocks(draw: np.random.Generator, rows: int, columns: int, form: GGMLQuantizationType) -> Any:
    """(rows, bytes) of random blocks whose scales are small numbers, so that nothing overflows."""
    weights, size, scales = _FORMATS[form]
    blocks = draw.integers(0, 256, (rows * columns // weights, size), dtype=np.uint8)
    scale = np.frombuffer(np.float16(1e-3 / columns**0.5).tobytes(), np.uint8)
    for place in scales:
        blocks[:, place : place + 2] = scale
    return blocks.reshape(rows, -1)


def measure(model: Path, folder: Path, rounds: int) -> dict[str, float]:
    """Seconds to load, PSS in GB after replies in both slots, tokens a second of prompt and of one and two replies."""
    server = LlamaServer(model, folder, 0, "bench", Size())
    started = time.perf_counter()
    server.start(timeout_s=600)
    try:
        loaded = time.perf_counter() - started
        _complete(server, 8, 2)  # pages are in
        alone = [_complete(server, PROMPT, REPLY) for _ in range(rounds)]
        with ThreadPoolExecutor(2) as pool:
            pairs = [list(pool.map(lambda _: _complete(server, 16, REPLY), range(2))) for _ in range(rounds)]
        process = psutil.Process(server.program.pid or 0)
        return {
            "file_gb": model.stat().st_size / 1e9,
            "load_s": loaded,
            "memory_gb": process.memory_full_info().pss / 1e9,
            "prompt_tokens_per_s": median(timing["prompt_per_second"] for timing in alone),
            "reply_tokens_per_s": median(timing["predicted_per_second"] for timing in alone),
            "two_replies_tokens_per_s": median(sum(one["predicted_per_second"] for one in pair) for pair in pairs),
            "grounded_reply_s": median((timing["prompt_ms"] + timing["predicted_ms"]) / 1e3 for timing in alone),
        }
    finally:
        server.stop()


def _complete(server: LlamaServer, prompt: int, reply: int) -> dict[str, float]:
    """llama.cpp's own timings of one reply; nothing of an earlier prompt is used again."""
    body = {
        "prompt": [300 + number % 1000 for number in range(prompt)],
        "n_predict": reply,
        "ignore_eos": True,
        "cache_prompt": False,
    }
    headers = {"Content-Type": "application/json", "Authorization": "Bearer bench"}
    asked = urllib.request.Request(f"{server.url}/completion", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=1800) as answer:
        timings = json.load(answer)["timings"]
    if (timings["prompt_n"], timings["predicted_n"]) != (prompt, reply):
        raise RuntimeError(f"asked for {prompt} and {reply} tokens, llama.cpp counts {timings}")
    return {name: float(value) for name, value in timings.items()}


def main() -> None:
    """Measure each size in turn, the bundled model's own file first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found["bundled"] = measure(bundled_model(), folder / "server", given.rounds)
        for size in given.sizes:
            file = folder / f"{size}.gguf"
            write_model(file, SHAPES[size])
            found[size] = measure(file, folder / "server", given.rounds)
            file.unlink()
            row = ", ".join(f"{name} {value:.3g}" for name, value in found[size].items())
            print(f"{size}: {row}", flush=True)
    if given.json:
        figures = {f"{size}_{name}": value for size, row in found.items() for name, value in row.items()}
        print(json.dumps({"machine": describe() | {"cores": os.cpu_count()}, "figures": figures}))


if __name__ == "__main__":
    main()
