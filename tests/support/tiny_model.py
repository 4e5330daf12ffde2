"""A Llama-shaped model small enough to train in a second, with the bundled model's tokenizer and chat template."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

# torch and transformers are imported where a model is made: they take four seconds, and most tests of a run make none.


def make_tiny_model(folder: Path, cache_dir: Path, seed: int = 0, spread: float = 0.02) -> Path:
    """Write the model (random weights of this standard deviation) into ``folder`` and answer it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from services.models.language_model import BUNDLED, find_model

    bundled = find_model(BUNDLED, cache_dir)
    folder.mkdir(parents=True, exist_ok=True)
    for file in bundled.iterdir():
        if "token" in file.name or file.suffix == ".jinja" or file.name in ("vocab.json", "merges.txt"):
            shutil.copy(file, folder)
    config = json.loads((bundled / "config.json").read_text())
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config["vocab_size"],
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            initializer_range=spread,
            bos_token_id=config.get("bos_token_id"),
            eos_token_id=config.get("eos_token_id"),
        )
    )
    model.save_pretrained(folder)
    return folder


def make_state_projector(file: Path, model: Path, cache_dir: Path) -> tuple[Path, str]:
    """Write a random projector of the state for the tiny model into ``file``; answer it and its content hash."""
    import torch

    from services.models.language_model import content_hash
    from services.models.sentence_encoder import SentenceEncoder
    from services.models.soft_prompt import ProjectorConfig, SoftPrompt, projector_id, write_projector

    torch.manual_seed(1)
    base, encoder = content_hash(model, cache_dir), SentenceEncoder.load()
    projector = SoftPrompt(ProjectorConfig("state", encoder.dimensions, 64, base_version=base, encoder=encoder.name))
    torch.nn.init.constant_(projector.scale, 1.0)
    content = write_projector(projector)
    file.write_bytes(content)
    return file, projector_id(content)
