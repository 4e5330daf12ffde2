"""Broken model folders are told apart before anything is started on them."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.model_folder import BrokenModel, check_model

INDEX = """{"weight_map": {"w": "b.safetensors"}}"""


def safetensors(data: bytes = b"\0" * 8, claimed: int = 8) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, claimed]}}).encode()
    return struct.pack("<Q", len(header)) + header + data


def whole(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(safetensors())
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    return folder


def test_a_whole_folder_a_gguf_file_the_bundled_model_and_a_hub_id_pass(tmp_path: Path) -> None:
    assert check_model(str(whole(tmp_path / "model"))) == []
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\0" * 20)
    assert check_model(str(tmp_path / "m.gguf")) == []
    assert check_model("SmolLM2-135M-Instruct") == []
    assert check_model("Qwen/Qwen3-0.6B") == []


def test_a_model_without_a_chat_template_is_taken_with_a_warning(tmp_path: Path) -> None:
    folder = whole(tmp_path / "model")
    (folder / "tokenizer_config.json").unlink()
    (warning,) = check_model(str(folder))
    assert "no chat template" in warning


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: [file.unlink() for file in folder.iterdir()], "is empty"),
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "config.json").write_text("[]"), "no JSON object"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"holds no \*.safetensors"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "is a pickle"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"version https://lfs"), "no safetensors file"),
        (lambda folder: (folder / "model.safetensors").write_bytes(safetensors(b"\0" * 3)), "where its header says"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "no safetensors file"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "holds no tokenizer.json"),
        (
            lambda folder: (folder / "model.safetensors.index.json").write_text(
                '{"weight_map": {"w": "b.safetensors"}}'
            ),
            "lacks b.safetensors",
        ),
    ],
)
def test_what_is_broken_is_named(tmp_path: Path, spoil: Callable[[Path], object], reason: str) -> None:
    folder = whole(tmp_path / "model")
    spoil(folder)
    with pytest.raises(BrokenModel, match=reason):
        check_model(str(folder))


@pytest.mark.parametrize("name", ["/no/such/model", "./modle", "~/modle", "models/of/mine", "missing.gguf"])
def test_a_typo_in_a_path_is_no_hub_id(name: str) -> None:
    with pytest.raises(BrokenModel, match="there is no"):
        check_model(name)
