"""Optax's losses here beside Optax's own, in value and gradient, on the arrays of several libraries."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.dialects import optax as ours

from .optax_calls import CALLS, Call, distribution, probability, real

jax = pytest.importorskip("jax")
torch = pytest.importorskip("torch")
theirs = pytest.importorskip("optax").losses

LIBRARIES = {"numpy": np.asarray, "torch": torch.tensor, "jax": jax.numpy.asarray}

DEPRECATED = "ignore:.*convex_kl_divergence:DeprecationWarning"

TOGETHER = 16
"""Calls of a function that JAX compiles as one program, which takes less time than as many."""


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "calls" not in metafunc.fixturenames:
        return
    sweep = metafunc.config.getoption("--sweep")
    chosen: dict[str, list[Call]] = {}
    for call in CALLS:
        if call.due or sweep:
            chosen.setdefault(call.name, []).append(call)
    given = []
    for of_one in chosen.values():
        for k in range(0, len(of_one), TOGETHER):
            calls = tuple(of_one[k : k + TOGETHER])
            # JAX compiles ours too: without --sweep, what is at the defaults and what lays arrays out anew.
            compiled = (
                calls if sweep else tuple(c for c in calls if not c.options or {"where", "axis"} & c.options.keys())
            )
            for library in LIBRARIES:
                of_library = compiled if library == "jax" else calls
                given += [pytest.param(c, library, calls, of_library, id=f"{c}-{library}") for c in of_library]
    metafunc.parametrize(("call", "library", "calls", "of_library"), given)


def converted(library: str, x: Any, dtype: str = "float64") -> Any:
    """An argument as one of the library, with floating numbers in `dtype`."""
    if not isinstance(x, np.ndarray):
        return x
    return LIBRARIES[library](x.astype(dtype) if x.dtype.kind == "f" else x)


def computing(module: Any, call: Call, library: str) -> Callable[[], tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """A call, and the gradients of a weighted sum of its first result."""
    arguments, keywords = call.arguments()
    given = [converted(library, x) for x in arguments]
    settings = {key: converted(library, x) for key, x in keywords.items()}
    function = functools.partial(getattr(module, call.name), **settings)
    floating = [k for k, x in enumerate(arguments) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    argnums = tuple(k for k in call.argnums if k in floating)
    if module is theirs and call.name.startswith("cosine"):
        function = of_one_shape(function)
    upstream = converted(library, np.random.default_rng(1).uniform(0.5, 1.5, size=64))

    def total(*arrays: Any) -> Any:
        results = several(function(*arrays))
        weight = upstream[: int(np.prod(results[0].shape))].reshape(results[0].shape)
        return (results[0] * weight).sum(), results

    if library == "jax":
        gradient = jax.grad(total, argnums, has_aux=True)
        return lambda: gradient(*given)[::-1]
    return lambda: (total(*given)[1], al.grad(lambda *arrays: total(*arrays)[0], argnums)(*given))


def of_one_shape(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of vectors, without the norm that Optax takes of one before it broadcasts it."""
    return lambda x, y: function(*jax.numpy.broadcast_arrays(x, y))


def several(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def compiled(module: Any, calls: tuple[Call, ...]) -> dict[Call, Any]:
    """What several calls give on JAX, as one program; Optax's that look at values one by one."""
    looking = [call for call in calls if module is theirs and call.options.get("apply_softmax") is False]
    others = [call for call in calls if call not in looking]
    program = jax.jit(lambda: [computing(module, call, "jax")() for call in others])
    return dict(zip(others, program(), strict=True)) | {call: computing(module, call, "jax")() for call in looking}


expected = functools.cache(functools.partial(compiled, theirs))
on_jax = functools.cache(functools.partial(compiled, ours))


@pytest.mark.filterwarnings(DEPRECATED)
def test_a_call_gives_optax_s_own_value_and_gradient(call, library, calls, of_library):
    results, gradients = expected(calls)[call]
    found, by_arrays = on_jax(of_library)[call] if library == "jax" else computing(ours, call, library)()
    for x, wanted in zip(found, results, strict=True):
        assert type(x) is type(LIBRARIES[library](0.0)) or library == "numpy"
        x, wanted = al.to_numpy(x), floored(call, np.asarray(wanted))
        assert (x.dtype, x.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(x, wanted, rtol=1e-9, atol=1e-11)
    for x, wanted in zip(by_arrays, gradients, strict=True):
        x, wanted = al.to_numpy(x), np.asarray(wanted)
        assert np.isfinite(x).all()
        if "where" in call.options:
            # Optax's gradient by a label that `where` leaves out is 0 times infinity, in a sum with others too.
            wanted = np.where(np.isnan(wanted), x if "Broadcast" in call.options else 0.0, wanted)
        np.testing.assert_allclose(x, wanted, rtol=1e-7, atol=1e-10)


def floored(call: Call, x: np.ndarray) -> np.ndarray:
    """Where Optax adds to the logarithm that stands for that of 0, or goes on beyond the labels, ours is that alone."""
    if call.name != "ctc_loss_with_forward_probs" or x.ndim == 1:
        return x
    least = call.options.get("log_epsilon", -1e5)
    lengths = np.sum(call.arguments()[0][3] == 0, axis=-1)
    labels = np.arange(x.shape[-1]) - (x.shape[-1] - 3)  # of which the first blank comes before
    return np.where((x < 0.9 * least) | (labels >= lengths[:, None]), least, x)


# Names and parameters


def test_it_has_all_public_functions_of_optax_with_their_parameters():
    names = {name for name, x in vars(theirs).items() if not name.startswith("_") and inspect.isfunction(x)}
    assert set(ours.__all__) == names
    for name in names:
        mine, other = (list(inspect.signature(getattr(x, name)).parameters.values()) for x in (ours, theirs))
        assert [(p.name, p.kind) for p in mine] == [(p.name, p.kind) for p in other]
        for a, b in zip(mine, other, strict=True):
            assert a.default == b.default or a.name == "reduce_fn"
    assert {call.name for call in CALLS} == names - {"make_fenchel_young_loss"}


# dtypes and libraries

HALVES = [("torch", "bfloat16"), ("torch", "float16"), ("jax", "bfloat16"), ("numpy", "float16")]

OF_JAX = ("huber_loss", "softmax_cross_entropy", "cosine_distance", "dice_loss", "ranking_softmax_loss")
"""Those that are compiled in half precision; what changes the dtype is the same for all."""


@pytest.mark.filterwarnings(DEPRECATED, "ignore:overflow encountered in cast:RuntimeWarning")
@pytest.mark.parametrize(("library", "dtype"), HALVES)
def test_half_precision_comes_back_in_its_own_dtype(library, dtype):
    for call in CALLS:
        if call.options or not call.due or (library == "jax" and call.name not in OF_JAX):
            continue
        arguments, _ = call.arguments()
        floating = [isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in arguments]
        given = [converted(library, x) for x in arguments]
        narrow = [in_dtype(x, dtype) if is_floating else x for x, is_floating in zip(given, floating, strict=True)]
        wide = [in_dtype(x, "float32") if is_floating else x for x, is_floating in zip(narrow, floating, strict=True)]
        found, wanted = (several(getattr(ours, call.name)(*arrays)) for arrays in (narrow, wide))
        for x, y in zip(found, wanted, strict=True):
            assert str(x.dtype).endswith(dtype), call.name
            assert str(y.dtype).endswith("float32"), call.name
            x, y = (np.asarray(al.to_numpy(z), dtype="float64") for z in (x, y))
            y = np.where(y < -60_000, -np.inf if dtype == "float16" else y, y)
            np.testing.assert_allclose(x, y, rtol=1e-2, atol=1e-3, err_msg=call.name)


def in_dtype(x: Any, dtype: str) -> Any:
    return x.to(getattr(torch, dtype)) if isinstance(x, torch.Tensor) else x.astype(dtype)


def test_arrays_of_numpy_follow_those_of_jax_and_numbers_any():
    logits, labels = np.asarray([[2.0, 0.0, 1.0]]), np.asarray([2])
    for given in ((jax.numpy.asarray(logits), labels), (logits, jax.numpy.asarray(labels))):
        found = ours.softmax_cross_entropy_with_integer_labels(*given)
        assert isinstance(found, jax.Array)
        np.testing.assert_allclose(found, theirs.softmax_cross_entropy_with_integer_labels(logits, labels))
    compiled = jax.jit(lambda x: ours.softmax_cross_entropy(x, np.eye(3)[labels], where=np.asarray([True])))
    np.testing.assert_allclose(compiled(logits), theirs.softmax_cross_entropy(logits, np.eye(3)[labels]))
    for library in LIBRARIES:
        found = ours.huber_loss(converted(library, logits, "float32"), 1)
        np.testing.assert_allclose(found, theirs.huber_loss(logits, 1.0))
        assert str(found.dtype).endswith("float32")
    with pytest.raises(TypeError, match="al.convert"):
        ours.softmax_cross_entropy_with_integer_labels(torch.tensor(logits), labels)


BY_VMAP = {
    "softmax_cross_entropy_with_integer_labels": {"axis": 0},
    "kl_divergence": {"axis": None},
    "cosine_distance": {"epsilon": 0.5},
    "triplet_margin_loss": {"norm_degree": 2},
    "sigmoid_focal_loss": {"alpha": 0.25},
}


@pytest.mark.parametrize("name", BY_VMAP)
def test_vmap_of_items_is_the_batch(name):
    call = next(call for call in CALLS if call.name == name and not call.options and len(call.shape) in (2, 3))
    arguments, _ = call.arguments()
    if name.endswith("labels"):
        arguments = [np.moveaxis(arguments[0], -1, 0), arguments[1]]
    stacked = [jax.numpy.asarray(np.stack([x, x[::-1]])) for x in arguments]
    settings = BY_VMAP[name]
    mine, other = (functools.partial(getattr(module, name), **settings) for module in (ours, theirs))
    found = jax.jit(jax.vmap(mine))(*stacked)
    wanted = jax.jit(lambda *arrays: [other(*[x[k] for x in arrays]) for k in range(2)])(*stacked)
    np.testing.assert_allclose(found, np.stack(wanted), rtol=1e-9)


def test_torch_s_compiler_traces_a_call_without_a_break():
    def total(logits, labels, where):
        return (
            ours.softmax_cross_entropy(logits, labels, where=where).sum()
            + ours.cosine_distance(logits, labels, epsilon=0.5).sum()
        )

    rng = np.random.default_rng(0)
    logits, labels = torch.tensor(real(rng, (3, 4))), torch.tensor(distribution(rng, (3, 4)))
    where = torch.tensor([[True, False, True, True]])
    compiled = torch.compile(total, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(logits, labels, where), total(logits, labels, where))


# What departs from Optax, line by line of the table


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_row_without_any_class_costs_nothing(library):
    rng = np.random.default_rng(0)
    where = np.asarray([[True, True, False], [False, False, False]])
    given = [converted(library, x) for x in (real(rng, (2, 3)), distribution(rng, (2, 3)))]
    keep = converted(library, where)
    for name in ("softmax_cross_entropy", "poly_loss_cross_entropy", "kl_divergence", "generalized_kl_divergence"):
        function = functools.partial(getattr(ours, name), where=keep)
        value = al.to_numpy(function(*given))
        assert value[0] != 0
        assert value[1] == 0
        gradient = al.to_numpy(al.grad(lambda x, f=function: f(x, given[1]).sum())(given[0]))
        assert np.isfinite(gradient).all()
        assert not gradient[~where].any()
    losses = ours.ranking_softmax_loss(*given, where=keep, reduce_fn=None)
    assert al.to_numpy(losses)[1] == 0
    assert float(ours.ranking_softmax_loss(*given, where=keep)) == pytest.approx(float(losses[0]))
    assert float(ours.ranking_softmax_loss(*given, where=keep & False)) == 0


def test_a_label_that_is_no_class_is_refused_or_nan():
    scores, labels = real(np.random.default_rng(0), (2, 3)), np.asarray([1, -1])
    for name in ("softmax_cross_entropy_with_integer_labels", "multiclass_hinge_loss", "multiclass_perceptron_loss"):
        function = getattr(ours, name)
        with pytest.raises(
            ValueError, match=r"`labels` must lie in \[0, 3\) for 3 classes, got -1($|; `where` leaves)"
        ):
            function(scores, labels)
        found = np.asarray(function(jax.numpy.asarray(scores), jax.numpy.asarray(labels)))
        assert np.isnan(found).tolist() == [False, True]
        assert np.isfinite(np.asarray(getattr(theirs, name)(scores, labels))).all()


def test_what_optax_makes_nan_is_the_limit():
    logits, hard = np.asarray([[1.0, 0.0, -np.inf]]), np.asarray([[1.0, 0.0, 0.0]])
    zeros = np.zeros((1, 3))
    rng = np.random.default_rng(0)
    pairs = [
        ("softmax_cross_entropy", (logits, hard), np.log1p(np.exp(-1.0))),
        ("kl_divergence", (logits, hard), -1.0),
        ("kl_divergence_with_log_targets", (logits, logits), 0.0),
        ("cosine_similarity", (hard, zeros), 0.0),
        ("cosine_distance", (hard, zeros), 1.0),
        ("sigmoid_binary_cross_entropy", (np.asarray([np.inf]), np.asarray([1.0])), 0.0),
        ("ntxent", (real(rng, (3, 2)), np.arange(3)), 0.0),
    ]
    for name, arrays, limit in pairs:
        np.testing.assert_allclose(getattr(ours, name)(*arrays), limit, err_msg=name, atol=1e-15)
        assert np.isnan(np.asarray(jax.jit(getattr(theirs, name))(*map(jax.numpy.asarray, arrays)))).all(), name
    gradient = al.grad(lambda q, p: ours.kl_divergence(q, p).sum(), 1)(np.log(distribution(rng, (1, 3))), hard)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("degree", [1, 1.5, 3])
def test_a_norm_of_odd_degree_is_one(degree):
    rng = np.random.default_rng(0)
    anchors, positives, negatives = (real(rng, (4, 3)) for _ in range(3))
    lengths = [(np.sum(np.abs(anchors - x) ** degree, axis=-1) + 1e-6) ** (1 / degree) for x in (positives, negatives)]
    wanted = np.maximum(lengths[0] - lengths[1] + 1.0, 0.0)
    found = ours.triplet_margin_loss(anchors, positives, negatives, norm_degree=degree)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    other = np.asarray(theirs.triplet_margin_loss(anchors, positives, negatives, norm_degree=degree))
    assert not np.allclose(other, wanted)


def test_the_cosh_of_a_small_error_keeps_its_digits():
    error = np.asarray([1e-6], dtype="float32")
    np.testing.assert_allclose(ours.log_cosh(error), 5e-13, rtol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_labels_without_an_alignment_cost_the_least_logarithm(library):
    logits = real(np.random.default_rng(0), (2, 2, 4))
    labels, none = np.asarray([[1, 1], [1, 0]]), np.zeros((2, 2))
    given = [converted(library, x) for x in (logits, none, labels, none)]
    both = al.value_and_grad(lambda x: ours.ctc_loss(x, *given[1:], log_epsilon=-50.0).sum())
    value, gradient = (jax.jit(both) if library == "jax" else both)(given[0])
    assert float(value) == 100.0
    assert not al.to_numpy(gradient).any()


@pytest.mark.backend("dask")
def test_paddings_anywhere_leave_out_frames_of_dask():
    dask = pytest.importorskip("dask.array")
    rng = np.random.default_rng(0)
    logits, labels, label_paddings = real(rng, (2, 5, 4)), np.asarray([[1, 2], [3, 1]]), np.zeros((2, 2))
    logit_paddings = np.asarray([[0, 1, 0, 0, 1], [1, 0, 0, 0, 0]])
    given = (logits, logit_paddings, labels, label_paddings)
    lazy = [dask.from_array(x, chunks=(1, *x.shape[1:])) for x in given]
    wanted = jax.jit(theirs.ctc_loss)(*given)
    np.testing.assert_allclose(ours.ctc_loss(*lazy).compute(), wanted, rtol=1e-9)


def test_probabilities_of_regions_need_not_be_a_softmax_and_are_taken_by_a_compiler():
    rng = np.random.default_rng(0)
    p, t = probability(rng, (2, 5, 3)), (probability(rng, (2, 5, 3)) < 0.5).astype("float64")
    product, sums = (p * t).sum(1), p.sum(1) + t.sum(1)
    wanted = np.mean(1 - (product + 1.0) / (0.5 * sums + 1.0), axis=-1)
    found = jax.jit(functools.partial(ours.dice_loss, apply_softmax=False))(p, t)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    product, sums = (p * t).sum(-1), p.sum(-1) + t.sum(-1)
    wanted = np.mean(1 - (product + 1.0) / (0.5 * sums + 1.0), axis=-1)
    found = [ours.binary_dice_loss(p[:, k], t[:, k], apply_sigmoid=False) for k in range(5)]
    np.testing.assert_allclose(np.mean(found, axis=0), wanted, rtol=1e-12)
    with pytest.raises(ValueError, match="must leave the class axis 2"):
        ours.dice_loss(p, t, axis=-1)


def test_the_classes_of_an_image_have_one_softmax_however_large_it_is():
    rng = np.random.default_rng(0)
    p, t = real(rng, (2, 1 << 15, 32)), distribution(rng, (2, 1 << 15, 32))
    wanted = theirs.dice_loss(p, t, reduction="none")
    for array in (np.asarray, torch.tensor):
        np.testing.assert_allclose(ours.dice_loss(array(p), array(t), reduction="none"), wanted, rtol=1e-9)
    p, t, weights = p[:, :3, :4], t[:, :3, :4], (1.0, 2.0, 0.5, 3.0)

    def of_one(x, k):
        moved = jax.numpy.asarray(p).reshape(-1).at[k].set(x).reshape(p.shape)
        return jax.numpy.sum(theirs.dice_loss(moved, t, reduction="none", class_weights=jax.numpy.asarray(weights)))

    second = [jax.grad(jax.grad(of_one))(p.flat[k], k) for k in range(p.size)]
    loss = al.get("optax.dice_loss", over_classes="none", class_weights=weights, reduction="sum")
    np.testing.assert_allclose(al.value_grad_hess(loss)(p, t)[2].ravel(), second, rtol=1e-9)


REFUSED = [
    ("huber_loss", {"delta": 0.0}, "`delta` must be above 0"),
    ("sigmoid_focal_loss", {"gamma": -1.0}, "`gamma` must be at least 0"),
    ("triplet_margin_loss", {"margin": -1.0}, "`margin` must be at least 0"),
    ("poly_loss_cross_entropy", {"epsilon": -2.0}, "`epsilon` must lie in"),
    ("triplet_margin_loss", {"norm_degree": 0.0}, "`norm_degree` must be above 0"),
    ("softmax_cross_entropy", {"axis": (0, 0)}, "`axis` must name axes of an array that has 2, each once"),
    ("softmax_cross_entropy", {"axis": (0, 2)}, "`axis` must name axes of an array that has 2"),
    ("dice_loss", {"reduction": "max"}, "`reduction` must be one of"),
]


@pytest.mark.parametrize(("name", "settings", "message"), REFUSED)
def test_a_setting_out_of_its_domain_is_refused(name, settings, message):
    x = distribution(np.random.default_rng(0), (2, 3))
    with pytest.raises(ValueError, match=f"^{message}"):
        getattr(ours, name)(*[x] * (3 if name.startswith("triplet") else 2), **settings)


def test_dtypes_that_cannot_be_meant_are_refused():
    x = distribution(np.random.default_rng(0), (2, 3))
    integers = x.astype("int64")
    for name in ("squared_error", "hinge_loss", "softmax_cross_entropy", "kl_divergence", "cosine_similarity"):
        with pytest.raises(TypeError, match="floating"):
            getattr(ours, name)(integers, x)
    for name in ("kl_divergence", "poly_loss_cross_entropy", "cosine_similarity"):
        with pytest.raises(TypeError, match="must have a floating dtype, got int64"):
            getattr(ours, name)(x, integers)
    with pytest.raises(TypeError, match="`labels` must hold integer labels, got float64"):
        ours.softmax_cross_entropy_with_integer_labels(x, x)
    with pytest.raises(TypeError, match="`where` must have dtype bool, got float64"):
        ours.kl_divergence(x, x, where=x)
    with pytest.raises(ValueError, match=r"one shape, got `predictions` \(2, 3\), `targets`"):
        ours.squared_error(x, x[0])
    with pytest.raises(ValueError, match="`logit_paddings` must have one number for each place of `logits`"):
        ours.ctc_loss(np.zeros((2, 5, 3)), np.zeros((2, 4)), np.ones((2, 2), dtype=int), np.zeros((2, 2)))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["multiclass_hinge_loss", "multiclass_perceptron_loss"])
def test_a_label_may_be_a_number(library, name):
    scores = real(np.random.default_rng(0), (4,))
    found = getattr(ours, name)(converted(library, scores), 1)
    np.testing.assert_allclose(al.to_numpy(found), getattr(theirs, name)(jax.numpy.asarray(scores), 1), rtol=1e-6)
    one = ours.softmax_cross_entropy_with_integer_labels(converted(library, scores), 1)
    np.testing.assert_allclose(al.to_numpy(one), np.log(np.exp(scores).sum()) - scores[1], rtol=1e-6)


# The factory


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_fenchel_young_loss_is_made_of_a_maximum(library):
    def maximum(scores, scale=1.0):
        xp = al.array_namespace(scores)
        return scale * xp.log(xp.sum(xp.exp(scores / scale)))

    rng = np.random.default_rng(0)
    scores, targets = real(rng, (2, 3, 4)), distribution(rng, (2, 3, 4))
    loss = ours.make_fenchel_young_loss(maximum)
    given = [converted(library, x) for x in (scores, targets)]
    for settings in ({}, {"scale": 2.0}):
        # Optax drops the keywords of a call.
        other = theirs.make_fenchel_young_loss(functools.partial(maximum, **settings))
        np.testing.assert_allclose(al.to_numpy(loss(*given, **settings)), other(scores, targets), rtol=1e-12)
        gradient = al.grad(lambda x, s=settings: loss(x, given[1], **s).sum())(given[0])
        wanted = jax.grad(lambda x, f=other: f(x, targets).sum())(jax.numpy.asarray(scores))
        np.testing.assert_allclose(al.to_numpy(gradient), wanted, rtol=1e-9, atol=1e-12)
