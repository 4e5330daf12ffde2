"""Speed of recurrence: `python -m bench.recurrence` times evaluation per token in three ways, in one run.

memory    segments read with the memory carried over (Transformer-XL, section 3.2): each token computed once
cached    a sliding window over the same keys and values, token by token, as decoding does it
window    sliding-window recomputation, what a model without recurrence has to do: for every token the whole
          window is computed anew and one prediction is kept (Transformer-XL's paper compares against this:
          1,874 times slower at attention length 3,800)

Times are seconds per predicted token for one text. The three arms take turns, the median of the rounds counts.
All three see the same number of keys per token; "max difference" compares what memory and cached predict.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)

LENGTHS = [64, 128, 256, 512, 1024, 2048, 3800]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; write the raw figures to --json."""
    options = parser().parse_args(arguments)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    records = []
    for length in options.lengths:
        model = make_model(options, length).to(device)
        records.append(measure(model, length, options, device))
        print_row(records[-1], first=len(records) == 1)
    machine = torch.cuda.get_device_name() if device.type == "cuda" else processor()
    summary = {
        "machine": machine,
        "threads": options.threads,
        "torch": torch.__version__,
        "parameters": make_model(options, LENGTHS[0]).num_parameters(),
        "hidden": options.hidden,
        "layers": options.layers,
        "dtype": "float32",
        "seed": options.seed,
        "records": records,
    }
    print(f"{summary['parameters']:,} parameters, fp32, {machine}, {options.threads} threads, {torch.__version__}")
    if options.json:
        options.json.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="attention lengths, tokens")
    result.add_argument("--segment", type=int, default=128, help="tokens a segment in the memory arm")
    result.add_argument("--hidden", type=int, default=256)
    result.add_argument("--layers", type=int, default=6)
    result.add_argument("--heads", type=int, default=4)
    result.add_argument("--vocabulary", type=int, default=4096)
    result.add_argument("--rounds", type=int, default=3)
    result.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    result.add_argument("--threads", type=int, default=torch.get_num_threads())
    result.add_argument("--seed", type=int, default=0)
    result.add_argument("--json", type=Path)
    return result


def make_model(options: argparse.Namespace, length: int) -> InteractiveTransformerForCausalLM:
    """A model of random weights whose tokens look at exactly `length` keys (what it says does not matter here)."""
    return InteractiveTransformerForCausalLM(
        InteractiveTransformerConfig(
            vocab_size=options.vocabulary,
            hidden_size=options.hidden,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            memory_length=length - 1,
            attention_window=length,
            fusion="none",
        )
    ).eval()


@torch.inference_mode()
def measure(
    model: InteractiveTransformerForCausalLM, length: int, options: argparse.Namespace, device: torch.device
) -> dict[str, Any]:
    """Seconds per token of the three ways at one attention length."""
    segment = options.segment
    text = torch.randint(0, options.vocabulary, (1, length + 4 * segment + 16), device=device)

    def filled() -> Any:
        memory = model.new_memory()
        for part in text[:, :length].split(512, 1):
            model(part, past_key_values=memory, logits_to_keep=1)
        return memory

    by_segment, by_token = filled(), filled()
    after = text[:, length:]
    first = model(after[:, :segment], past_key_values=by_segment).logits
    steps = [model(after[:, i : i + 1], past_key_values=by_token).logits for i in range(8)]
    apart = float((first[:, :8] - torch.cat(steps, 1)).abs().max())

    def read_segments() -> int:
        for number in range(1, 3):
            part = after[:, number * segment : (number + 1) * segment]
            model(part, past_key_values=by_segment)
        return 2 * segment

    def read_tokens() -> int:
        for number in range(16):
            model(after[:, number : number + 1], past_key_values=by_token)
        return 16

    def recompute() -> int:
        windows = 1 if length >= 1024 else 4
        for number in range(windows):
            model(text[:, number : number + length], use_cache=False, logits_to_keep=1)
        return windows

    arms = {"memory": read_segments, "cached": read_tokens, "window": recompute}
    times: dict[str, list[float]] = {name: [] for name in arms}
    for arm in arms.values():
        arm()
    for _ in range(options.rounds):
        for name, arm in arms.items():
            times[name].append(per_token(arm, text))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "length": length,
        "segment": segment,
        **{f"{name}_seconds": value for name, value in medians.items()},
        "over_window": medians["window"] / medians["memory"],
        "over_cached": medians["cached"] / medians["memory"],
        "max_difference": apart,
        "rounds": times,
    }


def per_token(arm: Callable[[], int], text: Tensor) -> float:
    """Seconds per predicted token of one call."""
    if text.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    count = arm()
    if text.is_cuda:
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / count


def print_row(record: dict[str, Any], first: bool) -> None:
    """One line of the table, after the head if it is the first."""
    if first:
        names = ("memory", "cached", "window")
        print(f"{'length':>7}" + "".join(f" {name:>11}" for name in names) + "  x window  x cached  max diff")
        print(f"{'':>7} {'us/token':>11} {'us/token':>11} {'us/token':>11}")
    print(
        f"{record['length']:>7} {record['memory_seconds'] * 1e6:>11.0f} {record['cached_seconds'] * 1e6:>11.0f} "
        f"{record['window_seconds'] * 1e6:>11.0f} {record['over_window']:>9.1f} {record['over_cached']:>9.1f} "
        f"{record['max_difference']:>9.1e}"
    )


def processor() -> str:
    """The processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    raise SystemExit(main())
