"""torch's own kernels, where one computes exactly a loss, against the straight way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

from .test_execution import ways_taken
from .test_execution_torch import close, straight

pytestmark = pytest.mark.backend("torch")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


NATIVE = [
    (al.SquaredError(), 2), (al.AbsoluteError(), 2), (al.Huber(delta=0.75), 2), (al.SmoothL1(beta=0.5), 2),
    (al.SmoothL1(beta=0.0), 2), (al.Nll(), 1),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "floating"), NATIVE, ids=lambda x: repr(x))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_s_own_kernel_computes_exactly_this_loss(torch, loss, floating, dtype):
    rng = np.random.default_rng(5)
    # Errors of all sizes, ties, and both sides of each kink.
    error = np.concatenate([rng.normal(size=40), 10.0 ** rng.uniform(-12, 12, size=40), [0.0, 0.5, 0.75, -0.5, -0.75]])
    x = torch.tensor(error.reshape(17, 5).astype(dtype))
    y = torch.zeros_like(x) if floating == 2 else torch.tensor(rng.integers(0, 5, size=17))
    for reduction in ("none", "mean", "sum"):
        of = replace(loss, reduction=reduction)
        given = [x.clone().requires_grad_(), y.clone().requires_grad_() if floating == 2 else y]
        with ways_taken() as taken:
            value = of(*given)
        assert taken == ["native"]
        expected = straight(of, *given)
        eps = torch.finfo(x.dtype).eps
        torch.testing.assert_close(value, expected, rtol=2 * eps, atol=0.0)
        upstream = 2.5 * torch.ones_like(value)
        got = torch.autograd.grad(value, given[:floating], upstream)
        close(torch, got, torch.autograd.grad(expected, given[:floating], upstream), 4 * eps)
