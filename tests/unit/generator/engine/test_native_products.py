"""Products of the native kernels against plain ones with the same packed weights and rounded inputs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from services.models.llama.native import library
from services.models.llama.native.packing import GROUP, LANES, as_pointer, pack
from tests.unit.generator.conftest import native_here

pytestmark = pytest.mark.skipif(not native_here(), reason="the native kernels don't run on this CPU")
Product = Callable[[str, Tensor, Tensor], Tensor]


@pytest.fixture(scope="module")
def lower_kernels(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The kernels of the lower level, compiled once."""
    file = tmp_path_factory.mktemp("lower") / "llama.so"
    library.compile_kernels(library.LEVELS[-1].flags, file)
    kernels = ctypes.CDLL(str(file))
    kernels.antiphon_new.restype = ctypes.c_void_p
    return kernels


@pytest.fixture(scope="module", params=["this machine's", "the lower level's"])
def product(request: pytest.FixtureRequest, cache_dir: Path) -> Product:
    """The product of packed weights `[n, k]` with rows `[rows, k]`."""
    if request.param == "this machine's":
        kernels = library.load_library(cache_dir)
    else:
        best, _ = library.LEVELS
        if best.needed - library.cpu_flags():
            pytest.skip("this machine's is of the lower level")
        kernels = request.getfixturevalue("lower_kernels")
    shape, layers = library.ShapeFields(0, 32, 1, 1, 32, 32, 1e-5), (library.LayerFields * 1)()
    model = ctypes.c_void_p(kernels.antiphon_new(as_pointer(shape), ctypes.byref(layers), None, None))

    def of(kernel: str, weight: Tensor, x: Tensor) -> Tensor:
        matrix = pack(weight, kernel)
        out = torch.empty(len(x), matrix.n)
        pointers = ctypes.c_void_p(x.data_ptr()), ctypes.c_int64(len(x)), ctypes.c_void_p(out.data_ptr())
        kernels.antiphon_product(model, as_pointer(matrix.fields), *pointers, ctypes.c_int(1))
        return out

    return of


def steps_of(kernel: str, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What `pack` keeps: whole steps `[n, groups, 32]` around zero or from it, scales and lows `[n, groups]`."""
    data, scale, *low = pack(weight, kernel).tensors
    n, k = weight.shape
    raw = data[: n * k // (2 if kernel == "int4" else 1)]
    if kernel == "int4":
        fours = raw.view(-1, k // GROUP, 4, LANES, 4)
        raw = torch.cat([fours & 15, fours >> 4], 2)
    steps = raw.view(-1, k // GROUP, 8, LANES, 4).permute(0, 3, 1, 2, 4).reshape(n, k // GROUP, GROUP).long()
    scales, lows = (
        t.float().permute(0, 2, 1).reshape(n, -1) for t in (scale, low[0] if kernel == "int4" else 0 * scale)
    )
    return (steps if kernel == "int4" else steps - 128), scales, lows


def rounded(x: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs as the integer kernels take them: steps `[rows, groups, 32]` and scales `[rows, groups]`."""
    groups = x.view(len(x), -1, GROUP)
    most = groups.abs().amax(-1)
    up = torch.where(most > 0, 127 / most, torch.zeros_like(most))
    return (groups * up[..., None]).round().long(), most / 127


def extreme(rows: int, k: int) -> Tensor:
    """Rows of nothing but the greatest, the least, both in turn, and both at random."""
    x = torch.randint(0, 2, (rows, k)).float() * 2 - 1
    x[0], x[1], x[2, ::2] = 1, -1, 1
    return x


@pytest.mark.parametrize("kernel", ["int8", "int4"])
def test_integer_sums_are_exact(product: Product, kernel: str) -> None:
    torch.manual_seed(0)
    for weight, x in (
        (torch.randn(48, GROUP), torch.randn(11, GROUP)),
        (extreme(48, GROUP), extreme(11, GROUP)),
        (extreme(48, GROUP) * torch.rand(48, 1), extreme(11, GROUP) * torch.rand(11, 1)),
    ):
        steps, scale, low = (t[:, 0] for t in steps_of(kernel, weight))
        inputs, down = (t[:, 0] for t in rounded(x))
        sums = (inputs @ steps.T).float() * (scale * down[:, None])
        if kernel == "int8":
            assert torch.equal(product(kernel, weight, x), sums)
        else:
            more = (down * inputs.sum(-1))[:, None].double() * low
            torch.testing.assert_close(product(kernel, weight, x), (sums + more).float(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kernel", ["fp32", "fp16", "bf16", "int8", "int4"])
def test_products_are_those_of_the_packed_weights(product: Product, kernel: str) -> None:
    torch.manual_seed(1)
    weight, x = torch.randn(32, 96), torch.randn(19, 96)
    if kernel in ("int8", "int4"):
        steps, scale, low = steps_of(kernel, weight)
        inputs, down = rounded(x)
        weight = (steps * scale[..., None] + low[..., None]).view(32, 96)
        x = (inputs * down[..., None]).view(19, 96)
    elif kernel != "fp32":
        dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}[kernel]
        weight = weight.to(dtype).float()
        x = x if kernel == "fp16" else x.to(dtype).float()
    expected = (x.double() @ weight.double().T).float()
    torch.manual_seed(1)
    found = product(kernel, torch.randn(32, 96), torch.randn(19, 96))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kernel", ["fp32", "fp16", "bf16", "int8", "int4"])
def test_a_row_does_not_depend_on_those_beside_it(product: Product, kernel: str) -> None:
    torch.manual_seed(2)
    weight, x = torch.randn(32, 96), torch.randn(17, 96)
    together = product(kernel, weight, x)
    for rows in range(1, 9):
        assert torch.equal(product(kernel, weight, x[:rows].contiguous()), together[:rows])
        assert torch.equal(product(kernel, weight, x[3 : 3 + rows].contiguous()), together[3 : 3 + rows])
