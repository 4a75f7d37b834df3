"""torch's compiler and export, and JAX's programs: for all settings and all batches at once."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import jitted, projection
from arraylosses.numerics import norms

from .cases import CASES, DEFAULTS, OF_BATCHES, OTHERS, Case

# A setting of a loss, and the values that a schedule gives it.
SCHEDULES = {
    "huber": ("delta", 0.5),
    "smooth_l1": ("beta", 0.5),
    "quantile": ("q", 0.1),
    "cross_entropy": ("label_smoothing", 0.02),
    "cross_entropy ": ("z_loss", 1e-3),
    "cross_entropy  ": ("softcap", 20.0),
    "categorical_focal": ("gamma", 0.5),
    "categorical_focal ": ("alpha", 0.25),
    "binary_cross_entropy": ("label_smoothing", 0.02),
    "binary_cross_entropy ": ("pos_weight", 2.0),
    "binary_focal": ("gamma", 0.5),
    "binary_focal ": ("alpha", 0.25),
    "categorical_hinge": ("margin", 0.5),
    "triplet_margin": ("margin", 0.5),
    "margin_ranking": ("margin", 0.5),
    "pseudo_huber": ("delta", 0.5),
}
schedules = pytest.mark.parametrize("name", SCHEDULES)


def scheduled(name: str) -> tuple[Case, str, list[float]]:
    setting, first = SCHEDULES[name]
    case = next(c for c in DEFAULTS if c.name == name.strip() and not c.soft)
    return case, setting, [first * (1.0 + k / 16) for k in range(12)]


# The second stage of torch's compiler keeps a number as an input only as long as it meets operations that it has for
# tensors, too; at another it compiles each number by itself.
@pytest.mark.backend("torch")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@schedules
def test_a_setting_that_changes_is_not_compiled_each_time(name, backend):
    torch = pytest.importorskip("torch")
    case, setting, values = scheduled(name)
    arrays = [torch.tensor(x) for x in case.inputs(dtype="float32")]
    function, x = getattr(al, case.name), arrays[0].requires_grad_()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(lambda x, *given: function(*given, **{setting: x}), fullgraph=True, backend=backend)
    for value in values:
        found, expected = compiled(value, *arrays), function(*arrays, **{setting: value})
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        gradients = [torch.autograd.grad(y, x)[0] for y in (found, expected)]
        torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)
    # One graph for the first number, and one for all others.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 2


@pytest.mark.backend("torch")
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("huber", {"delta": 0.5}),
        ("cross_entropy", {"axis": 1}),
        ("cross_entropy", {"class_weight": [1.0, 2.0, 4.0]}),
        ("triplet_margin", {"reduction": "sum"}),
    ],
)
@pytest.mark.parametrize("form", ["function", "class"])
def test_the_compiler_meets_one_call_and_reads_none_of_its_python(name, settings, form):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(8)
    function = getattr(al, name)
    of_labels = name == "cross_entropy"
    count = len(function.loss_class.array_names) - of_labels
    arrays = [torch.tensor(x) for x in rng.normal(size=(count, 4, 3)).astype("float32")]
    arrays += [torch.tensor(rng.integers(0, 3, 4))] if of_labels else []
    loss = functools.partial(function, **settings) if form == "function" else function.loss_class(**settings)
    met = []

    def backend(graph, given):
        met.extend([node.target.__name__ for node in graph.graph.nodes if node.op == "call_function"])
        return graph.forward

    torch._dynamo.reset()
    compiled = torch.compile(lambda *given: loss(*given), fullgraph=True, backend=backend, dynamic=True)
    torch.testing.assert_close(compiled(*arrays), function(*arrays, **settings))
    assert met == ["_call"]


@pytest.mark.backend("torch")
@pytest.mark.parametrize("form", ["function", "class"])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cross_entropy", {"from_logits": False}),
        ("cross_entropy", {"from_logits": False, "label_smoothing": 0.1}),
        ("dpo", {"loss_type": "hinge"}),
        ("dpo", {"loss_type": "ipo", "beta": 0.5}),
        ("dpo", {"loss_type": "robust", "label_smoothing": 0.1}),
    ],
)
def test_a_setting_that_has_to_be_0_is_seen_to_be_by_a_program_for_any_number(name, settings, form):
    torch = pytest.importorskip("torch")
    case = Case(name, getattr(al, name).loss_class(**settings))
    run = case.loss if form == "class" else functools.partial(getattr(al, name), **settings)
    found, expected = _compiled_and_eager(torch, run, _tensors(torch, case, 4, 0, "float64"), (0,), dynamic=True)
    for x, y in zip(found, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-14)


@pytest.mark.backend("torch")
def test_a_program_for_any_number_leaves_out_what_a_0_scales():
    torch = pytest.importorskip("torch")
    met = []

    def backend(graph, given):
        met.extend([node.op for node in graph.graph.nodes])
        return graph.forward

    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    counts = []
    for settings in ({}, {"z_loss": 0.5}):
        torch._dynamo.reset()
        met.clear()
        aot = torch._dynamo.backends.common.aot_autograd(fw_compiler=backend)
        compiled = torch.compile(functools.partial(al.cross_entropy, **settings), backend=aot, dynamic=True)
        torch.testing.assert_close(compiled(logits, labels), al.cross_entropy(logits, labels, **settings))
        counts.append(len(met))
    assert counts[0] < counts[1]


@pytest.mark.parametrize("zero", [0, 0.0, np.asarray(0.0), np.zeros(2)], ids=repr)
def test_a_setting_that_has_to_be_0_may_be_any_0(zero):
    al.CrossEntropy(from_logits=False, z_loss=zero)
    al.Dpo(loss_type="hinge", label_smoothing=zero)
    for wrong in (zero + 0.1, np.asarray([0.0, 0.1])):
        with pytest.raises(ValueError, match="`z_loss` must be 0.0 with from_logits=False, got "):
            al.CrossEntropy(from_logits=False, z_loss=wrong)
        with pytest.raises(ValueError, match="`label_smoothing` must be 0 with loss_type='hinge', got "):
            al.Dpo(loss_type="hinge", label_smoothing=wrong)


SEQUENCES = {
    "class_weight": lambda x, y: al.CrossEntropy(class_weight=[1.0, 0.5, 2.0])(x, y),
    "class_weight of a dict": lambda x, y: al.CrossEntropy(class_weight={0: 2.0, 2: 0.5})(x, y),
    "pos_weight": lambda x, _: al.BinaryCrossEntropy(pos_weight=(1.0, 0.5, 2.0))(x, x.sigmoid()),
    "q": lambda x, _: al.Quantile(q=(0.1, 0.5, 0.9))(x, x.abs()),
    "another setting": lambda x, y: dataclasses.replace(OF_CLASSES, reduction="sum")(x, y),
    "weighted_sum": lambda x, y: al.weighted_sum([OF_CLASSES, "huber"], [0.5, 2.0])((x, x), (y, x.abs())),
    "weighted_sum of names": lambda x, y: BY_NAME({"a": x, "b": x}, {"a": y, "b": x.abs()}, where={"a": y > 0}),
    "its values": lambda x, y: BY_NAME.values({"a": x, "b": x}, {"a": y, "b": x.abs()})["b"],
}
OF_CLASSES = al.CrossEntropy(class_weight=(1.0, 0.5, 2.0))
BY_NAME = al.weighted_sum({"a": "cross_entropy", "b": "huber"}, {"b": 0.5})


@pytest.mark.backend("torch")
@pytest.mark.parametrize("compute", SEQUENCES.values(), ids=SEQUENCES)
def test_a_loss_with_a_sequence_is_made_and_called_within_a_program(compute):
    torch = pytest.importorskip("torch")
    torch._dynamo.reset()
    x, y = torch.tensor([[0.5, -3.0, 2.0], [1.0, 0.25, -1.0]], dtype=torch.float64), torch.tensor([2, 0])
    compiled = torch.compile(compute, fullgraph=True, backend="aot_eager")
    results = []
    for run in (compiled, compute):
        given = x.clone().requires_grad_()
        value = run(given, y)
        results.append((value.detach(), *torch.autograd.grad(value, given)))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-14)


def _compiled_and_eager(torch, loss, arrays, positions, *, dynamic=None):
    torch._dynamo.reset()
    compiled = torch.compile(lambda *given: loss(*given), fullgraph=True, backend="aot_eager", dynamic=dynamic)
    results = []
    for run in (compiled, loss):
        given = [x.clone().requires_grad_() if k in positions else x for k, x in enumerate(arrays)]
        value = 3.0 * run(*given)
        results.append((value.detach(), *torch.autograd.grad(value, [given[k] for k in positions])))
    return results


@pytest.mark.backend("torch")
@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("cross_entropy", (0,)),
        ("kl_divergence", (0,)),
        ("kl_divergence", (0, 1)),  # by the target there is no closed form
        ("huber", (1,)),
        ("cosine_embedding", (0, 1)),
    ],
)
@pytest.mark.parametrize("dynamic", [None, True])
def test_a_compiled_gradient_is_that_of_the_eager_loss(name, positions, dynamic):
    torch = pytest.importorskip("torch")
    case = next(c for c in DEFAULTS if c.name == name and not c.soft)
    arrays = [torch.tensor(x) for x in case.inputs()]
    found, expected = _compiled_and_eager(torch, getattr(al, name), arrays, positions, dynamic=dynamic)
    for x, y in zip(found, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-14)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("compute", [al.value_and_grad, al.value_grad_hess], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "loss",
    [al.AbsoluteError(), al.LogCosh(), al.Huber, "binary_cross_entropy"],
    ids=lambda x: getattr(x, "__name__", str(x)),
)
def test_a_gradient_is_taken_within_a_program(compute, loss):
    torch = pytest.importorskip("torch")
    torch._dynamo.reset()
    x, y = torch.tensor([0.5, -3.0, 2.0]), torch.tensor([0.25, 0.0, 0.5])
    found = torch.compile(compute(loss), fullgraph=True, backend="aot_eager")(x, y)
    for got, expected in zip(found, compute(loss)(x, y), strict=True):
        got.add_(0.0)  # it has memory
        torch.testing.assert_close(got, expected)


@pytest.mark.backend("torch")
def test_a_gradient_by_nested_parameters_is_taken_within_a_program():
    torch = pytest.importorskip("torch")
    torch._dynamo.reset()
    rows, y = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([0.5, 1.0])
    parameters = {"weight": torch.tensor([0.5, -1.0]), "rest": [torch.tensor(0.25)]}

    def of(p):
        return al.squared_error(rows @ p["weight"] + p["rest"][0], y)

    found = torch.compile(al.grad(of), fullgraph=True, backend="aot_eager")(parameters)
    error = torch.tensor([-1.75, 1.75])  # rows @ weight + 0.25 - y, and the mean of two squares
    torch.testing.assert_close(found, {"weight": error @ rows, "rest": [error.sum()]})


@pytest.mark.backend("torch")
def test_a_compiled_gradient_keeps_the_digits_of_an_easy_row_and_marks_a_label_that_is_no_class():
    torch = pytest.importorskip("torch")
    logits = torch.tensor([[40.0, 0.0], [1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    compiled = torch.compile(lambda *x: al.cross_entropy(*x, reduction="none"), fullgraph=True, backend="aot_eager")
    items = compiled(logits, torch.tensor([0, 2]))
    (gradient,) = torch.autograd.grad(items, logits, torch.tensor([1.0, 1.0], dtype=torch.float64))
    others = np.exp(-40.0) / (1.0 + np.exp(-40.0))
    np.testing.assert_allclose(items.detach(), [np.log1p(np.exp(-40.0)), np.nan], rtol=1e-15)
    np.testing.assert_allclose(gradient, [[-others, others], [np.nan, np.nan]], rtol=1e-15)


@pytest.mark.backend("jax")
@schedules
def test_a_setting_that_changes_is_an_operand_of_the_program(name):
    pytest.importorskip("jax")
    import jax.numpy as jnp

    case, setting, values = scheduled(name)
    arrays = [jnp.asarray(x) for x in case.inputs(dtype="float32")]
    function = getattr(al, case.name)
    jitted._program.cache_clear()
    for value in values[:4]:
        got = function(*arrays, **{setting: value})
        expected = function(*case.inputs(dtype="float32"), **{setting: value})
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert jitted._program.cache_info().misses == 1


@pytest.mark.backend("jax")
@pytest.mark.parametrize("setting", ["label_smoothing", "softcap", "z_loss"])
def test_a_projection_takes_settings_that_change(setting):
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(7)
    arrays = [rng.normal(size=(6, 4)), rng.normal(size=(3, 4)), rng.integers(0, 3, 6)]
    arrays = [x.astype("float32") if x.dtype.kind == "f" else x for x in arrays]
    both = al.value_and_grad(al.linear_cross_entropy, (0, 1))

    def traced(value, *given):
        return jax.value_and_grad(lambda *x: al.linear_cross_entropy(*x, given[2], **{setting: value}), (0, 1))(
            *given[:2]
        )

    program = jax.jit(traced)
    for value in (0.25, 0.5):
        expected, gradients = both(*arrays, **{setting: value})
        for found in (both(*map(jax.numpy.asarray, arrays), **{setting: value}), program(value, *arrays)):
            np.testing.assert_allclose(found[0], expected, rtol=1e-5)
            for x, y in zip(found[1], gradients, strict=True):
                np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)


@pytest.mark.backend("jax")
def test_a_loss_that_asks_in_python_what_its_setting_is_has_a_program_for_each():
    pytest.importorskip("jax")
    import jax.numpy as jnp

    @al.register
    @al.loss(pure=True)
    def one_sided_error(prediction, target, *, side=1.0):
        error = prediction - target if side > 0 else target - prediction
        return error * (error > 0)

    x, y = jnp.asarray([1.0, -3.0]), jnp.zeros(2)
    assert [float(one_sided_error(x, y, side=side, reduction="sum")) for side in (1.0, -1.0, 2.0)] == [1.0, 3.0, 1.0]


def _tensors(torch, case, size, seed, dtype="float32"):
    return [torch.tensor(x) for x in case.of_batch(size, seed, dtype)]


def _check_exported(torch, case, count=None):
    """The first `count` arrays of a loss, along the batch of which any length is allowed, give the eager loss."""

    class Model(torch.nn.Module):
        def forward(self, *given):
            return case.loss(*given)

    batch = torch.export.Dim("batch", min=2)
    dynamic = tuple({} if axis is None else {axis: batch} for axis in case.batch_axes()[:count])
    first = tuple(_tensors(torch, case, 4, 0)[:count])
    program = torch.export.export(Model(), first, dynamic_shapes=(dynamic,)).module()
    for size in (2, 37, 300):
        given = _tensors(torch, case, size, 1)[:count]
        expected = case.loss(*given)
        assert bool(expected.isfinite())
        torch.testing.assert_close(program(*given), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.backend("torch")
@pytest.mark.parametrize("case", DEFAULTS, ids=str)
def test_an_exported_program_takes_any_batch(case):
    _check_exported(pytest.importorskip("torch"), case)


@pytest.mark.slow
@pytest.mark.every_loss
@pytest.mark.backend("torch")
@pytest.mark.parametrize("case", OTHERS, ids=str)
def test_an_exported_program_takes_any_batch_of_coupled_items(case):
    _check_exported(pytest.importorskip("torch"), case)


@pytest.mark.backend("torch")
@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("lovasz_hinge", {"per_image": False}, None),
        ("lovasz_softmax", {"per_image": False}, None),
        ("ctc", {}, 2),
        ("transducer", {}, 2),
        ("lifted_structure", {"reduction": "sum"}, None),
    ],
)
def test_an_exported_program_takes_any_batch_in_another_form(name, settings, count):
    torch = pytest.importorskip("torch")
    _check_exported(torch, Case(name, getattr(al, name).loss_class(**settings)), count)


@pytest.mark.slow
@pytest.mark.backend("torch")
@pytest.mark.parametrize("case", [*CASES, *OF_BATCHES, *[case for case in OTHERS if case not in OF_BATCHES]], ids=str)
def test_a_program_for_any_batch_has_the_eager_gradient(case):
    torch = pytest.importorskip("torch")
    torch._dynamo.reset()
    compiled = torch.compile(lambda *given: case.loss(*given), fullgraph=True, backend="aot_eager", dynamic=True)
    for size in (4, 7):
        arrays = _tensors(torch, case, size, size, "float64")
        results = []
        for run in (compiled, case.loss):
            first = arrays[0].clone().requires_grad_()
            value = run(first, *arrays[1:])
            results.append((value.detach(), *torch.autograd.grad(value, first)))
        for x, y in zip(*results, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("name", ["triplet_batch_hard", "siglip"])
def test_torch_compiles_anew_beyond_a_limit_of_lengths(name, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(norms, "DIFFERENCES", 500)
    monkeypatch.setattr(projection, "SCORES", 50)
    case = next(case for case in OTHERS if case.name == name)
    torch._dynamo.reset()
    compiled = torch.compile(lambda *given: case.loss(*given), fullgraph=True, backend="aot_eager", dynamic=True)
    for size in (4, 7, 20, 30):
        arrays = _tensors(torch, case, size, size, "float64")
        torch.testing.assert_close(compiled(*arrays), case.loss(*arrays), rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.backend("jax")
@pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)
def test_a_program_that_jax_exports_takes_any_batch(case):
    jax = pytest.importorskip("jax")
    from jax import export

    (batch,) = export.symbolic_shape("batch")
    axes, taken = case.batch_axes(), []
    for x, axis in zip(map(jax.numpy.asarray, case.of_batch(4)), axes, strict=True):
        shape = tuple([batch if k == axis else n for k, n in enumerate(x.shape)])
        taken.append(jax.ShapeDtypeStruct(shape, x.dtype))
    program = export.export(jax.jit(lambda *given: case.loss(*given)))(*taken)
    for size in (2, 37):
        given = [jax.numpy.asarray(x) for x in case.of_batch(size, 1)]
        np.testing.assert_allclose(program.call(*given), case.loss(*given), rtol=1e-5, atol=1e-6)
