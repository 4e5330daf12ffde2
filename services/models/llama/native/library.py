"""Compiles the C++ sources beside it once for this machine and loads them."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

log = logging.getLogger(__name__)
_FLAGS = ("-std=c++20", "-O3", "-march=native", "-ffp-contract=off", "-pthread", "-fPIC", "-w")
_NEEDED = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16"}


class NativeUnavailable(Exception):
    """The native kernels can't run here; torch's are used instead. The message says why."""


class MatrixFields(ctypes.Structure):
    """`Matrix` of products.h."""

    _fields_ = (
        ("format", ctypes.c_int64),
        ("n", ctypes.c_int64),
        ("k", ctypes.c_int64),
        ("data", ctypes.c_void_p),
        ("scale", ctypes.c_void_p),
        ("low", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("unused", ctypes.c_int64),
    )


class LayerFields(ctypes.Structure):
    """`Layer` of model.h."""

    _fields_ = (
        ("qkv", MatrixFields),
        ("output", MatrixFields),
        ("gate_up", MatrixFields),
        ("down", MatrixFields),
        ("attention_norm", ctypes.c_void_p),
        ("feed_norm", ctypes.c_void_p),
        ("query_norm", ctypes.c_void_p),
        ("key_norm", ctypes.c_void_p),
    )


class ShapeFields(ctypes.Structure):
    """`Shape` of model.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("layers", "hidden", "heads", "kv_heads", "dim", "inner")),
        ("eps", ctypes.c_double),
    )


class PairFields(ctypes.Structure):
    """`Pair` of pairs.h."""

    _fields_ = (
        ("down", MatrixFields),
        ("up", ctypes.c_void_p),
        ("rank", ctypes.c_int64),
        ("parts", ctypes.c_int64),
    )


class BatchFields(ctypes.Structure):
    """`Batch` of model.h."""

    _fields_ = (
        ("tokens", ctypes.c_int64),
        ("slots", ctypes.c_void_p),
        ("positions", ctypes.c_void_p),
        ("adapters", ctypes.c_void_p),
        ("keys", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("layer_stride", ctypes.c_int64),
        ("slot_stride", ctypes.c_int64),
        ("head_stride", ctypes.c_int64),
        ("wide", ctypes.c_int64),
        ("pairs", ctypes.c_void_p),
        ("low", ctypes.c_int64),
        *((name, ctypes.c_int64) for name in ("sinks", "limit", "block", "ring")),
    )


def load_library(cache_dir: Path) -> ctypes.CDLL:
    """The compiled kernels, from `cache_dir` where this machine compiled them before.

    Raises:
        NativeUnavailable: the CPU lacks the instructions, or there is no C++ compiler that builds them.
    """
    missing = missing_instructions()
    if missing:
        raise NativeUnavailable(f"the CPU lacks {', '.join(sorted(missing))}")
    sources = sorted(Path(__file__).parent.glob("*.[ch]*"))
    stamp = hashlib.sha256(" ".join((*_FLAGS, _cpu_model())).encode())
    for source in sources:
        stamp.update(source.read_bytes())
    file = cache_dir / "native" / f"llama-{stamp.hexdigest()[:16]}.so"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):
        if not file.is_file():
            _compile(Path(__file__).parent / "forward.cpp", file)
    library = ctypes.CDLL(str(file))
    library.antiphon_new.restype = ctypes.c_void_p
    return library


def missing_instructions() -> set[str]:
    """What the kernels need and this CPU lacks."""
    return _NEEDED - _cpu_flags()


def _compile(source: Path, target: Path) -> None:
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise NativeUnavailable("there is no C++ compiler (apt install g++)")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = Path(folder) / "forward.so"
        command = [compiler, *_FLAGS, "-shared", str(source), "-o", str(built)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NativeUnavailable(f"the compiler says: {done.stderr.strip()[-400:]}")
        os.replace(built, target)


def _cpu_flags() -> set[str]:
    return set(_cpu_line("flags").split())


def _cpu_model() -> str:
    return _cpu_line("model name") + _cpu_line("flags")


def _cpu_line(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
