"""The torch dialect beside torch on the samples of torch's own databases: values, dtypes, shapes, gradients, errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="torch's databases of samples need it")

import arraylosses as al  # noqa: E402
from arraylosses.dialects import torch as dialect  # noqa: E402

from .torch_samples import NAMES, Sample, errors, leaves, mapped, samples  # noqa: E402

COUNT = 2114
"""The samples that torch 2.13 has for these losses."""

LEFT_OUT = {
    ("multi_margin_loss", 4): "a margin below 0, which is refused",
    ("hinge_embedding_loss", 9): "a target that is neither 1 nor -1, of which torch adds both losses",
}

# The fast run looks at one sample of so many, and of the 857 of one class at one of ten times as many: JAX compiles
# each step for each shape. `nox -s interop -- --sweep -k samples` looks at all of them.
ONE_OF = {"torch-float64": 2, "torch-float32": 24, "numpy": 6, "jax": 60}

TOLERANCE = {"float64": 1e-7, "float32": 2e-4}
OPTIONS = {"xla_backend_optimization_level": 0}  # of programs that run once


def convert_numpy(x: Any) -> Any:
    return x.detach().numpy()


def convert_jax(x: Any) -> Any:
    jax = pytest.importorskip("jax")
    return jax.numpy.asarray(convert_numpy(x))


@pytest.fixture
def due(request) -> Callable[..., list[Sample]]:
    def chosen(name: str, dtype: Any, one_of: int) -> list[Sample]:
        found = [s for k, s in enumerate(samples(name, dtype)) if (name, k) not in LEFT_OUT]
        step = 1 if request.config.getoption("--sweep") else one_of * (10 if len(found) > 500 else 1)
        return found[::step]

    return chosen


def of_torch(sample: Sample) -> tuple[Any, Any, list[Any], Any]:
    """Torch's own function or module, its result, the gradients by what asks for one, and their upstream factor."""
    native = sample.call_of(torch.nn.functional if sample.made_with is None else torch.nn)
    value = native(*sample.args, **sample.kwargs)
    upstream = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
    given = leaves((sample.args, sample.kwargs))
    found = torch.autograd.grad(value, given, upstream, allow_unused=True) if value.requires_grad else []
    return native, value.detach(), [*found], upstream


def of_dialect(sample: Sample, native: Any, convert: Callable[[Any], Any]) -> Callable[..., Any]:
    """The dialect's function or object, with the arrays of torch's module where it holds some."""
    ours = sample.call_of(dialect, lambda x: mapped(x, convert))
    if isinstance(native, torch.nn.LinearCrossEntropyLoss):
        held = native.linear.state_dict(prefix="linear.")
        ours.load_state_dict({name: convert(x) for name, x in held.items()})
    return ours


def by_logits(name: str, gradient: Any, log_probs: Any) -> Any:
    """The gradient by logits, where it is one by their log-softmax: torch's, of what it calls log-probabilities."""
    if name in ("ctc_loss", "CTCLoss"):
        return gradient - np.exp(log_probs) * np.sum(gradient, axis=-1, keepdims=True)
    return gradient


def compare(sample: Sample, value: Any, expected: Any, found: list[Any], gradients: list[Any]) -> None:
    dtype = str(expected.dtype).removeprefix("torch.")
    assert str(value.dtype).removeprefix("torch.") == dtype
    assert tuple(value.shape) == tuple(expected.shape)
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(al.to_numpy(value, detach=True), expected.numpy(), **tolerance)
    for ours, theirs in zip(found, gradients, strict=True):
        if theirs is not None:
            of_logits = by_logits(sample.name, al.to_numpy(ours), sample.args[0].detach().numpy())
            np.testing.assert_allclose(of_logits, theirs.numpy(), **tolerance)


@pytest.fixture(autouse=True)
def _quiet():
    """Of the warnings of both there are tests of their own; NumPy warns of the logarithms of negative targets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.filterwarnings("ignore", "invalid value", RuntimeWarning)
        yield


def test_the_databases_hold_as_many_samples_as_are_looked_at():
    assert sum(len(samples(name, torch.float64)) for name in NAMES) == COUNT


@pytest.mark.backend("torch")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_on_torch(name, dtype, due):
    for sample in due(name, getattr(torch, dtype), ONE_OF[f"torch-{dtype}"]):
        native, expected, gradients, upstream = of_torch(sample)
        value = of_dialect(sample, native, lambda x: x)(*mapped(sample.args, lambda x: x), **sample.kwargs)
        found: list[Any] = []
        if gradients:
            given = leaves((sample.args, sample.kwargs))
            found = [*torch.autograd.grad(value, given, upstream, allow_unused=True)]
        compare(sample, value, expected, found, gradients)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("name", NAMES)
def test_on_numpy(name, due):
    for sample in due(name, torch.float64, ONE_OF["numpy"]):
        native, expected, _, _ = of_torch(sample)
        ours = of_dialect(sample, native, convert_numpy)
        value = ours(*mapped(sample.args, convert_numpy), **mapped(sample.kwargs, convert_numpy))
        compare(sample, value, expected, [], [])


@pytest.mark.backend("jax")
@pytest.mark.parametrize("name", NAMES)
def test_on_jax(name, due):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        for sample in due(name, torch.float64, ONE_OF["jax"]):
            native, expected, gradients, upstream = of_torch(sample)
            ours = of_dialect(sample, native, convert_jax)
            given = leaves((sample.args, sample.kwargs))

            def call(*arrays: Any, sample: Sample = sample, ours: Any = ours, given: list[Any] = given) -> Any:
                def convert(x: Any) -> Any:
                    places = [k for k, leaf in enumerate(given) if leaf is x]
                    return arrays[places[0]] if places else convert_jax(x)

                return ours(*mapped(sample.args, convert), **mapped(sample.kwargs, convert))

            def both(upstream: Any, *arrays: Any, call: Any = call) -> tuple[Any, Any]:
                value, pull_back = jax.vjp(call, *arrays)
                return value, pull_back(upstream)

            program = jax.jit(both, compiler_options=OPTIONS)
            value, found = program(*map(convert_jax, [upstream, *given]))
            compare(sample, value, expected, [*found] if gradients else [], gradients)


@pytest.mark.parametrize("convert", [lambda x: x, convert_numpy, convert_jax], ids=["torch", "numpy", "jax"])
@pytest.mark.parametrize("name", [name for name in NAMES if errors(name)])
def test_what_torch_refuses_is_refused(name, convert):
    for sample in errors(name):
        with pytest.raises((TypeError, ValueError), match="`"):
            sample.call_of(dialect, lambda x: mapped(x, convert))(
                *mapped(sample.args, convert), **mapped(sample.kwargs, convert)
            )
