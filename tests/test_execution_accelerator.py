"""torch on an accelerator, whose values can't be looked at: the closed form, against the straight way's gradient."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from unittest import mock

import pytest

import arraylosses as al

from .test_execution import ways_taken
from .test_execution_torch import close, closed_defaults, gradients, of_items, straight, tensors
from .variants import forget_ways

pytestmark = pytest.mark.backend("torch")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@contextlib.contextmanager
def as_on_an_accelerator():
    """Tensors of the CPU are taken for some whose values can't be looked at."""
    forget_ways()
    with contextlib.ExitStack() as patches:
        for user in ("execution", "arguments.labels"):
            patches.enter_context(mock.patch(f"arraylosses.{user}.holds_values", return_value=False))
        for place in ("autograd._on_cpu", "known._is_on_cpu"):
            patches.enter_context(mock.patch(f"arraylosses.execution.{place}", return_value=False))
        yield
    forget_ways()


@closed_defaults
def test_an_accelerator_has_the_gradient_of_the_cpu(torch, case):
    arrays = tensors(torch, case, seed=1, shape=(5, 3))
    items = of_items(torch, case.item_shape((5, 3)))
    for reduction in ("mean", "none"):
        loss = replace(case.loss, reduction=reduction)
        upstream = 2.5 * torch.ones(() if reduction == "mean" else case.item_shape((5, 3)), dtype=torch.float64)
        for settings in ({}, items):
            with as_on_an_accelerator(), ways_taken() as taken:
                got = gradients(loss, arrays, upstream, **settings)
            expected = gradients(lambda *a, **s: straight(loss, *a, **s), arrays, upstream, **settings)  # noqa: B023
            close(torch, got, expected)
            assert taken[:1] != ["direct"]


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_the_gradient_of_a_label_that_is_no_class_is_nan(torch, dtype):
    logits = torch.linspace(-2, 3, 20).reshape(5, 4).to(getattr(torch, dtype))
    labels, kept = torch.tensor([0, -1, 4, 3, 9]), torch.tensor([True, True, True, True, False])
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]).to(logits.dtype)
    for settings in ({}, {"weight": weight}, {"where": kept}, {"ignore_index": 9, "weight": weight}):
        x = logits.clone().requires_grad_()
        with as_on_an_accelerator(), ways_taken() as taken:
            items = al.cross_entropy(x, labels, reduction="none", **settings)
            items.backward(torch.ones(5, dtype=x.dtype))
        no_class = torch.tensor(
            [False, True, True, False, not settings or ("weight" in settings and len(settings) == 1)]
        )
        assert taken == ["autograd"]
        assert torch.equal(items.isnan(), no_class)
        assert torch.equal(x.grad.isnan(), no_class[:, None].expand(5, 4))
        with as_on_an_accelerator():
            y = logits.clone().requires_grad_()
            al.cross_entropy(y, labels, **settings).backward()
        assert torch.equal(y.grad.isnan(), no_class[:, None].expand(5, 4))


@pytest.mark.parametrize("ignore_index", [None, -100, 2])
@pytest.mark.parametrize("loss", [al.CrossEntropy, al.Nll, al.CategoricalFocal])
def test_a_call_on_an_accelerator_is_checked_once_and_its_labels_every_time(torch, loss, ignore_index):
    loss = loss(reduction="sum", ignore_index=ignore_index)
    x = torch.linspace(-3, -1, 20, dtype=torch.float64).reshape(5, 4).requires_grad_()
    with as_on_an_accelerator(), mock.patch.object(al.Loss, "check", autospec=True, side_effect=al.Loss.check) as check:
        for labels in ([0, 1, 2, 3, 0], [3, 2, 2, 1, 0], [3, -100, 2, 1, 0], [0, 0, 4, 1, 0], [2, 2, 2, 2, 2]):
            (got,) = torch.autograd.grad(loss(x, torch.tensor(labels)), x)
            no_class = [k for k in labels if not 0 <= k < 4 and k != ignore_index]
            if no_class:
                assert got.isnan().sum() == 4 * len(no_class)
            else:
                expected = al.grad(loss)(x.detach().numpy(), torch.tensor(labels).numpy())
                torch.testing.assert_close(got, torch.from_numpy(expected), rtol=1e-12, atol=1e-15)
    assert sum(call.args[0] is loss and type(call.args[1][0]) is torch.Tensor for call in check.call_args_list) == 1


def test_no_gradient_vanishes_in_half_precision_on_an_accelerator(torch):
    # A share of one in many items is 0 in float16, unless the factor of the backward pass comes first.
    x = torch.linspace(-3, 3, 4000, dtype=torch.float16).reshape(1000, 4)
    labels = torch.arange(1000) % 4
    expected = x.clone().requires_grad_()
    (1024 * al.cross_entropy(expected, labels)).backward()
    x.requires_grad_()
    with as_on_an_accelerator(), ways_taken() as taken:
        loss = 1024 * al.cross_entropy(x, labels)
        loss.backward()
    assert taken == ["autograd"]
    torch.testing.assert_close(x.grad, expected.grad, rtol=2e-3, atol=0)


@pytest.mark.parametrize("target", ["labels", "distribution"])
def test_an_accelerator_has_the_closed_form_in_one_step(torch, target):
    # The meta device stands for one: it has shapes and no values.
    x = torch.zeros(6, 7, device="meta", requires_grad=True)
    t = torch.zeros((6,), dtype=torch.int64, device="meta") if target == "labels" else torch.zeros_like(x)
    weight, where = torch.ones(6, device="meta"), torch.ones(6, dtype=torch.bool, device="meta")
    with ways_taken() as taken:
        value = al.cross_entropy(x, t, weight=weight, where=where, label_smoothing=0.1)
        assert type(value.grad_fn).__name__ == "RecomputedBackward"
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        (second,) = torch.autograd.grad(gradient.sum(), x)
        assert gradient.shape == second.shape == x.shape
        half = x.detach().half().requires_grad_()
        assert torch.autograd.grad(al.cross_entropy(half, t), half)[0].dtype == torch.float16
        assert al.cross_entropy(x, t, reduction="none").shape == (6,)
    assert taken == ["autograd", "autograd", "autograd"]


def test_value_and_grad_is_the_closed_form_on_an_accelerator(torch):
    # The slope of a certain label is p - 1, of which autograd would subtract nearly all digits.
    logits = torch.tensor([[38.0, 0.0, 1.0], [0.5, 30.0, 0.0]], dtype=torch.float64)
    target = torch.eye(3, dtype=torch.float64)[:2]
    expected = al.grad("cross_entropy")(logits.numpy(), target.numpy())
    with as_on_an_accelerator():
        torch.testing.assert_close(
            al.grad("cross_entropy")(logits, target), torch.asarray(expected), rtol=1e-13, atol=0
        )
