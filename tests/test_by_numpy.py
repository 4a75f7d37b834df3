"""Small tensors of torch, which NumPy computes: the same as NumPy's own arrays, and nothing of NumPy shows."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import blocks, by_numpy, native, threads

from .cases import CASES
from .test_execution import items_of, small_blocks, ways_taken

pytestmark = pytest.mark.backend("torch")
all_cases = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@contextlib.contextmanager
def counted():
    """Count the calls that NumPy computes."""
    calls = []

    def note(function):
        def counting(*args, **named):
            calls.append(function.__name__)
            return function(*args, **named)

        return counting

    with (
        mock.patch.object(by_numpy.ByNumpy, "run", note(by_numpy.ByNumpy.run)),
        mock.patch.object(by_numpy.ByNumpy, "run_with_derivatives", note(by_numpy.ByNumpy.run_with_derivatives)),
    ):
        yield calls


@all_cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_loss_is_numpy_s_to_the_last_digit(torch, case, dtype):
    arrays = case.inputs(shape=(5, 3), dtype=dtype)
    of_items = items_of(case.item_shape((5, 3)), dtype=dtype)
    tensors = [torch.tensor(x) for x in arrays]
    for settings in ({}, of_items):
        given = {name: torch.tensor(x) for name, x in settings.items()}
        for reduction in ("mean", "none"):
            loss = replace(case.loss, reduction=reduction)
            with ways_taken() as taken, counted() as calls:
                value = loss(*tensors, **given)
            # torch's own operations leave some values to NumPy.
            assert ("run" in calls) == ("by_numpy" in taken) or taken == ["native"]
            if not calls:
                return  # a kernel of torch's, or a setting that holds an array
            assert value.dtype is tensors[0].dtype
            np.testing.assert_array_equal(value.numpy(), loss(*arrays, **settings))
        if 0 not in case.loss.closed_forms:
            continue
        loss = replace(case.loss, reduction="mean")
        expected = al.value_and_grad(loss)(*arrays, **settings)
        first = tensors[0].clone().requires_grad_()
        with counted() as calls:
            value = loss(first, *tensors[1:], **given)
            (gradient,) = torch.autograd.grad(value, first)
            together = al.value_and_grad(loss)(*tensors, **given)
        assert calls == ["run_with_derivatives"] * 2
        for got in ((value.detach(), gradient), together):
            for x, y in zip(got, expected, strict=True):
                np.testing.assert_array_equal(x.numpy(), y)


@all_cases
def test_per_item_losses_have_the_straight_way_s_gradient(torch, case):
    arrays = [torch.tensor(x) for x in case.inputs(shape=(5, 3))]
    arrays[0].requires_grad_()
    given = {name: torch.tensor(x) for name, x in items_of(case.item_shape((5, 3))).items()}
    upstream = torch.rand(case.item_shape((5, 3)), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    loss = replace(case.loss, reduction="none")
    (gradient,) = torch.autograd.grad(loss(*arrays, **given), arrays[0], upstream)
    with small_blocks(1 << 10, several=False):
        (expected,) = torch.autograd.grad(loss(*arrays, **given), arrays[0], upstream)
    torch.testing.assert_close(gradient, expected, rtol=1e-11, atol=1e-13)


def test_of_many_elements_torch_computes(torch):
    for size in (by_numpy.most(), by_numpy.most() + 1):
        x = torch.linspace(-1.0, 1.0, size).requires_grad_()
        with counted() as calls:
            al.log_cosh(x, torch.ones(size)).backward()
            al.log_cosh(x.detach(), torch.ones(size))
        assert calls == (["run_with_derivatives", "run"] if size == by_numpy.most() else [])


@pytest.mark.parametrize("current", ["X86_V4", "AVX512_SKX", "baseline(X86_V2)", None])
def test_fewer_elements_are_small_without_vector_instructions(current):
    by_numpy.most.cache_clear()
    found = {} if current is None else {"log1p": {"ff": {"current": current, "available": "baseline"}}}
    with mock.patch.object(np.lib.introspect, "opt_func_info", return_value=found):
        assert by_numpy.most() == (1 << 11 if current in ("baseline(X86_V2)", None) else 1 << 16)
    by_numpy.most.cache_clear()


def test_numpy_says_whether_it_has_vector_instructions():
    by_numpy.most.cache_clear()
    of_log1p = np.lib.introspect.opt_func_info().get("log1p")  # None where it has a form for no processor
    has_none = of_log1p is None or of_log1p["ff"]["current"].startswith("baseline")
    assert by_numpy.most() == (1 << 11 if has_none else 1 << 16)


def test_the_numbers_do_not_depend_on_how_often_a_kind_was_called(torch):
    class Fresh(al.BinaryFocal):
        pass

    x, y = torch.linspace(-3.0, 3.0, 50), torch.linspace(0.0, 1.0, 50)
    values = [Fresh()(x, y) for _ in range(3)]
    assert values[0] == values[1] == values[2]


@dataclass(frozen=True, kw_only=True)
class OfTorch(al.Loss):
    """A formula that is written for torch, and says that its settings and arrays decide its value."""

    pure = True

    def call(self, prediction, target):
        return (prediction - target).abs().clamp_min(0.5)

    def derivative(self, prediction, target):
        return (prediction - target).sign().masked_fill((prediction - target).abs() < 0.5, 0.0)


@dataclass(frozen=True, kw_only=True)
class OfTorchInPlaceOfOurs(al.Huber):
    pure = True

    def call(self, prediction, target):
        return (prediction - target).abs().clamp_min(0.5)


def test_a_formula_of_a_user_s_is_given_tensors(torch):
    x, y = torch.tensor([1.0, 2.0]).requires_grad_(), torch.tensor([1.2, 0.0])
    for loss in (OfTorch(reduction="sum"), OfTorchInPlaceOfOurs(reduction="sum")):
        value = loss(x, y)
        (gradient,) = torch.autograd.grad(value, x)
        assert value == 2.5
        assert gradient.tolist() == [0.0, 1.0]
        assert loss(x.detach(), y) == 2.5


@dataclass(frozen=True, kw_only=True)
class Itself(al.Loss):
    """A formula that returns what it is given."""

    pure = any_library = True
    arrays = "prediction[...]: real -> [...]"

    def call(self, prediction):
        return prediction


def test_a_result_is_no_view_of_an_input(torch):
    x = torch.tensor([1.0, 2.0])
    with counted() as calls:
        items = Itself(reduction="none")(x)
    assert calls == ["run"]
    items.zero_()
    assert x.tolist() == [1.0, 2.0]


def test_numpy_s_error_state_does_not_matter(torch):
    x = torch.tensor([-1e3, 1e30, 3e38]).requires_grad_()
    with np.errstate(all="raise"), counted() as calls:
        value = al.log_cosh(x, torch.zeros(3), reduction="sum")
        value.backward()
        al.log_cosh(x.detach(), torch.ones(3))
    assert len(calls) == 2
    assert x.grad.tolist() == [-1.0, 1.0, 1.0]
    assert bool(torch.isfinite(value))


def memories(torch):
    x = torch.linspace(-2.0, 2.0, 12).reshape(3, 4)
    conjugate = torch.complex(torch.zeros(3, 4), -x).conj().imag
    yield from (x.T, x[:, ::2], x[1:, 1:], x[0].expand(3, 4), torch.nn.Parameter(x), conjugate, x[0, 0], x[:0])


def test_however_a_tensor_lies_in_memory(torch):
    for x in memories(torch):
        given = x.detach().requires_grad_()
        with counted() as calls:
            value = al.hinge_embedding(given, -torch.ones_like(given), reduction="sum")
            value.backward()
        assert calls
        dense = torch.tensor(x.tolist()).requires_grad_()
        expected = torch.nn.functional.hinge_embedding_loss(dense, -torch.ones_like(dense), reduction="sum")
        torch.testing.assert_close(value, expected)
        torch.testing.assert_close(given.grad, torch.autograd.grad(expected, dense)[0].reshape(given.shape))


def test_the_device_that_is_set_is_that_of_new_tensors_alone(torch):
    x = torch.tensor([1.0, 2.0]).requires_grad_()
    target = torch.zeros(2)
    with torch.device("meta"):
        value = al.log_cosh(x, target)
    value.backward()
    assert value.device == x.grad.device == torch.device("cpu")


def test_gradients_of_a_kept_graph_and_of_second_order(torch):
    x = torch.tensor([0.3, -0.7], dtype=torch.float64).requires_grad_()
    value = al.binary_cross_entropy(x, torch.ones(2, dtype=torch.float64), reduction="sum")
    first = torch.autograd.grad(value, x, retain_graph=True)[0]
    again = torch.autograd.grad(value, x, 2.0 * torch.ones((), dtype=torch.float64), retain_graph=True)[0]
    p = 1.0 / (1.0 + np.exp(-x.detach().numpy()))
    np.testing.assert_allclose(first, p - 1.0, rtol=1e-14)
    np.testing.assert_allclose(again, 2.0 * (p - 1.0), rtol=1e-14)
    (graph,) = torch.autograd.grad(value, x, create_graph=True)
    np.testing.assert_allclose(torch.autograd.grad(graph.sum(), x)[0], p * (1.0 - p), rtol=1e-12)


def test_an_input_that_was_changed_since_is_noticed(torch):
    x, target = torch.tensor([0.3, -0.7]).requires_grad_(), torch.ones(2)
    value = al.binary_focal(x, target)
    target.mul_(0.5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_an_infinite_factor_leaves_what_is_left_out_at_zero(torch):
    x = torch.tensor([1.0, 2.0], dtype=torch.float64).requires_grad_()
    where = torch.tensor([True, False])
    items = al.binary_focal(x, torch.ones_like(x), where=where, reduction="none")
    (gradient,) = torch.autograd.grad(items, x, torch.tensor([1.0, torch.inf], dtype=torch.float64))
    assert gradient[1] == 0.0
    assert gradient[0] < 0.0


SOFTMAX = [case for case in CASES if case.loss.of_softmax]


@pytest.mark.parametrize("case", SOFTMAX, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_rows_of_few_classes_are_numpy_s_in_blocks(torch, case, dtype):
    arrays = case.inputs(shape=(40, 2), dtype=dtype)
    for reduction in ("mean", "none"):
        loss = replace(case.loss, reduction=reduction)
        tensors = [torch.tensor(x) for x in arrays]
        in_blocks = mock.patch.multiple(blocks, ROWS=8, SMALL=0)
        others = mock.patch.object(native, "FEW", 0)
        with mock.patch.object(by_numpy, "most", return_value=0), in_blocks, others, counted() as calls:
            type(loss).checked.clear()
            value = loss(*tensors)
            first = tensors[0].requires_grad_()
            recorded = loss(*tensors)
            (gradient,) = torch.autograd.grad(recorded, first, torch.ones_like(recorded))
        type(loss).checked.clear()
        assert calls
        assert value.dtype is first.dtype
        rtol = 32 * np.finfo(dtype).eps
        np.testing.assert_allclose(value.numpy(), loss(*arrays), rtol=rtol)
        np.testing.assert_allclose(recorded.detach().numpy(), value.numpy(), rtol=rtol)
        expected = al.grad(replace(loss, reduction="sum" if reduction == "none" else reduction))(*arrays)
        np.testing.assert_allclose(gradient.numpy(), expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def test_only_rows_of_few_classes_are_numpy_s_whatever_their_number(torch):
    for shape, axis, is_numpy_s in (
        ((9, by_numpy.CLASSES), -1, True), ((9, by_numpy.CLASSES + 1), -1, False), ((9, 3, 2), 1, False),
    ):  # fmt: skip
        with mock.patch.object(by_numpy, "most", return_value=0), counted() as calls:
            x = torch.zeros(shape, dtype=torch.float64)
            al.cross_entropy(x, torch.zeros([9, *shape[2:]], dtype=torch.int64), axis=axis)
        assert bool(calls) is is_numpy_s


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", ["tensor", "array", "sequence", "dict"])
def test_weights_of_classes_are_numpy_s_too(torch, form, dtype):
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.5], [1.0, 1.5]], dtype=getattr(torch, dtype))
    labels = torch.tensor([0, 1, 1])
    for weights in ([1.0, 3.0], [2.0, 0.5]):  # two of a kind of call
        made = {"tensor": torch.tensor, "array": np.asarray, "sequence": list, "dict": lambda x: dict(enumerate(x))}
        loss = al.CrossEntropy(class_weight=made[form](weights))
        for _ in range(2):
            first = logits.clone().requires_grad_()
            with counted() as calls:
                loss(first, labels).backward()
                value = loss(logits, labels)
            # torch does few logits of float32 by itself, in float64
            assert calls == (["run_with_derivatives", "run"] if dtype == "float64" else [])
            other = logits.clone().requires_grad_()
            of_torch = torch.tensor(weights, dtype=logits.dtype)
            expected = torch.nn.functional.cross_entropy(other, labels, weight=of_torch)
            expected.backward()
            torch.testing.assert_close(value, expected.detach())
            torch.testing.assert_close(first.grad, other.grad)


def test_a_weight_of_classes_is_looked_at_in_each_call(torch):
    logits, labels, weight = torch.randn(4, 3), torch.tensor([0, 2, 1, 1]), torch.tensor([1.0, 2.0, 3.0])
    loss = al.CrossEntropy(class_weight=weight)
    loss(logits, labels)
    weight[1] = 9.0
    expected = torch.nn.functional.cross_entropy(logits, labels, weight=weight)
    torch.testing.assert_close(loss(logits, labels), expected)
    with pytest.raises(ValueError, match="one number a class"):
        al.CrossEntropy(class_weight=weight[:2])(logits, labels)
    learned = weight.clone().requires_grad_()
    al.CrossEntropy(class_weight=learned)(logits, labels).backward()
    assert learned.grad is not None
    torch.testing.assert_close(loss(logits, labels), expected)


@pytest.mark.parametrize(("given", "expected"), [(None, 3), (2, 2), (8, 3)])
def test_numpy_has_the_threads_of_torch_for_tensors(torch, given, expected):
    logits, labels, found = torch.zeros(40, 3, dtype=torch.float64), torch.zeros(40, dtype=torch.int64), []

    def note(function, count, backend):
        found.append(threads._numpy_threads())
        for_each(function, count, backend)

    for_each, before = blocks.for_each, torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        in_blocks = mock.patch.multiple(blocks, ROWS=8, SMALL=0, for_each=note)
        with in_blocks, mock.patch.object(by_numpy, "most", return_value=0), al.config(threads=given):
            al.CrossEntropy.checked.clear()
            al.cross_entropy(logits, labels)
            al.cross_entropy(logits.requires_grad_(), labels, reduction="none").sum().backward()
    finally:
        torch.set_num_threads(before)
        al.CrossEntropy.checked.clear()
    assert set(found) == {expected}
