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
