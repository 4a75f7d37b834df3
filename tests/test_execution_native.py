"""torch's own kernels, where one computes exactly a loss, and losses by a few of its operations.

The kernels are held against the straight way; the operations against mpmath, and their derivatives against the closed
form, which tests/test_closed_forms.py holds against differences.
"""

from __future__ import annotations

import functools
import weakref
from dataclasses import dataclass, replace

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
    kept, items, gradients = [], [], []
    for k in range(len(arrays[0])):  # some take another way, for their values
        x, *rest = (torch.tensor(x[k : k + 1]) for x in arrays)
        item = case.loss.in_torch(torch, "none", x.requires_grad_(), *rest)
        if item is not None and item.isfinite().all():
            kept.append(k)
            items.append(item.item())
            gradients.append(torch.autograd.grad(item.sum(), x)[0][0].numpy())
    if not kept:
        pytest.skip("not with these settings")
    # of float64 there is no wider one, in which some are computed
    assert dtype == "float64" or len(kept) > len(arrays[0]) // 4
    arrays = tuple(x[kept] for x in arrays)
    worst, at = largest_error(case, dtype, arrays, np.asarray(items, dtype))
    assert worst <= LIMIT[dtype], at
    info = np.finfo(dtype)
    got, expected = np.asarray(gradients), case.loss.derivative(*arrays)
    limit = LIMIT[dtype] * info.eps
    # A probability less a target that is no certainty has the digits of its terms, and so has a rate less a count.
    certain = arrays[1].dtype.kind == "i" or np.isin(arrays[1], (0.0, 1.0, -1.0))
    of_terms = limit * arrays[1] if isinstance(case.loss, al.PoissonNll) else np.where(certain, 0.0, limit)
    assert np.all(np.abs(got - expected) <= 100 * limit * np.abs(expected) + of_terms + info.smallest_normal)


@pytest.mark.parametrize("case", FEW, ids=str)
def test_second_derivatives_of_a_few_operations_keep_their_digits(torch, case):
    arrays = accuracy_inputs(case, "float32")
    loss, count = replace(case.loss, reduction="sum"), 0
    for k in range(len(arrays[0])):
        row = [x[k : k + 1] for x in arrays]
        x, *rest = map(torch.tensor, row)
        value = loss(x.requires_grad_(), *rest)
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        if "Recomputed" in type(value.grad_fn).__name__ or not slope.requires_grad:
            continue
        entries = [
            torch.autograd.grad(y, x, retain_graph=True)[0].flatten()[j].item() for j, y in enumerate(slope.flatten())
        ]
        # In closed form, in float64.
        expected = loss.second_derivative(*[x.astype("f8") if x.dtype.kind == "f" else x for x in row])
        if expected is None:
            pytest.skip("no closed form")
        # Beyond 2^64 an exponential has no square in float32, and a curvature of less than its inverse is 0.
        np.testing.assert_allclose(entries, np.ravel(expected), rtol=100 * np.finfo("float32").eps, atol=2.0**-64)
        count += 1
    if not count:
        pytest.skip("not with these settings, or there is none")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_few_operations_are_recorded_by_torch(torch, dtype):
    x = torch.linspace(-3.0, 3.0, 12, dtype=getattr(torch, dtype)).reshape(4, 3)
    y = torch.where(x.roll(1, 0) > 0, 1.0, -1.0).to(x.dtype)
    p, labels = torch.softmax(x, 1), torch.tensor([0, 2, 1, 1])
    calls = [
        (al.SoftMargin(), x, y), (al.BinaryCrossEntropy(), x, y.clip(0.0)),
        (al.BinaryCrossEntropy(from_logits=False), p.roll(1, 0), p),
        (al.MarginRanking(), x, x.roll(1, 1), y), (al.MultilabelSoftMargin(), x, y.clip(0.0)),
        (al.KlDivergence(), torch.log_softmax(x, 1), p.roll(1, 1)), (al.MultiMargin(), x, labels),
        (al.MultiMargin(p=2, margin=0.5), x, labels), (al.TripletMargin(), x, x.roll(1, 1), x.roll(1, 0)),
        (al.PoissonNll(), x, y.clip(0.0)),
    ]  # fmt: skip
    if dtype == "float32":
        calls += [
            (al.CrossEntropy(), x, labels), (al.CrossEntropy(axis=0), x.T, labels),
            (al.CrossEntropy(), x[0], labels[0]), (al.BinaryCrossEntropy(), x, p),
            (al.BinaryCrossEntropy(), x[:, 0], p[:, 1]), (al.MultilabelSoftMargin(), x, p),
            (al.CrossEntropy(axis=1), x.reshape(2, 3, 2), labels.reshape(2, 2)), (al.CrossEntropy(), x, p.roll(1, 1)),
            (al.CrossEntropy(), x.reshape(2, 2, 3), labels.reshape(2, 2)), (al.CrossEntropy(axis=0), x, p.roll(1, 0)),
        ]  # fmt: skip
    for of, first, *rest in calls:
        for reduction in ("mean", "sum", "batchmean"):
            loss = replace(of, reduction=reduction)
            given = first.clone().requires_grad_()
            for _ in range(2):  # the first call is checked, and the second remembered
                value = loss(given, *rest)
                of_items = reduction == "batchmean" and first.ndim - hasattr(loss, "axis") != 1
                of_torch = not (of_items and loss.once_in_torch)
                assert ("Recomputed" not in type(value.grad_fn).__name__) == of_torch, loss
                expected = straight(loss, given, *rest)
                torch.testing.assert_close(value, expected)
                upstreams = [torch.ones((), dtype=x.dtype, requires_grad=True) for _ in range(2)]
                once, straight_once = (
                    torch.autograd.grad(v, given, upstream, create_graph=True)[0]
                    for v, upstream in zip((value, expected), upstreams, strict=True)
                )
                torch.testing.assert_close(once, straight_once)
                twice = [
                    torch.autograd.grad(g.square().sum(), [given, upstream], materialize_grads=True)
                    for g, upstream in zip((once, straight_once), upstreams, strict=True)
                ]
                torch.testing.assert_close(*twice)


WEIGHED = [
    (al.CrossEntropy(), False), (al.CrossEntropy(class_weight=[1.0, 2.0, 0.5]), False), (al.SoftMargin(), True),
    (al.CrossEntropy(class_weight=[1.0, 0.0, 0.0]), False), (al.CrossEntropy(ignore_index=1), False),
    (al.CrossEntropy(class_weight=[1.0, 2.0, 0.5], ignore_index=1), False), (al.PoissonNll(), True),
    (al.BinaryCrossEntropy(), True),
]  # fmt: skip


@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "batchmean"])
@pytest.mark.parametrize(("of", "of_elements"), WEIGHED, ids=lambda x: repr(x)[:60])
def test_a_few_operations_take_weights_and_what_is_kept(torch, of, of_elements, reduction):
    rng = np.random.default_rng(3)
    x = torch.tensor(rng.normal(size=(4, 3)).astype("f4"))
    y = torch.tensor(rng.integers(0, 2, size=(4, 3)).astype("f4")) if of_elements else torch.tensor([0, 2, 1, 1])
    shape = (4, 3) if of_elements else (4,)
    weight, where = torch.tensor(rng.uniform(size=shape).astype("f4")), torch.tensor(rng.uniform(size=shape) < 0.5)
    loss = replace(of, reduction=reduction)
    for given in ({}, {"weight": weight}, {"where": where}, {"weight": weight, "where": where}):
        for _ in range(2):
            first = x.clone().requires_grad_()
            value = loss(first, y, **given)
            assert value.dtype is torch.float32
            expected = loss(*[z.numpy() for z in (x, y)], **{name: z.numpy() for name, z in given.items()})
            np.testing.assert_allclose(value.detach(), expected, rtol=3e-6, atol=1e-7)
            (got,) = torch.autograd.grad(value.sum(), first)
            of_sum = loss if value.ndim == 0 else replace(loss, reduction="sum")
            wanted = al.grad(of_sum)(*[z.numpy() for z in (x, y)], **{name: z.numpy() for name, z in given.items()})
            np.testing.assert_allclose(got, wanted, rtol=3e-6, atol=1e-7)


def test_values_that_a_kernel_has_no_digits_of_take_another_way(torch):
    for loss, arrays, of_torch in (
        (al.BinaryCrossEntropy(from_logits=False), ([1e-9, 0.5], [0.0, 1.0]), True),
        (al.BinaryCrossEntropy(from_logits=False), ([1e-13, 0.5], [1.0, 1.0]), False),
        (al.BinaryCrossEntropy(from_logits=False), ([1.0, 0.5], [1.0, 1.0]), False),
        (al.BinaryCrossEntropy(from_logits=False), ([0.25, 0.5], [-0.5, 1.5]), False),
        (al.MultiMargin(), ([[3e1, 2.9e1]], [0]), True),
        (al.MultiMargin(), ([[1e9, 1e9]], [0]), False),
        (al.MultiMargin(margin=1e-7), ([[30.0, 30.0]], [0]), False),
        (al.MultiMargin(margin=1e39), ([[30.0, 30.0]], [0]), False),
        (al.MultiMargin(margin=0.0), ([[1e9, 1.1e9]], [0]), True),
        (al.CrossEntropy(), ([[10.0, 0.0], [0.0, 1.0]], [0, 0]), True),
        (al.CrossEntropy(), ([[30.0, 0.0], [0.0, 1.0]], [0, 0]), False),
        (al.CrossEntropy(), ([[0.0, 30.0], [0.0, 1.0]], [0, 0]), False),
        (al.CrossEntropy(), ([[0.0, -np.inf, 1.0]], [0]), True),
        (al.CrossEntropy(), ([[0.0, -np.inf, 1.0]], [[0.5, 0.0, 0.5]]), False),
        (al.SoftMargin(), ([80.0, -80.0], [1.0, 1.0]), True),
        (al.SoftMargin(), ([80.0, -90.0], [1.0, 1.0]), False),
        (al.BinaryCrossEntropy(), ([1.0, 2.0], [np.inf, 0.0]), False),
        (al.MultilabelSoftMargin(), ([[1.0, 2.0]], [[np.inf, 0.0]]), False),
        (al.PoissonNll(), ([80.0, -90.0], [1.0, 1.0]), True),
        (al.PoissonNll(), ([90.0, -90.0], [1.0, 1.0]), False),
        (al.TripletMargin(), ([[1.0, 2.0]], [[1.5, 2.0]], [[2.0, 2.0]]), True),
        (al.TripletMargin(), ([[1e-30, 2e-30]], [[3e-30, 2e-30]], [[2.0, 2.0]]), False),
        (al.TripletMargin(), ([[1.0, 2.0]], [[1.0, 2.0]], [[2.0, 2.0]]), False),
        (al.KlDivergence(), ([[-0.5, -1.0]], [[0.5, 0.5]]), True),
        (al.KlDivergence(), ([[-0.5, -1.0]], [[0.0, 1.0]]), True),
        (al.KlDivergence(), ([[-0.5, -1.0]], [[-0.5, 1.5]]), False),
        (al.KlDivergence(), ([[0.5, 1.0]], [[0.5, 0.5]]), False),
        (al.KlDivergence(), ([[-0.5, -np.inf]], [[1.0, 0.0]]), False),
    ):
        x, rest = torch.tensor(arrays[0], requires_grad=True), [torch.tensor(y) for y in arrays[1:]]
        value, expected = loss(x, *rest), straight(loss, x, *rest)
        assert ("Recomputed" not in type(value.grad_fn).__name__) == of_torch, (loss, arrays)
        torch.testing.assert_close(value, expected, equal_nan=True)
        torch.testing.assert_close(*[torch.autograd.grad(v, x)[0] for v in (value, expected)])


def test_the_limits_of_a_dialect_hold(torch):
    p, t = torch.tensor([0.25, 3e-8, 1e-3], requires_grad=True), torch.tensor([1.0, 1.0, 0.0])
    for loss, items, slopes in (
        (al.get("bce"), [-np.log(0.25), -np.log(1e-7), -np.log1p(-1e-3)], [-4.0, 0.0, 1.0 / 0.999]),
        (al.get("BCELoss", log_floor=-5.0), [-np.log(0.25), 5.0, -np.log1p(-1e-3)], [-4.0, 0.0, 1.0 / 0.999]),
        (al.get("BCELoss"), [-np.log(0.25), -np.log(3e-8), -np.log1p(-1e-3)], [-4.0, -1.0 / 3e-8, 1.0 / 0.999]),
    ):
        value = replace(loss, reduction="sum")(p, t)
        np.testing.assert_allclose(value.item(), sum(items), rtol=1e-6)
        np.testing.assert_allclose(torch.autograd.grad(value, p)[0].numpy(), slopes, rtol=1e-5)
    anchor, others = torch.zeros(1, 2, requires_grad=True), [torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 5.5]])]
    apart = [np.hypot(*(0.5 - x[0].numpy())) for x in others]
    found = al.get("TripletMarginLoss", epsilon=0.5)(anchor, *others)
    assert "Recomputed" not in type(found.grad_fn).__name__
    np.testing.assert_allclose(found.item(), 1.0 + apart[0] - apart[1], rtol=1e-6)


def test_a_subclass_with_a_method_of_its_own_has_no_kernel_of_its_base(torch):
    @dataclass(frozen=True, kw_only=True)
    class Half(al.SquaredError):
        def derivative(self, prediction, target):
            return prediction - target

    class Dearer:
        def _costs(self, prediction, yes, no):
            return tuple(2.0 * cost for cost in super()._costs(prediction, yes, no))

    @dataclass(frozen=True, kw_only=True)
    class Dear(Dearer, al.BinaryCrossEntropy):
        from_logits: bool = False

    class Weighed(al.Loss):
        def item_weight(self, prediction, target):
            return 1.0 + target

    @dataclass(frozen=True, kw_only=True)
    class Behind(al.SoftMargin, Weighed):
        pass

    @dataclass(frozen=True, kw_only=True)
    class Scaled(al.BinaryCrossEntropy):
        from_logits: bool = False

        def _scaled(self, prediction, yes, no, factor):
            return tuple(factor * cost for cost in super()._costs(prediction, yes, no))

        _costs = functools.partialmethod(_scaled, factor=2.0)

    @dataclass(frozen=True, kw_only=True)
    class Far(al.Huber):
        delta: float = 10.0

    x, y = torch.tensor([0.25, 0.75], requires_grad=True), torch.tensor([1.0, 0.0])
    (gradient,) = torch.autograd.grad(Half(reduction="sum")(x, y), x)
    torch.testing.assert_close(gradient, (x - y).detach())
    for loss in (Dear(reduction="sum"), Scaled(reduction="sum")):
        assert loss(x, y).item() == pytest.approx(-4 * np.log(0.25))
    assert Behind()(x, y).item() == pytest.approx((2 * np.log1p(np.exp(-0.25)) + np.log(2)) / 3)
    with ways_taken() as taken:
        Far()(x, y)
    assert taken == ["native"]  # of settings alone


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("case", FEW, ids=str)
def test_a_few_operations_take_any_number_of_axes_in_any_order_of_memory(torch, case, reduction):
    loss = replace(case.loss, reduction=reduction)
    for shape in ((), (3,), (2, 3), (2, 1, 3), (2, 3, 1, 2), (2, 3, 2, 1, 2)):
        if isinstance(case.loss.class_axis(), int) and not -len(shape) <= case.loss.class_axis() <= len(shape):
            continue
        given = case.inputs(7, shape, "float32")
        upstream = np.random.default_rng(1).normal(size=case.item_shape(shape) if reduction == "none" else ())
        exact = [x.astype("f8") if x.dtype.kind == "f" else x for x in given]
        expected = loss(*exact)
        slope = al.grad(lambda *x, upstream=upstream: (loss(*x) * upstream).sum())(*exact)
        for reverse in (False, True):
            arrays = [torch.tensor(x) for x in given]
            if reverse:
                arrays = [torch.tensor(x.T.copy()).permute(*reversed(range(x.ndim))) for x in given]
            value = loss(arrays[0].requires_grad_(), *arrays[1:])
            (found,) = torch.autograd.grad(value, arrays[0], torch.tensor(upstream, dtype=value.dtype))
            np.testing.assert_allclose(value.detach(), expected, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", FEW, ids=str)
def test_every_floating_array_may_have_a_gradient(torch, case):
    given = case.inputs(7, dtype="float32")
    floating = [k for k, x in enumerate(given) if x.dtype.kind == "f"]
    exact = [x.astype("f8") if k in floating else x for k, x in enumerate(given)]
    expected = al.grad(case.loss, argnums=tuple(floating))(*exact)
    for k, wanted in zip(floating, expected, strict=True):
        arrays = [torch.tensor(x, requires_grad=j == k) for j, x in enumerate(given)]
        (found,) = torch.autograd.grad(case.loss(*arrays), arrays[k])
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_a_target_that_is_to_have_a_gradient_has_the_formula_s(torch):
    x = torch.tensor([2.0, -1.0, 1e-9])
    for values in ([1.0, 0.0, 1.0], [0.75, 0.25, 0.5]):
        t = torch.tensor(values, requires_grad=True)
        for loss, items in ((al.BinaryCrossEntropy(reduction="sum"), 1), (al.MultilabelSoftMargin(), 3)):
            (by_target,) = torch.autograd.grad(loss(x, t), t)
            torch.testing.assert_close(by_target, -x / items, atol=0.0, rtol=1e-6)  # l is -t x and what is free of t
    both = [torch.tensor([0.25, 0.75], requires_grad=True) for _ in range(2)]
    value = al.kl_divergence(both[0].log(), both[1])
    (by_target,) = torch.autograd.grad(value, both[1])
    torch.testing.assert_close(by_target, torch.ones(2))  # log t - log q + 1


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("size", [500, 10_000, native.FEW])
def test_many_equal_items_keep_the_digits_of_their_sum(torch, size, reduction):
    ones = torch.ones(size)
    item = np.log1p(np.exp(-np.float64(np.float32(0.7))))
    exact = item if reduction == "mean" else size * item
    x = torch.full((size,), 0.7, requires_grad=True)
    for of, second in ((al.SoftMargin(), ones), (al.BinaryCrossEntropy(), ones)):
        found = replace(of, reduction=reduction)(x, second).item()
        assert abs(found - exact) <= 8 * np.finfo("float32").eps * exact
    labels = torch.zeros(size // 2, dtype=torch.int64)
    found = al.multi_margin(x.reshape(-1, 2), labels, reduction=reduction).item()
    exact = 0.5 if reduction == "mean" else size / 4
    assert abs(found - exact) <= 8 * np.finfo("float32").eps * exact


KERNELS = [
    (al.BinaryCrossEntropy(from_logits=False), [[0.25, 0.75]], [[1.0, 0.5]]), (al.MultiMargin(), [[0.5, 1.0]], [0]),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "x", "y"), KERNELS, ids=["binary_cross_entropy", "multi_margin"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_kernel_behind_a_function_without_a_gradient_has_none(torch, loss, x, y, create_graph):
    class Constant(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, upstream):
            return None

    x = torch.tensor(x, requires_grad=True)
    (found,) = torch.autograd.grad(Constant.apply(loss(x, torch.tensor(y))) + x.sum(), x, create_graph=create_graph)
    torch.testing.assert_close(found, torch.ones_like(x))


@pytest.mark.parametrize(("loss", "x", "y"), KERNELS, ids=["binary_cross_entropy", "multi_margin"])
def test_a_kernel_keeps_the_arrays_for_as_long_as_a_gradient_may_be_asked_for(torch, loss, x, y):
    source = torch.tensor(x, requires_grad=True)
    given = [source.clone(), torch.tensor(y)]
    kept, value = [weakref.ref(x) for x in given], loss(*given)
    del given
    value.backward(retain_graph=True)
    assert all(x() is not None for x in kept)
    value.backward()
    assert all(x() is None for x in kept)


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
    def rows(x):
        return x.reshape(-1, 8)

    ones = torch.ones(2 * native.FEW)
    for loss, most, given in (
        (al.SoftMargin(), 1 << 15, lambda x, y: (x, y)),
        (al.PoissonNll(), 1 << 15, lambda x, y: (x, y)),
        (al.MarginRanking(), native.FEW, lambda x, y: (x, y, y)),
        (al.CrossEntropy(), 1 << 12, lambda x, y: (rows(x), rows(y)[:, 0].long())),
        (al.CrossEntropy(), 1 << 15, lambda x, y: (x.reshape(8, -1), y[:8].long())),
        (al.CrossEntropy(), 1 << 16, lambda x, y: (rows(x), rows(y) / 8.0)),
        (al.BinaryCrossEntropy(), 1 << 14, lambda x, y: (x, y)),
        (al.BinaryCrossEntropy(), 1 << 13, lambda x, y: (x, 0.25 * y)),
        (al.MultilabelSoftMargin(), 1 << 13, lambda x, y: (rows(x), rows(0.25 * y))),
        (al.BinaryCrossEntropy(from_logits=False), 1 << 11, lambda x, y: (0.5 * x, y)),
        (al.MultiMargin(), 1 << 13, lambda x, y: (rows(x), rows(y)[:, 0].long())),
    ):
        for size in (most, most + 8):
            x = ones[:size].clone().requires_grad_()
            value = loss(*given(x, ones[:size]))
            assert ("Recomputed" in type(value.grad_fn).__name__) == (size > most), loss


def test_a_divergence_below_0_by_rounding_is_0_with_its_gradient(torch):
    target = torch.softmax(torch.arange(12.0).reshape(4, 3).sin(), 1)
    q = target.log() + torch.tensor([0.0, 1e-8, 1e-7, 2e-7])[:, None]  # sums that are rounded
    q.requires_grad_()
    value, expected = al.kl_divergence(q, target), straight(al.KlDivergence(), q, target)
    assert "Recomputed" not in type(value.grad_fn).__name__
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0.0)
    torch.testing.assert_close(*[torch.autograd.grad(v, q)[0] for v in (value, expected)])
