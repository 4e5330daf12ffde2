"""Broken model folders are told apart before anything is started on them."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter

from deploy.local.gguf_file import read_header
from deploy.local.model_folder import BrokenModel, check_model, check_served

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


def gguf(path: Path, template: str = "{{ messages }}", weights: int = 64) -> Path:
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_array("tokenizer.ggml.tokens", ["<s>", "a", "図書館"])
    writer.add_array("tokenizer.ggml.scores", [0.0, -1.0, -2.0])
    if template:
        writer.add_chat_template(template)
    if weights:
        writer.add_tensor("output.weight", np.zeros((2, weights), dtype=np.float32))
        writer.add_tensor("norm.weight", np.zeros(weights, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_whole_folder_a_gguf_file_the_bundled_model_and_a_hub_id_pass(tmp_path: Path) -> None:
    assert check_model(str(whole(tmp_path / "model"))) == []
    file = gguf(tmp_path / "m.gguf")
    assert check_model(str(file)) == []
    check_served(file)
    assert (read_header(file).context, read_header(file).tensors) == (2048, 2)
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


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda raw: b"", "is no GGUF file"),
        (lambda raw: b"PK\3\4" + raw[4:], "is no GGUF file"),
        (lambda raw: raw[:12], "cut off within its header"),
        (lambda raw: raw[:90], "cut off within its header"),
        (lambda raw: raw[: len(raw) // 2], "was cut off"),
        (lambda raw: raw[:-300], r"was cut off: it has [\d,]+ bytes of the"),
        (lambda raw: raw[:4] + struct.pack("<I", 1) + raw[8:], "version 1"),
        (lambda raw: raw[:8] + b"\xff" * 16 + raw[24:], "damaged header"),
        (lambda raw: raw[:24] + b"\xff" * 8 + raw[32:], "damaged header"),
        (lambda raw: raw[:24] + b"\x20" * 200, "damaged header|cut off"),
    ],
)
def test_a_gguf_file_that_is_not_whole_is_told_with_its_name(
    tmp_path: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    file = gguf(tmp_path / "m.gguf")
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(BrokenModel, match=f"m.gguf.*({reason})"):
        check_model(str(file))


def test_llama_cpp_takes_a_file_that_converses(tmp_path: Path) -> None:
    silent = gguf(tmp_path / "base.gguf", template="")
    (warning,) = check_model(str(silent))
    assert "no chat template" in warning
    for file, reason in (
        (silent, "no chat template"),
        (gguf(tmp_path / "vocabulary.gguf", weights=0), "holds no weights"),
        (tmp_path / "typo.gguf", "there is no file"),
        (whole(tmp_path / "folder"), "takes a .gguf file"),
    ):
        with pytest.raises(BrokenModel, match=reason):
            check_served(file)
