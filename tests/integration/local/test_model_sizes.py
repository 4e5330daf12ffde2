"""The files of random weights that sizes of models are measured on are taken and spoken by llama.cpp."""

from pathlib import Path

import pytest

from bench.model_sizes import SHAPES, Shape, measure, write_model
from deploy.local.gguf_file import read_header
from deploy.local.model_folder import check_served

SMALL = {
    "in blocks of 256, tied, normed": Shape(2, 256, 512, 4, 2, 64, 1024),
    "in blocks of 256, with an output of its own": Shape(2, 512, 768, 8, 4, 64, 1024, tied=False),
    "in blocks of 32": Shape(2, 96, 160, 3, 1, 32, 1024, normed=False),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_file_of_random_weights_is_served(tmp_path: Path, name: str) -> None:
    file = tmp_path / "m.gguf"
    write_model(file, SMALL[name])
    check_served(file)
    found = measure(file, tmp_path / "server", rounds=1)
    assert found["file_gb"] == file.stat().st_size / 1e9
    assert min(found.values()) > 0
    assert read_header(file).context == 8192


def test_the_sizes_have_the_parameters_they_are_named_by() -> None:
    for name, shape in SHAPES.items():
        attention = 2 * shape.width * shape.head * (shape.heads + shape.kv_heads)
        layers = shape.layers * (attention + 3 * shape.width * shape.inner)
        total = layers + shape.vocabulary * shape.width * (1 if shape.tied else 2)
        claimed = float(name[:-1]) * (1e6 if name.endswith("M") else 1e9)
        assert total == pytest.approx(claimed, rel=0.05)
