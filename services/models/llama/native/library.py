"""Compiles the C++ sources beside it once for this machine, or beforehand for any, and loads them."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

log = logging.getLogger(__name__)
_FLAGS = ("-std=c++20", "-O3", "-ffp-contract=off", "-pthread", "-fPIC", "-w")
_THIS_MACHINE = ("-march=native",)


class NativeUnavailable(Exception):
    """The native kernels can't run here; torch's are used instead. The message says why."""


@dataclass(frozen=True, slots=True)
class Level:
    """Instructions that vectors.h is written for: what /proc/cpuinfo calls them, and a compiler."""

    needed: frozenset[str]
    flags: tuple[str, ...]

    @property
    def built(self) -> Path:
        """What `build` leaves for any machine with the instructions."""
        return Path(__file__).parent / "build" / f"llama-{_stamp(*self.flags)}.so"


_LEAST = frozenset({"avx2", "fma", "f16c", "bmi1", "bmi2", "abm", "movbe"})
_AVX512 = frozenset(f"avx512{name}" for name in ("f", "bw", "cd", "dq", "vl", "_vnni", "_bf16"))
LEVELS = (  # the faster first
    Level(_LEAST | _AVX512, ("-march=x86-64-v4", "-mavx512vnni", "-mavx512bf16")),
    Level(_LEAST, ("-march=x86-64-v3",)),
)


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


class GatedHeadFields(ctypes.Structure):
    """`GatedHead` of gated.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("hidden", "late", "inner", "marks")),
        ("first", MatrixFields),
        ("back", MatrixFields),
        ("owners", ctypes.c_void_p),
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
    """The kernels: those that this machine compiled before into `cache_dir`, else compiled now, else, where there is no
    compiler, those that `build` left beside the sources.

    Raises:
        NativeUnavailable: the CPU lacks the instructions, or there is neither a C++ compiler that builds them nor a
            built library.
    """
    missing = missing_instructions()
    if missing:
        raise NativeUnavailable(f"the CPU lacks {', '.join(sorted(missing))}")
    file = cache_dir / "native" / f"llama-{_stamp(*_THIS_MACHINE, _cpu_model())}.so"
    if not file.is_file():
        built = _best_built()
        if _compiler() is None and built is not None:
            file = built
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{file}.lock"):
                if not file.is_file():
                    compile_kernels(_THIS_MACHINE, file)
    library = ctypes.CDLL(str(file))
    library.antiphon_new.restype = ctypes.c_void_p
    return library


def build() -> list[Path]:
    """Compile for any machine of each level, into the package itself: what an image does that is to run without a
    compiler. Raises: NativeUnavailable."""
    for level in LEVELS:
        level.built.parent.mkdir(exist_ok=True)
        compile_kernels(level.flags, level.built)
    return [level.built for level in LEVELS]


def _best_built() -> Path | None:
    """The fastest of the built libraries that this CPU can run."""
    flags = cpu_flags()
    return next((level.built for level in LEVELS if level.needed <= flags and level.built.is_file()), None)


def _stamp(*what: str) -> str:
    """The hash of the sources, the flags and `what` else the library depends on."""
    stamp = hashlib.sha256(" ".join((*_FLAGS, *what)).encode())
    for source in sorted(Path(__file__).parent.glob("*.[ch]*")):
        stamp.update(source.read_bytes())
    return stamp.hexdigest()[:16]


def missing_instructions() -> set[str]:
    """What the kernels need at least and this CPU lacks."""
    return set(_LEAST - cpu_flags())


def _compiler() -> str | None:
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")


def compile_kernels(machine: tuple[str, ...], target: Path) -> None:
    """Compile with the flags `machine` to the file `target`. Raises: NativeUnavailable."""
    compiler = _compiler()
    if compiler is None:
        raise NativeUnavailable("there is no C++ compiler (apt install g++)")
    source = Path(__file__).parent / "forward.cpp"
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = Path(folder) / "forward.so"
        command = [compiler, *_FLAGS, *machine, "-shared", str(source), "-o", str(built)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NativeUnavailable(f"the compiler says: {done.stderr.strip()[-400:]}")
        os.replace(built, target)


def cpu_flags() -> set[str]:
    """The instructions that this CPU has."""
    return set(_cpu_line("flags").split())


def _cpu_model() -> str:
    return _cpu_line("model name") + _cpu_line("flags")


def _cpu_line(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
