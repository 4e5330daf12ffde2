"""Where the kernels' library comes from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.models.llama.native import library
from tests.unit.generator.conftest import native_here

pytestmark = pytest.mark.skipif(not native_here(), reason="the native kernels don't run on this CPU")


def test_without_a_compiler_the_library_of_the_image_is_taken(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.load_library(cache_dir)
    (compiled,) = (cache_dir / "native").glob("*.so")
    image = tmp_path / "image.so"
    monkeypatch.setattr(library, "_compiler", lambda: None)
    monkeypatch.setattr(library, "_best_built", lambda: image if image.is_file() else None)
    with pytest.raises(library.NativeUnavailable, match="no C\\+\\+ compiler"):
        library.load_library(tmp_path / "cache")
    shutil.copy(compiled, image)
    assert library.load_library(tmp_path / "cache")._name == str(image)
    assert library.load_library(cache_dir)._name == str(compiled)  # what this machine compiled is preferred


def test_one_that_cannot_be_compiled_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "compiler"
    broken.write_text("#!/bin/sh\necho 'no such thing' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(library.NativeUnavailable, match="no such thing"):
        library.load_library(tmp_path)


def test_of_the_libraries_of_an_image_the_cpu_takes_the_fastest_it_can_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    monkeypatch.setattr(library, "compile_kernels", lambda flags, target: target.write_text(" ".join(flags)))
    best, lower = library.build()
    assert "avx512" in best.read_text()
    assert "avx512" not in lower.read_text()
    for flags, expected in (
        (library.LEVELS[0].needed, best),
        (library.LEVELS[0].needed - {"avx512_bf16"}, lower),
        (library.LEVELS[1].needed, lower),
        ({"avx2"}, None),
    ):
        monkeypatch.setattr(library, "cpu_flags", lambda flags=flags: set(flags))
        assert library._best_built() == expected
    assert library.missing_instructions() == library.LEVELS[1].needed - {"avx2"}
