"""What torch is told for a whole program: autocast, a default device or dtype. A loss is what it is without it."""

from __future__ import annotations

import contextlib
import itertools
from unittest import mock

import pytest

import arraylosses as al
from arraylosses import _array_api
from arraylosses.execution import autocast, known

from .cases import CASES, OF_BATCHES
from .test_execution import small_blocks
from .test_execution_accelerator import as_on_an_accelerator

pytestmark = pytest.mark.backend("torch")

ALL = [case for case in (*CASES, *OF_BATCHES) if case.is_default]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@contextlib.contextmanager
def default_dtype(torch, dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


STATES = {
    "autocast": lambda torch: torch.autocast("cpu", torch.bfloat16),
    "default device": lambda torch: torch.device("meta"),
    "default dtype": lambda torch: default_dtype(torch, torch.bfloat16),
}


def value_and_gradients(torch, case, state):
    shape = (6,) if case.entry.of_batch else (6, 4)
    arrays = [torch.tensor(x) for x in case.inputs(seed=3, shape=shape, dtype="float32")]
    sources = [arrays[k].requires_grad_() for k in case.floating()]
    with state:
        value = case.loss(*arrays)
    if not value.requires_grad:
        return [value]
    return [value, *torch.autograd.grad(value, sources, torch.ones_like(value), allow_unused=True)]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_loss_is_what_it_is_without(torch, case, state):
    for way in (contextlib.nullcontext(), small_blocks(several=False), as_on_an_accelerator()):
        with way, mock.patch("arraylosses.execution.by_numpy.largest", return_value=-1):
            found = value_and_gradients(torch, case, STATES[state](torch))
            expected = value_and_gradients(torch, case, contextlib.nullcontext())
        for x, y in zip(found, expected, strict=True):
            assert (x is None) == (y is None)
            if x is not None:
                torch.testing.assert_close(x, y, rtol=0, atol=0, equal_nan=True)


def test_a_backward_pass_under_autocast_computes_without_it(torch):
    x = torch.linspace(-1, 1, 32).reshape(4, 8).requires_grad_()
    matrix = torch.linspace(-2, 1, 40).reshape(5, 8).requires_grad_()
    labels = torch.tensor([0, 4, 2, 1])
    for reduction in ("mean", "none"):
        expected = torch.autograd.grad(
            al.linear_cross_entropy(x, matrix, labels, reduction=reduction).sum(), (x, matrix)
        )
        with torch.autocast("cpu", torch.bfloat16):
            value = al.linear_cross_entropy(x, matrix, labels, reduction=reduction).sum()
            found = torch.autograd.grad(value, (x, matrix))
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_compiled_loss_is_computed_without_autocast(torch):
    x, y = torch.linspace(-1, 1, 32).reshape(4, 8), torch.linspace(2, -1, 32).reshape(4, 8)
    compiled = torch.compile(lambda *a: al.info_nce(*a), fullgraph=True, backend="aot_eager")
    with torch.autocast("cpu", torch.bfloat16):
        found = compiled(x, y)
    torch.testing.assert_close(found, al.info_nce(x, y))


def test_what_a_call_is_remembered_by_asks_what_the_way_of_a_call_asks(torch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    class Named(torch.Tensor):
        pass

    x = torch.ones(3)
    dead = []
    torch.func.vmap(lambda row: dead.append(row) or row)(torch.ones(2, 3))
    tensors = {
        "plain": x, "parameter": torch.nn.Parameter(x), "subclass": x.as_subclass(Named), "sparse": x.to_sparse(),
        "nested": torch.nested.nested_tensor([x, x], layout=torch.jagged), "wrapped": dead[0], "numpy": x.numpy(),
    }  # fmt: skip
    states = {
        "none": contextlib.nullcontext, "no gradient": torch.no_grad, "inference": torch.inference_mode,
        "autocast": lambda: torch.autocast("cpu", torch.bfloat16), "mode": FakeTensorMode,
        "forward mode": torch.autograd.forward_ad.dual_level,
    }  # fmt: skip
    found = set()
    for (name, tensor), (state, enter) in itertools.product(tensors.items(), states.items()):
        with enter():
            plain = _array_api.is_eager_torch(tensor) and not _array_api.in_transform()
            asked = known.kinds_of_tensors((tensor,)) is not None
            assert asked == (plain and not autocast.is_on(tensor)), (name, state)
        if asked:
            found.add((name, state))
    assert found == {(name, state) for name in ("plain", "parameter") for state in ("none", "no gradient", "inference")}

    def inside(row):
        found.add(known.kinds_of_tensors((row,)) is None and known.kinds_of_tensors((x,)) is None)
        return row.sum()

    found.clear()
    torch.func.grad(inside)(x)
    assert found == {True}
