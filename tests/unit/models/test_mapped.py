"""Tensors that are read where they lie: what they hold, and what stays in memory of the file they came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from services.models.feedback_vectors import FeedbackVectors
from services.models.mapped import map_tensor
from services.models.minilm import Encoder, wheel_path

RESIDENT = """
import re, sys
from pathlib import Path
import {module}
{load}
name = sys.argv[1]
entries = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
print(sum(int(re.search(r"Rss: *([0-9]+)", one)[1]) for one in entries if name in one.split(chr(10))[0]))
"""


def resident_kb(file: Path, module: str, load: str) -> int:
    """Kilobytes of the file that a new process keeps in memory after it has loaded."""
    code = RESIDENT.format(module=module, load=load)
    process = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    return int(process.stdout)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not tell what is in memory")
def test_rows_come_when_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    table = torch.randn(4096, 512)  # 8 MB
    save_file({"table": table, "other": torch.ones(3)}, file)
    assert torch.equal(map_tensor(file, "table"), table)
    with pytest.raises(KeyError):
        map_tensor(file, "nothing")
    load = "t = services.models.mapped.map_tensor(Path(sys.argv[1]), 'table'); t[7].sum()"
    assert resident_kb(file, "services.models.mapped", load) < 1024


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not tell what is in memory")
@pytest.mark.parametrize(("computes_in", "share"), [("bfloat16", 0.25), ("float32", 0.55)])
def test_an_encoder_keeps_of_its_file_what_is_read_of_it(computes_in: str, share: float) -> None:
    """The layers are half of the file; as float32 they stay where they lie."""
    file = wheel_path("model.safetensors")
    load = (
        f"import torch; services.models.sentence_encoder.half_or_float = lambda: torch.{computes_in}; "
        "e = services.models.sentence_encoder.SentenceEncoder.load(); e.encode(['a text'])"
    )
    assert resident_kb(file.resolve(), "services.models.sentence_encoder", load) < share * file.stat().st_size / 1024


def test_a_published_encoder_may_be_trained_on_without_changing_its_file() -> None:
    before = wheel_path("model.safetensors").read_bytes()
    encoder = Encoder()
    encoder.load_wheel()
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(1.0)
    assert wheel_path("model.safetensors").read_bytes() == before
    again = Encoder.published()
    assert not any(parameter.requires_grad for parameter in again.parameters())
    assert torch.allclose(again.words.weight + 1.0, encoder.words.weight)


def test_a_table_in_its_file_gives_the_vectors_that_one_in_memory_gives(tmp_path: Path) -> None:
    table = torch.randn(300, 64)
    save_file({"table": table}, tmp_path / "t.safetensors")
    plain, mapped = FeedbackVectors(table), FeedbackVectors(map_tensor(tmp_path / "t.safetensors", "table"))
    centred = table - table.mean(0)
    wanted = (0.5 * centred / centred.pow(2).mean(1, keepdim=True).sqrt().clamp_min(1e-6)).half().float()
    for ids in ([3], [1, 2, 299], list(range(300))):
        assert torch.equal(plain.comment(ids), mapped.comment(ids))
        assert torch.allclose(plain.comment(ids), wanted[ids].mean(0) * min(3.0, len(ids) ** 0.5), atol=1e-6)
