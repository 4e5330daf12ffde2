"""The header of a GGUF file: what a model file says of itself, and whether all its bytes are there.

The format is described at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only the header is read, so that
the answer comes in a second whatever the model's size; the package gguf would make an object of each word of the
vocabulary.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LONGEST = 1 << 28
"""Bytes or values that any part of a header may have; a damaged length is a large one."""


class BadGguf(ValueError):
    """The file cannot be used; the text says why and names the file."""


@dataclass(frozen=True, slots=True)
class Header:
    """`fields` are the single values by name, arrays left out; `tensors` counts the weights' arrays."""

    fields: dict[str, Any]
    tensors: int

    @property
    def context(self) -> int:
        """Tokens that the model was trained for; 0 where the file does not say."""
        return int(self.fields.get(f"{self.fields.get('general.architecture')}.context_length") or 0)

    @property
    def chat_template(self) -> str:
        """The template of conversations; empty where the file has none."""
        return str(self.fields.get("tokenizer.chat_template") or "")


def read_header(path: Path) -> Header:
    """What the file says of itself. Raises BadGguf: it is no GGUF file, or is shorter than it says."""
    try:
        with path.open("rb") as file:
            return _Reader(file, path).header()
    except (struct.error, EOFError) as error:
        raise BadGguf(f"{path} was cut off within its header") from error
    except OSError as error:
        raise BadGguf(f"{path} cannot be read: {error.strerror or error}") from error


class _Reader:
    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._size = path.stat().st_size

    def header(self) -> Header:
        if self._file.read(4) != _MAGIC:
            raise BadGguf(
                f"{self._path} is no GGUF file; name a .gguf file or a folder with config.json and safetensors"
            )
        version, tensors, pairs = self._numbers("<IQQ")
        if version not in _VERSIONS:
            raise BadGguf(f"{self._path} is a GGUF file of version {version}; versions 2 and 3 can be read")
        if max(tensors, pairs) > _LONGEST:
            raise BadGguf(f"{self._path} has a damaged header")
        fields: dict[str, Any] = {}
        for _ in range(pairs):
            name, value = self._string(), self._value(self._numbers("<I")[0])
            if value is not None:
                fields[name] = value
        ends = [self._tensor_end() for _ in range(tensors)]
        alignment = int(fields.get("general.alignment") or 32)
        start = math.ceil(self._file.tell() / alignment) * alignment
        if (wanted := start + max(ends, default=0)) > self._size:
            raise BadGguf(
                f"{self._path} was cut off: it has {self._size:,} bytes of the {wanted:,} that its header names"
            )
        return Header(fields, tensors)

    def _tensor_end(self) -> int:
        """Where the next tensor of the list ends, in bytes from the first one's beginning."""
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        self._string()
        dimensions = self._numbers(f"<{self._numbers('<I')[0] % 8}Q")
        kind, offset = self._numbers("<IQ")
        try:
            block, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        except (KeyError, ValueError):
            block, size = 1, 0  # newer than the table: that its beginning is there is all that can be said
        return int(offset + math.prod(dimensions) // block * size)

    def _value(self, kind: int) -> Any:
        """The value that follows; None for an array, which is passed over."""
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            self._skip_array()
            return None
        return self._numbers(f"<{self._format(kind)}")[0]

    def _skip_array(self) -> None:
        kind, count = self._numbers("<IQ")
        if count > _LONGEST:
            raise BadGguf(f"{self._path} has a damaged header")
        skip: Callable[[], None] = self._skip_array if kind == _ARRAY else self._skip_string
        if kind not in (_ARRAY, _STRING):
            self._skip(count * struct.calcsize(f"<{self._format(kind)}"))
            return
        for _ in range(count):
            skip()

    def _format(self, kind: int) -> str:
        if kind not in _FORMATS:
            raise BadGguf(f"{self._path} has a damaged header")
        return _FORMATS[kind]

    def _numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._file.read(struct.calcsize(form)))

    def _string(self) -> str:
        return self._file.read(self._length()).decode("utf-8", "replace")

    def _skip_string(self) -> None:
        self._skip(self._length())

    def _skip(self, count: int) -> None:
        if self._file.seek(count, 1) > self._size:
            raise EOFError

    def _length(self) -> int:
        length = int(self._numbers("<Q")[0])
        if length > _LONGEST:
            raise BadGguf(f"{self._path} has a damaged header")
        return length
