"""Makes the backends that need torch: the slot engine where the model's shape allows it, else its module."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from services.generator.engine.backend import Backend
from services.generator.engine.backends.codec import TokenizerCodec
from services.generator.engine.backends.module import ModuleBackend
from services.generator.engine.backends.slots import LlamaForward, SlotBackend
from services.generator.settings import GeneratorSettings
from services.models.adapter import Adapter
from services.models.arithmetic import computes_in_bf16
from services.models.language_model import (
    content_hash,
    find_model,
    input_embeddings,
    iterate_weights,
    load_config,
    load_module,
)
from services.models.llama.forward import TorchLlama
from services.models.llama.native.forward import NativeLlama
from services.models.llama.native.library import NativeUnavailable
from services.models.llama.shape import LlamaShape, NotLlamaShaped
from services.models.llama.weights import LlamaWeights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)
_LONGEST = 8192  # beyond this, slots are reserved only when the setting asks for it


def build_torch_backend(settings: GeneratorSettings, progress: Callable[[str, float], None] | None = None) -> Backend:
    """The backend of `settings.engine` with its model loaded.

    Raises:
        services.models.language_model.ModelNotFound: the model can't be had.
    """
    if settings.compute_threads:
        torch.set_num_threads(settings.compute_threads)
    folder = find_model(settings.model, settings.cache_dir, progress)
    version = content_hash(folder, settings.cache_dir)
    codec = TokenizerCodec(folder)
    memory_bytes = settings.kv_cache_mb * 2**20
    if settings.engine == "slots":
        try:
            return _slots(settings, folder, codec, version, memory_bytes)
        except NotLlamaShaped as reason:
            log.warning("the model runs through its own module, slower: %s", reason)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    whole = settings.kernel == "fp32" or (settings.kernel == "auto" and device == "cpu" and not computes_in_bf16())
    module = load_module(folder, torch.float32 if whole else torch.bfloat16)
    config = load_config(folder)
    context = settings.context_limit or min(int(config.get("max_position_embeddings", 2048)), _LONGEST)

    def module_of(adapter: Adapter) -> PreTrainedModel:
        other = load_module(folder, module.dtype)
        adapter.merge_into(other)
        return other

    return ModuleBackend(module, codec, version, settings.max_batch_size, context, memory_bytes, device, module_of)


def _slots(
    settings: GeneratorSettings, folder: Path, codec: TokenizerCodec, version: str, memory_bytes: int
) -> SlotBackend:
    shape = LlamaShape.of(load_config(folder))
    context = settings.context_limit or min(shape.positions, _LONGEST)

    def forward_of(adapter: Adapter | None) -> LlamaForward:
        tensors = iterate_weights(folder)
        weights = LlamaWeights.gather(shape, tensors if adapter is None else adapter.merged(tensors))
        table = input_embeddings(folder)
        if table is not None:  # in a mapping of its own: the one that every weight was read through goes with them
            weights = replace(weights, embedding=table)
        return make_forward(weights, settings.kernel, context, settings.cache_dir, settings.cuda_graphs)

    return SlotBackend(
        forward_of(None),
        codec,
        version,
        settings.max_batch_size,
        context,
        memory_bytes,
        forward_of,
        settings.context_window,
    )


def make_forward(
    weights: LlamaWeights, kernel: str, context: int, cache_dir: Path, cuda_graphs: bool = True
) -> LlamaForward:
    """The forward pass for this machine: torch on a GPU, native where the CPU and a compiler allow, else torch."""
    if torch.cuda.is_available():
        return TorchLlama(weights, "fp32" if kernel == "fp32" else "bf16", context, "cuda", steady=cuda_graphs)
    if not kernel.startswith("torch-"):
        try:
            return NativeLlama(weights, kernel, context, cache_dir)
        except NativeUnavailable as reason:
            log.warning("torch's kernels compute the model, slower: %s", reason)
    return TorchLlama(weights, kernel.removeprefix("torch-"), context)
