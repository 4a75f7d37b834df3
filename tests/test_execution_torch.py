"""torch's gradients that are computed anew in the backward pass, against the straight way's."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import autograd, by_numpy, direct

from .cases import CASES, DEFAULTS, OF_BATCHES, extremes
from .test_execution import items_of, small_blocks, units, ways_taken
from .variants import forget_ways

pytestmark = pytest.mark.backend("torch")
CLOSED = [case for case in CASES if 0 in case.loss.closed_forms]
all_cases = pytest.mark.parametrize("case", CASES, ids=str)
closed_cases = pytest.mark.parametrize("case", CLOSED, ids=str)
closed_defaults = pytest.mark.parametrize("case", [c for c in DEFAULTS if 0 in c.loss.closed_forms], ids=str)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def straight(loss, *arrays, weight=None, where=None):
    return direct.run(loss, loss.check(arrays, weight, where))


def tensors(torch, case, **kwargs):
    """The arrays of a case, of which the first is to have a gradient."""
    x, *rest = (torch.tensor(x) for x in case.inputs(**kwargs))
    return [x.requires_grad_(), *rest]


def of_items(torch, shape, dtype="float64"):
    return {name: torch.tensor(x) for name, x in items_of(shape, dtype=dtype).items()}


def gradients(function, arrays, upstream, **settings):
    """The value and the gradient by the first array."""
    import torch

    value = function(*arrays, **settings)
    return value.detach(), *torch.autograd.grad(value, arrays[:1], upstream)


def close(torch, actual, expected, rtol=1e-10):
    for x, y in zip(actual, expected, strict=True):
        assert x.dtype == y.dtype
        scale = float(y.detach().abs().max()) if y.numel() else 1.0
        torch.testing.assert_close(x, y, rtol=rtol, atol=rtol * max(scale, 1e-3))


def pair(torch, *shape, dtype=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=dtype or torch.float64) for _ in range(2)]


@all_cases
@pytest.mark.parametrize(
    ("dtype", "reductions"), [("float64", ("mean", "sum", "batchmean", "none")), ("float32", ("mean",))]
)
def test_the_backward_pass_gives_the_straight_way_s_gradient(torch, case, dtype, reductions):
    arrays = tensors(torch, case, seed=1, shape=(5, 3), dtype=dtype)
    items = of_items(torch, case.item_shape((5, 3)), dtype)
    for reduction in reductions:
        loss = replace(case.loss, reduction=reduction)
        upstream = 2.5 * torch.ones(() if reduction != "none" else case.item_shape((5, 3)), dtype=arrays[0].dtype)
        for settings in ({}, items) if reduction == "mean" else (items,):
            with small_blocks(12, several=False), ways_taken() as taken:
                got = gradients(loss, arrays, upstream, **settings)
            expected = gradients(lambda *a, **s: straight(loss, *a, **s), arrays, upstream, **settings)  # noqa: B023
            close(torch, got, expected, 1e-11 if dtype == "float64" else 2e-5)
            assert taken == ["autograd" if 0 in case.loss.closed_forms else "direct"]


SEVERAL = [case for case in CASES if len(case.loss.closed_forms) > 1]


@pytest.mark.parametrize("case", SEVERAL, ids=str)
@pytest.mark.parametrize("anew", [False, True], ids=["together", "anew"])
def test_several_arrays_have_gradients_in_closed_form(torch, monkeypatch, case, anew):
    if anew:
        monkeypatch.setattr(autograd.Recorded, "together", lambda *_: None)
    arrays = tensors(torch, case, seed=1, shape=(5, 3), dtype="float64")
    closed = case.loss.closed_forms
    for positions in [closed, closed[::-1][:2], closed[1:]]:
        for k in closed:
            arrays[k].requires_grad_(k in positions)
        sources = [arrays[k] for k in positions]
        for reduction in ("mean", "none"):
            loss = replace(case.loss, reduction=reduction)
            items = of_items(torch, case.item_shape((5, 3)), "float64")
            with small_blocks(12, several=False), ways_taken() as taken:
                got = torch.autograd.grad(2.5 * loss(*arrays, **items).sum(), sources)
            assert taken == ["autograd"]
            close(torch, got, torch.autograd.grad(2.5 * straight(loss, *arrays, **items).sum(), sources), 1e-11)


UPSTREAMS = {
    "random": lambda torch: torch.rand(6, 7, dtype=torch.float64),
    "transposed": lambda torch: torch.rand(7, 6, dtype=torch.float64).T,
    "expanded": lambda torch: torch.rand(1, dtype=torch.float64).expand(6, 7),
    "with zeros": lambda torch: (torch.rand(6, 7, dtype=torch.float64) - 0.5).relu(),
    "negative": lambda torch: -torch.rand(6, 7, dtype=torch.float64),
}


@pytest.mark.parametrize("name", UPSTREAMS)
def test_any_upstream_gradient_is_multiplied_in(torch, name):
    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    upstream = UPSTREAMS[name](torch)
    items = of_items(torch, (6, 7))
    loss = al.Huber(reduction="none")
    rows = al.CosineSimilarity(axis=0, reduction="none")
    with small_blocks(16):
        close(torch, gradients(loss, [x, y], upstream), gradients(lambda *a: straight(loss, *a), [x, y], upstream))
        got = gradients(loss, [x, y], upstream, **items)
        close(torch, got, gradients(lambda *a, **s: straight(loss, *a, **s), [x, y], upstream, **items))
        got = gradients(rows, [x, y], upstream[0])
        close(torch, got, gradients(lambda *a: straight(rows, *a), [x, y], upstream[0]))


def test_a_loss_is_part_of_a_larger_graph(torch):
    x, y = pair(torch, 6, 7)
    w = torch.nn.Parameter(torch.rand(7, 7, dtype=torch.float64))
    results = []
    for function in (al.Huber(), lambda *a: straight(al.Huber(), *a)):
        w.grad = None
        with small_blocks(several=False):
            (2.5 * function(torch.tanh(x @ w), y) ** 2 + w.sum()).backward()
        results.append(w.grad)
    close(torch, results[:1], results[1:])


@pytest.mark.parametrize("loss", [al.Huber(), al.Hinge()], ids=["closed form", "none"])
@pytest.mark.parametrize("tracked", [(1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)], ids=str)
def test_gradients_by_arrays_without_a_closed_form_go_straight(torch, loss, tracked):
    given = [*pair(torch, 6, 7), torch.rand(6, 7, dtype=torch.float64)]
    given = [x.requires_grad_(k in tracked) for k, x in enumerate(given)]
    leaves = [given[k] for k in tracked]
    with small_blocks(several=False), ways_taken() as taken:
        got = torch.autograd.grad(loss(given[0], given[1], weight=given[2]), leaves)
    assert taken == ["autograd" if set(tracked) <= set(loss.closed_forms) else "direct"]
    close(torch, got, torch.autograd.grad(straight(loss, *given[:2], weight=given[2]), leaves))


# what is kept


@closed_cases
def test_nothing_but_the_inputs_is_kept_for_the_backward_pass(torch, case):
    arrays = tensors(torch, case, dtype="float32")
    labels = case.rows and "class" in case.loss.declaration.domains and not case.soft
    if labels and case.loss.ignore_index is not None:
        pytest.skip("which items are left out is computed from the labels")
    weight = torch.rand(case.item_shape((4, 3)))
    kept = []
    with (
        torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x),
        small_blocks(several=False),
    ):
        value = case.loss(*arrays, weight=weight)
    assert len(kept) == len(arrays) + 1
    for x, y in zip(kept, (*arrays, weight), strict=True):
        assert x.data_ptr() == y.data_ptr()
    value.backward()
    assert arrays[0].grad is not None


def test_saved_tensors_may_be_moved_by_hooks(torch):
    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().numpy().tolist(), torch.DoubleTensor):
        value = al.huber(x, y)
    with torch.autograd.graph.save_on_cpu():
        again = al.huber(x, y)
    for v in (value, again):
        close(torch, torch.autograd.grad(v, x), torch.autograd.grad(straight(al.Huber(), x, y), x))


@pytest.mark.parametrize("which", ["prediction", "target", "weight", "where", "class_weight"])
def test_an_input_that_was_changed_in_place_is_an_error(torch, which):
    logits = torch.randn(6, 7, dtype=torch.float64, requires_grad=True)
    x = logits * 1
    target = torch.softmax(torch.randn(6, 7, dtype=torch.float64), -1)
    items = of_items(torch, (6,))
    class_weight = torch.rand(7, dtype=torch.float64)
    value = al.cross_entropy(x, target, class_weight=class_weight, **items)
    changed = {"prediction": x, "target": target, "class_weight": class_weight, **items}[which]
    with torch.no_grad():
        changed.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_the_graph_can_be_kept_and_is_freed_otherwise(torch):
    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    value = al.huber(x, y)
    value.backward(retain_graph=True)
    once = x.grad.clone()
    value.backward()
    close(torch, [x.grad], [2 * once])
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        value.backward()


def test_hooks_of_tensors_see_and_change_the_gradient(torch):
    leaf, y = pair(torch, 6, 7)
    leaf.requires_grad_()
    x = 3 * leaf
    seen = []
    x.register_hook(lambda g: seen.append(g) or 2 * g)
    x.retain_grad()
    value = al.huber(x, y)
    value.register_hook(lambda g: 5 * g)
    value.backward()
    expected = (x - y).detach().clip(-1, 1) / 42
    close(torch, [*seen, leaf.grad], [5 * expected, 30 * expected])


# the second order


@closed_cases
def test_a_second_derivative_is_the_straight_way_s(torch, case):
    arrays = tensors(torch, case, seed=2)
    for reduction in ("mean", "none"):
        loss = replace(case.loss, reduction=reduction)
        shape = case.item_shape((4, 3)) if reduction == "none" else ()
        upstream = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
        results = []
        for function in (loss, lambda *a: straight(loss, *a)):  # noqa: B023
            with small_blocks(12, several=False):
                value = function(*arrays)
                (gradient,) = torch.autograd.grad(value, arrays[:1], upstream, create_graph=True)
                total = (gradient * torch.linspace(1, 2, gradient.numel()).reshape(gradient.shape)).sum()
                second = torch.autograd.grad(total, [arrays[0], upstream], allow_unused=True, materialize_grads=True)
            results.append([gradient.detach(), *second])
        close(torch, *results)


@pytest.mark.parametrize("name", ["log_cosh", "binary_focal", "cross_entropy"])
def test_both_orders_are_central_differences(torch, name):
    (case,) = (c for c in DEFAULTS if c.name == name and not c.soft)
    x, *rest = tensors(torch, case, seed=3, shape=(2, 2))
    with small_blocks(), ways_taken() as taken:
        assert torch.autograd.gradcheck(lambda x: 2.5 * case.loss(x, *rest), [x])
        assert torch.autograd.gradgradcheck(lambda x: 2.5 * case.loss(x, *rest), [x])
    assert "autograd" in taken


def test_hessians_and_vectorized_backward_passes(torch):
    x, y = pair(torch, 9)
    functional = torch.autograd.functional
    for reduction in ("none", "mean"):
        loss = al.LogCosh(reduction=reduction)
        for vectorize in (False, True):
            got = functional.jacobian(lambda x: loss(x, y), x, vectorize=vectorize)  # noqa: B023
            close(torch, [got], [functional.jacobian(lambda x: straight(loss, x, y), x)])  # noqa: B023
    for vectorize in (False, True):
        got = functional.hessian(lambda x: al.log_cosh(x, y), x, vectorize=vectorize)
        close(torch, [got], [torch.diag(1 / torch.cosh(x - y) ** 2 / 9)])
    x.requires_grad_()
    upstream = torch.eye(9, dtype=torch.float64)
    (got,) = torch.autograd.grad(al.log_cosh(x, y, reduction="none"), x, upstream, is_grads_batched=True)
    close(torch, [got], [torch.diag(torch.tanh(x - y).detach())])


# function transforms, tracing, modes


def test_without_a_graph_nothing_is_recorded(torch):
    x, y = pair(torch, 40)
    x.requires_grad_()
    with small_blocks():
        for mode in (torch.no_grad, torch.inference_mode):
            for threads in (1, 3):
                with mode(), ways_taken() as taken, al.config(threads=threads):
                    value, items = al.huber(x, y), al.huber(x, y, reduction="none")
                assert taken == ["blocks", "blocks"]
                assert not value.requires_grad
                assert not items.requires_grad
                assert items.is_inference() == (mode is torch.inference_mode)
                close(torch, [value], [straight(al.Huber(), x, y).detach()])
        with torch.inference_mode():
            made_there = x + 0
            close(torch, [al.huber(made_there, y) + 0], [straight(al.Huber(), made_there, y)])


def test_threads_beside_the_calling_one_record_nothing(torch):
    x, y = pair(torch, 400)
    x.requires_grad_()
    for reduction in ("mean", "none"):
        with small_blocks(), al.config(threads=3):
            value = al.huber(x, y, reduction=reduction)
            assert type(value.grad_fn).__name__ == "RecomputedBackward"
            (gradient,) = torch.autograd.grad(value, x, torch.ones_like(value))
            assert not gradient.requires_grad
        expected = straight(al.Huber(reduction=reduction), x, y)
        close(torch, [value, gradient], [expected, *torch.autograd.grad(expected, x, torch.ones_like(value))])


def test_results_are_where_the_inputs_are_whatever_the_default_device(torch):
    x, y = pair(torch, 40)
    expected = al.huber(x, y, reduction="none")
    torch.set_default_device("meta")
    try:
        with small_blocks():
            value, items = al.huber(x, y), al.huber(x, y, reduction="none")
            gradient = torch.autograd.grad(al.huber(x.requires_grad_(), y), x)[0]
    finally:
        torch.set_default_device(None)
    assert {r.device.type for r in (value, items, gradient)} == {"cpu"}
    close(torch, [items, value], [expected, expected.mean()])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_gradient_of_half_precision_has_its_own_dtype(torch, dtype):
    x, y = (t.to(getattr(torch, dtype)) for t in pair(torch, 6, 7))
    x.requires_grad_()
    for target in (y, y.double(), y.float()):
        with small_blocks():
            value = al.log_cosh(x, target)
            (gradient,) = torch.autograd.grad(value, x)
        expected = straight(al.LogCosh(), x, target)
        assert gradient.dtype == x.dtype
        close(torch, [value.detach()], [expected.detach()], 1e-6)
        close(torch, [gradient], torch.autograd.grad(expected, x), 4 * torch.finfo(x.dtype).eps)


def test_no_items_and_single_ones(torch):
    for shape in ((), (1,), (0,), (0, 9), (9, 0), (0, 2, 9)):
        x = torch.full(shape, 3.0, dtype=torch.float64, requires_grad=True)
        for reduction in ("mean", "sum", "batchmean", "none"):
            for weight in (None, torch.full(shape, 2.0), torch.zeros(shape)):
                loss = al.Huber(reduction=reduction)
                with small_blocks(several=False):
                    value = loss(x, torch.zeros(shape), weight=weight)
                    got = [value.detach(), *torch.autograd.grad(value, x, torch.ones_like(value))]
                expected = straight(loss, x, torch.zeros(shape), weight=weight)
                close(torch, got, [expected.detach(), *torch.autograd.grad(expected, x, torch.ones_like(expected))])


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Converting a tensor to a Python boolean")  # of its shape, which is no constant
def test_a_trace_computes_with_what_it_is_given(torch):
    (x, y), (p, q) = pair(torch, 6, 7), pair(torch, 6, 7, seed=1)
    with small_blocks(several=False):
        traced = torch.jit.trace(lambda *a: al.huber(*a), (x, y))
    close(torch, [traced(p, q)], [straight(al.Huber(), p, q)])
    p.requires_grad_()
    close(torch, torch.autograd.grad(traced(p, q), p), torch.autograd.grad(straight(al.Huber(), p, q), p))


def test_the_compiler_sees_one_graph_that_is_not_cut_into_blocks(torch):
    torch._dynamo.reset()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    with small_blocks(several=False):
        compiled = torch.compile(lambda *a: al.huber(*a), fullgraph=True, backend=backend)
        value = compiled(x, y)
    assert len(graphs) == 1
    assert "autograd" not in graphs[0].code
    close(torch, torch.autograd.grad(value, x), torch.autograd.grad(straight(al.Huber(), x, y), x))


def test_tensors_without_values_are_not_cut(torch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with small_blocks(several=False), ways_taken() as taken:
        x = torch.zeros(6, 7, device="meta", requires_grad=True)
        (gradient,) = torch.autograd.grad(al.huber(x, x.detach()), x)
        assert gradient.device.type == "meta"
        with FakeTensorMode():
            x = torch.zeros(6, 7, requires_grad=True)
            assert tuple(torch.autograd.grad(al.huber(x, x.detach()), x)[0].shape) == (6, 7)
    assert taken == ["autograd", "direct"]


def test_a_subclass_of_tensor_goes_straight(torch):
    class Named(torch.Tensor):
        pass

    x, y = pair(torch, 6, 7)
    x = x.as_subclass(Named).requires_grad_()
    with small_blocks(several=False), ways_taken() as taken:
        value = al.huber(x, y)
    assert type(value) is Named
    assert taken == ["direct"]


def test_checkpointing_gives_the_same_gradient(torch):
    from torch.utils.checkpoint import checkpoint

    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    (expected,) = torch.autograd.grad(straight(al.Huber(), 3 * x, y), x)
    with small_blocks():
        for reentrant in (False, True):
            value = checkpoint(lambda x: al.huber(3 * x, y), x, use_reentrant=reentrant)
            close(torch, torch.autograd.grad(value, x) if not reentrant else [_backward(value, x)], [expected])


def _backward(value, x):
    x.grad = None
    value.backward()
    return x.grad


def test_autograd_works_from_other_threads(torch):
    found = []

    def work(seed):
        x, y = pair(torch, 400, seed=seed)
        x.requires_grad_()
        value = al.huber(x, y)
        value.backward()
        expected = torch.autograd.grad(straight(al.Huber(), x, y), x)[0]
        found.append(bool(torch.allclose(x.grad, expected, rtol=1e-12)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    with small_blocks(), al.config(threads=2):
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert found == [True] * 4


# losses of one's own, and settings that are learned


def test_a_parameter_in_the_closure_of_an_unregistered_loss_keeps_its_gradient(torch):
    scale = torch.nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    class Scaled(al.Loss):
        def call(self, prediction, target):
            return scale * (prediction - target) ** 2

        def derivative(self, prediction, target):
            return 2 * scale * (prediction - target)

    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    with small_blocks(several=False):
        Scaled()(x, y).backward()
    close(torch, [scale.grad, x.grad], [((x - y) ** 2).mean().detach(), (4 * (x - y) / 42).detach()])


def test_a_learned_setting_of_a_registered_loss_has_a_gradient(torch):
    logits, _ = pair(torch, 40, 5)
    labels = torch.arange(40) % 5
    items = al.cross_entropy(logits, labels, reduction="none")
    for x in (logits, logits.clone().requires_grad_()):
        weight = torch.nn.Parameter(torch.ones(5, dtype=torch.float64))
        with small_blocks(several=False):
            al.cross_entropy(x, labels, class_weight=weight, reduction="sum").backward()
        close(torch, [weight.grad], [torch.zeros(5, dtype=torch.float64).index_add(0, labels, items)])
        assert (x.grad is not None) == x.requires_grad


def test_a_closed_form_that_is_not_always_there(torch):
    class Sometimes(al.Loss):
        arrays = "prediction[...]: real, target[...]: real -> [...]"
        pure = True

        def call(self, prediction, target):
            return (prediction - target) ** 2

        def derivative(self, prediction, target):
            return None

    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    seen = []
    x.register_hook(seen.append)
    with small_blocks(), ways_taken() as taken:
        close(torch, torch.autograd.grad(2.5 * Sometimes()(x, y), x), [5 * (x - y).detach() / 42])
    assert taken == ["autograd"]
    assert len(seen) == 1  # the gradient within the backward pass is none of the tensor's hooks' business


@closed_defaults
def test_the_gradient_is_finite_where_the_loss_is(torch, case):
    x, *rest = (torch.tensor(x) for x in extremes(case, "float64"))
    x.requires_grad_()
    with small_blocks():
        value = replace(case.loss, reduction="sum")(x, *rest)
        (gradient,) = torch.autograd.grad(value, x)
    assert bool(torch.isfinite(gradient).all())
    expected = direct.run_with_derivatives(
        replace(case.loss, reduction="sum"), case.loss.check((x.detach(), *rest), None, None)
    )[1]
    close(torch, [gradient], [expected], units("float64"))


def test_left_out_items_have_a_zero_gradient_whatever_they_hold(torch):
    x, y = pair(torch, 40)
    where = torch.arange(40) % 3 > 0
    bad = torch.where(where, x, torch.tensor([np.nan, np.inf], dtype=torch.float64).repeat(20)).requires_grad_()
    weight = torch.where(where, 2.0, np.nan)
    with small_blocks():
        (gradient,) = torch.autograd.grad(al.huber(bad, y, where=where, weight=weight), bad)
        assert al.huber(bad, y, where=where & False).detach() == 0
        (nothing,) = torch.autograd.grad(al.huber(bad, y, where=where & False), bad)
        root = torch.sqrt(al.squared_error(bad, y, where=where, reduction="none")).sum()
        (of_root,) = torch.autograd.grad(root, bad)  # whose factor is infinite where the loss is 0
    expected = torch.where(where, (x - y).clip(-1, 1) / where.sum(), 0.0)
    close(torch, [gradient, nothing], [expected, torch.zeros(40, dtype=torch.float64)])
    close(torch, [of_root], [torch.where(where, torch.sign(x - y), 0.0)])


@pytest.mark.parametrize("count", [4, 100_000, 3_000_000])
def test_an_infinite_factor_leaves_what_is_left_out_at_zero(torch, count):
    # That of a root of 0.
    where = torch.arange(count) > 0
    for loss in (al.Huber(), al.LogCosh(reduction="sum"), al.BinaryCrossEntropy()):
        x = torch.full((count,), 1000.0)
        x[0], target = 5.0, torch.ones(count)
        if not isinstance(loss, al.BinaryCrossEntropy):
            target = target * 1000.0
        x.requires_grad_()
        torch.sqrt(loss(x, target, where=where)).backward()
        assert x.grad[0] == 0
        assert bool(x.grad[1:].isnan().all())
    rows, labels = torch.tensor([[5.0, 0.0], [0.0, 1000.0]]).requires_grad_(), torch.tensor([0, 1])
    torch.sqrt(al.cross_entropy(rows, labels, ignore_index=0)).backward()
    assert rows.grad[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", [c for c in CASES + OF_BATCHES if 0 in c.loss.closed_forms], ids=str)
def test_an_infinite_factor_leaves_what_is_left_out_at_zero_in_any_dtype(torch, case, dtype):
    tracked, *rest = [torch.tensor(x) for x in case.inputs(dtype="float32")]
    given = [x.to(getattr(torch, dtype)) if x.is_floating_point() else x for x in (tracked, *rest)]
    shape = case.loss.check(tuple(given), None, None).item_shape
    shape = given[-1].shape[: given[-1].ndim - case.soft] if case.loss.declaration.takes_where else shape
    where = torch.arange(math.prod(shape)).reshape(shape) % 3 > 0
    keep = case.loss.check(tuple(given), None, where).kept(0)
    for reduction in ("mean", "none"):
        first = given[0].clone().requires_grad_()
        value = replace(case.loss, reduction=reduction)(first, *given[1:], where=where)
        (gradient,) = torch.autograd.grad(value, first, torch.full_like(value, float("inf")))
        assert not gradient[~keep.broadcast_to(gradient.shape)].any()
        assert gradient.any()


def test_a_small_gradient_is_kept_once_and_made_anew_after(torch):
    x, y = pair(torch, 6, 7)
    x.requires_grad_()
    value = al.log_cosh(x, y)
    gradients = [torch.autograd.grad(value, x, torch.tensor(u, dtype=x.dtype), retain_graph=True)[0] for u in (1, 2, 1)]
    assert len({g.data_ptr() for g in gradients}) == 3
    assert torch.equal(gradients[0], gradients[2])
    assert torch.equal(2 * gradients[0], gradients[1])


@pytest.mark.parametrize("shape", [(5, 3), (600, 3)], ids=str)
@closed_cases
def test_a_call_of_a_kind_is_the_straight_way_however_often_it_was_made(torch, monkeypatch, case, shape):
    monkeypatch.setattr(by_numpy, "fits", lambda *_: False)
    forget_ways()
    for seed in range(4):
        arrays = tensors(torch, case, seed=seed, shape=shape)
        upstream = torch.tensor(0.5 + seed, dtype=torch.float64)
        close(
            torch,
            gradients(case.loss, arrays, upstream),
            gradients(lambda *a: straight(case.loss, *a), arrays, upstream),
        )
    forget_ways()


def test_a_scaled_loss_keeps_gradients_that_half_precision_would_lose(torch):
    x = torch.full((1000,), 0.001, dtype=torch.float16, requires_grad=True)
    y = torch.zeros(1000, dtype=torch.float16)
    (gradient,) = torch.autograd.grad(al.log_cosh(x, y) * 1e-3 * 65536.0, x)  # tanh(x) / 1000 is 0 times 1e-3 there
    (small,) = torch.autograd.grad(al.log_cosh(x * 0.01, y) * 65536.0, x)
    np.testing.assert_allclose(gradient.float().numpy(), 65.536 * np.tanh(0.001) / 1000, rtol=2e-2)
    np.testing.assert_allclose(small.float().numpy(), 655.36 * np.tanh(1e-5) / 1000, rtol=2e-2)
