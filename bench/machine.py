"""What this machine can do at most: copy bandwidth and arithmetic of the products, measured."""

from __future__ import annotations

import ctypes
import platform
import time
from pathlib import Path
from typing import Any

import torch


def bandwidth() -> float:
    """Bytes a second that all cores read together, from an array far larger than the caches; best of five."""
    big = torch.ones(64 * 2**20, dtype=torch.float32)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        big.sum()
        best = max(best, big.numel() * 4 / (time.perf_counter() - started))
    return best


def peak_operations(kernel: str, cache_dir: Path) -> float:
    """Multiply-adds a second of a product whose weights stay in the second cache, all cores; best of five."""
    from services.models.llama.native.library import load_library
    from services.models.llama.native.packing import as_pointer, pack

    library = load_library(cache_dir)
    threads = torch.get_num_threads()
    rows, k, n = 64, 512, 1024
    matrix = pack(torch.randn(n, k), kernel)
    x, out = torch.randn(rows, k), torch.empty(rows, n)
    model = ctypes.c_void_p(_empty_model(library))
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(50):
            library.antiphon_product(
                model,
                as_pointer(matrix.fields),
                ctypes.c_void_p(x.data_ptr()),
                ctypes.c_int64(rows),
                ctypes.c_void_p(out.data_ptr()),
                ctypes.c_int(threads),
            )
        best = max(best, 50 * rows * k * n / (time.perf_counter() - started))
    return best


def cpu_name() -> str:
    """The processor's name, "?" where the system does not tell."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def describe() -> dict[str, Any]:
    """Names and versions for a result's context."""
    import transformers

    return {
        "cpu": cpu_name(),
        "cores": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def _empty_model(library: ctypes.CDLL) -> int:
    from services.models.llama.native.library import LayerFields, ShapeFields
    from services.models.llama.native.packing import as_pointer

    layers = (LayerFields * 1)()
    found: int = library.antiphon_new(
        as_pointer(ShapeFields(0, 32, 1, 1, 32, 32, 1e-5)), ctypes.byref(layers), None, None
    )
    return found
