"""The arithmetic of a model follows what the CPU has."""

import pytest
import torch

from services.models import arithmetic
from services.models.sentence_encoder import SentenceEncoder


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [({"avx2": True}, torch.float32), ({"avx512_bf16": True}, torch.bfloat16), ({"bf16": True}, torch.bfloat16)],
)
def test_bf16_is_computed_where_the_cpu_has_it(
    capabilities: dict[str, bool], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    arithmetic.computes_in_bf16.cache_clear()
    try:
        assert arithmetic.half_or_float() is dtype
        assert SentenceEncoder.load(precision="bf16").name.endswith(":bf16")
    finally:
        arithmetic.computes_in_bf16.cache_clear()
