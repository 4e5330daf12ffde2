"""Model versions with random low-rank pairs, as large as trained ones."""

from __future__ import annotations

import torch

from services.generator.engine import Engine
from services.generator.engine.backends.slots import SlotBackend
from services.models.adapter import Adapter

RANK = 16
_loaded: set[str] = set()


def load_random_adapters(engine: Engine, backend: SlotBackend, base: str, count: int) -> list[str]:
    """Load `count` versions of rank 16 on every linear layer; answers their names."""
    names = []
    for n in range(count):
        name = f"bench-{id(backend)}-{n}"
        names.append(name)
        if name in _loaded:
            continue
        adapter = random_adapter(backend, base, seed=n)
        prepared = backend.prepare_version(adapter)
        engine.apply(lambda b, name=name, prepared=prepared: b.load_version(name, prepared)).result()  # type: ignore[misc]
        _loaded.add(name)
    return names


def random_adapter(backend: SlotBackend, base: str, seed: int, strength: float = 0.02) -> Adapter:
    """Pairs for all seven projections of every layer."""
    shape = backend.shape
    generator = torch.Generator().manual_seed(seed)
    kv, q = shape.kv_heads * shape.head_dim, shape.heads * shape.head_dim
    sizes = {
        "q_proj": (shape.hidden, q),
        "k_proj": (shape.hidden, kv),
        "v_proj": (shape.hidden, kv),
        "o_proj": (q, shape.hidden),
        "gate_proj": (shape.hidden, shape.inner),
        "up_proj": (shape.hidden, shape.inner),
        "down_proj": (shape.inner, shape.hidden),
    }
    pairs = {
        (layer, name): (
            torch.randn(RANK, inputs, generator=generator) * strength,
            torch.randn(outputs, RANK, generator=generator) * strength,
        )
        for layer in range(shape.layers)
        for name, (inputs, outputs) in sizes.items()
    }
    return Adapter(base, RANK, pairs)
