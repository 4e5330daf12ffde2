"""What a Llama-shaped model looks like, read from its config.json."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_TYPES = ("llama", "mistral", "qwen2", "qwen3")


class NotLlamaShaped(Exception):
    """The model needs its own module; the reason is in the message."""


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """Sizes and constants. `heads` query heads share `kv_heads` keys; `inner` is the feed-forward size."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    inner: int
    vocabulary: int
    positions: int
    norm_eps: float
    tied: bool
    rope_theta: float
    rope_scaling: dict[str, Any]

    @property
    def group(self) -> int:
        """Query heads to one key head."""
        return self.heads // self.kv_heads

    @staticmethod
    def of(config: dict[str, Any]) -> LlamaShape:
        """Read a config.json.

        Raises:
            NotLlamaShaped: the architecture differs in something this forward pass does not compute.
        """
        kind = config.get("model_type")
        if kind not in _TYPES:
            raise NotLlamaShaped(f"{kind} models run through their module")
        if config.get("hidden_act", "silu") != "silu":
            raise NotLlamaShaped(f"activation {config['hidden_act']}")
        positions = int(config["max_position_embeddings"])
        layer_types = set(config.get("layer_types") or ["full_attention"])
        window = config.get("sliding_window") if config.get("use_sliding_window", kind == "mistral") else None
        if layer_types != {"full_attention"} or (window and window < positions):
            raise NotLlamaShaped("a sliding window in the layers")
        rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
        theta = float(rope.pop("rope_theta", config.get("rope_theta", 10000.0)))
        scaling = str(rope.get("rope_type", rope.get("type", "default")))
        if scaling not in ("default", "linear", "llama3") or rope.get("partial_rotary_factor", 1.0) != 1.0:
            raise NotLlamaShaped(f"rotary scaling {scaling}")
        heads = int(config["num_attention_heads"])
        return LlamaShape(
            layers=int(config["num_hidden_layers"]),
            hidden=int(config["hidden_size"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_dim=int(config.get("head_dim") or config["hidden_size"] // heads),
            inner=int(config["intermediate_size"]),
            vocabulary=int(config["vocab_size"]),
            positions=positions,
            norm_eps=float(config["rms_norm_eps"]),
            tied=bool(config.get("tie_word_embeddings", False)),
            rope_theta=theta,
            rope_scaling={"rope_type": scaling, **rope},
        )

    def rotary_tables(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines `[length, head_dim / 2]` of the rotary angles (Su et al. 2021), fp32."""
        steps = torch.arange(0, self.head_dim, 2, dtype=torch.int64).float() / self.head_dim
        frequencies = 1.0 / (self.rope_theta**steps)
        kind = self.rope_scaling["rope_type"]
        if kind == "linear":
            frequencies = frequencies / float(self.rope_scaling["factor"])
        elif kind == "llama3":
            frequencies = self._llama3(frequencies)
        angles = torch.arange(length).float()[:, None] * frequencies[None, :]
        return angles.cos(), angles.sin()

    def _llama3(self, frequencies: Tensor) -> Tensor:
        """Stretch low frequencies as Llama 3.1 does (Dubey et al. 2024; transformers' modeling_rope_utils)."""
        factor = float(self.rope_scaling["factor"])
        low, high = float(self.rope_scaling["low_freq_factor"]), float(self.rope_scaling["high_freq_factor"])
        original = float(self.rope_scaling["original_max_position_embeddings"])
        wavelength = 2 * math.pi / frequencies
        smooth = (original / wavelength - low) / (high - low)
        blended = (1 - smooth) * frequencies / factor + smooth * frequencies
        stretched = torch.where(wavelength > original / low, frequencies / factor, frequencies)
        medium = (wavelength <= original / low) & (wavelength >= original / high)
        return torch.where(medium, blended, stretched)
