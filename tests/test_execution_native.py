"""torch's own kernels, where one computes exactly a loss, and losses by a few of its operations.

The kernels are held against the straight way; the operations against mpmath, and their derivatives against the closed
form, which tests/test_closed_forms.py holds against differences.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import native
from arraylosses.formula import Formula

from .cases import CASES
from .test_accuracy import LIMIT, accuracy_inputs, largest_error
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


FEW = [case for case in CASES if type(case.loss).in_torch is not Formula.in_torch]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", FEW, ids=str)
def test_a_few_operations_keep_the_digits_of_each_item(torch, case, dtype):
    arrays = accuracy_inputs(case, dtype)
    x, *rest = (torch.tensor(x) for x in arrays)
    x.requires_grad_()
    items = case.loss.in_torch(torch, x, *rest)
    if items is None:
        pytest.skip("not with these settings")
    worst, at = largest_error(case, dtype, arrays, items.detach().numpy())
    assert worst <= LIMIT[dtype], at
    finite = torch.isfinite(items)
    (got,) = torch.autograd.grad(items[finite].sum(), x)
    expected = np.where(finite, replace(case.loss, reduction="none").derivative(*arrays), 0.0)
    info = np.finfo(dtype)
    np.testing.assert_allclose(got, expected, rtol=100 * LIMIT[dtype] * info.eps, atol=info.smallest_normal)


def test_a_few_operations_are_recorded_by_torch(torch):
    x = torch.linspace(-3.0, 3.0, 12, dtype=torch.float64).reshape(4, 3)
    y = torch.where(x.roll(1, 0) > 0, 1.0, -1.0).double()
    calls = {
        al.SoftMargin: (x, y), al.BinaryCrossEntropy: (x, y.clip(0.0)), al.MarginRanking: (x, x.roll(1, 1), y),
    }  # fmt: skip
    for cls, (first, *rest) in calls.items():
        for reduction in ("mean", "sum"):
            loss = cls(reduction=reduction)
            given = first.clone().requires_grad_()
            for _ in range(2):  # the first call is checked, and the second remembered
                value = loss(given, *rest)
                assert "Recomputed" not in type(value.grad_fn).__name__
                expected = straight(loss, given, *rest)
                torch.testing.assert_close(value, expected)
                once, straight_once = (torch.autograd.grad(v, given, create_graph=True)[0] for v in (value, expected))
                torch.testing.assert_close(once, straight_once)
                if once.requires_grad:
                    twice = [torch.autograd.grad(g.square().sum(), given)[0] for g in (once, straight_once)]
                    torch.testing.assert_close(*twice)


def test_a_result_that_is_not_finite_is_computed_in_another_way(torch):
    inf = float("inf")
    x = torch.tensor([inf, -inf, 0.0], requires_grad=True)
    for target, value, gradient in (
        ([1.0, 0.0, 0.5], np.log(2) / 3, [0.0, 0.0, 0.0]), ([0.0, 0.0, 0.5], inf, [1 / 3, 0.0, 0.0]),
    ):  # fmt: skip
        found = al.binary_cross_entropy(x, torch.tensor(target))
        (slope,) = torch.autograd.grad(found, x)
        assert found.item() == pytest.approx(value)
        torch.testing.assert_close(slope, torch.tensor(gradient))


def test_many_elements_are_no_few(torch):
    for size in (native.FEW, native.FEW + 1):
        with ways_taken() as taken:
            al.soft_margin(torch.ones(size, requires_grad=True), torch.ones(size))
        assert taken == ["native" if size == native.FEW else "autograd"]
