"""Looks at the files of a language model before anything is started on them: what is broken is said in one sentence.

Nothing is loaded and no library of models imported, so that the answer comes in milliseconds.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

from deploy.local.gguf_file import BadGguf, read_header

_HEADER_LIMIT = 100_000_000
"""Bytes that the header of a safetensors file may have, as its format says."""


class BrokenModel(ValueError):
    """The model's files cannot be used; the text says which, and why."""


def check_model(name: str) -> list[str]:
    """Hold the files of the model that `ANTIPHON_MODEL` names against what a generator needs.

    `name` is a folder, a .gguf file, or else the bundled model or a Hugging Face id, about which nothing can be said
    here. Returns warnings. Raises BrokenModel.
    """
    path = Path(name).expanduser()
    if not path.exists():
        if name.endswith(".gguf") or name.startswith(("/", ".", "~")) or name.count("/") > 1:
            raise BrokenModel(f"there is no {'file' if name.endswith('.gguf') else 'folder'} {path}")
        return []
    if path.is_file():
        return _check_gguf(path)
    return _check_folder(path)


def check_served(path: Path) -> None:
    """Whether llama.cpp's server can converse with the model of a .gguf file. Raises BrokenModel."""
    if not path.is_file():
        raise BrokenModel(f"llama.cpp takes a .gguf file, and there is no file {path}")
    if _check_gguf(path):
        raise BrokenModel(f"{path} has no chat template: it was not made for conversations, its instruct version is")


def _check_gguf(path: Path) -> list[str]:
    try:
        header = read_header(path)
    except BadGguf as error:
        raise BrokenModel(str(error)) from error
    if not header.tensors:
        raise BrokenModel(f"{path} holds no weights")
    return [] if header.chat_template else [f"{path} has no chat template: it is asked in plain lines"]


def _check_folder(folder: Path) -> list[str]:
    if not any(folder.iterdir()):
        raise BrokenModel(f"{folder} is empty; it should hold config.json, tokenizer.json and *.safetensors")
    _read_object(folder, "config.json")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
        other = f"; {pickles[0].name} is a pickle, which is never read" if pickles else ""
        raise BrokenModel(f"{folder} holds no *.safetensors{other}")
    for file in weights:
        _check_safetensors(file)
    _check_index(folder)
    if not (folder / "tokenizer.json").is_file() and not (folder / "tokenizer.model").is_file():
        raise BrokenModel(f"{folder} holds no tokenizer.json")
    settings = _read_object(folder, "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    if "chat_template" not in settings and not (folder / "chat_template.jinja").is_file():
        return [f"{folder} has no chat template: it is asked in plain lines, User: and Assistant:"]
    return []


def _read_object(folder: Path, name: str) -> dict[str, object]:
    file = folder / name
    if not file.is_file():
        raise BrokenModel(f"{folder} holds no {name}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise BrokenModel(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise BrokenModel(f"{file} holds no JSON object")
    return content


def _check_safetensors(file: Path) -> None:
    """Whether the file is as long as its header says (the format: eight bytes of length, JSON, data)."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_HEADER_LIMIT, size - 8):
            raise BrokenModel(f"{file} is no safetensors file, or was cut off")
        try:
            header = json.loads(stream.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise BrokenModel(f"{file} has a header that cannot be read") from error
    if size != 8 + length + max(ends, default=0):
        raise BrokenModel(f"{file} has {size:,} bytes where its header says {8 + length + max(ends, default=0):,}")


def _check_index(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    places = _read_object(folder, index.name).get("weight_map")
    names = set(places.values()) if isinstance(places, dict) else set()
    missing = sorted(name for name in names if not (folder / str(name)).is_file())
    if missing:
        raise BrokenModel(f"{folder} lacks {missing[0]}, which {index.name} names")
