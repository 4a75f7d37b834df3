"""Every row of the table of bad inputs, on every backend to which it applies: one clear line, and nothing guessed."""

from __future__ import annotations

import inspect
import itertools
import math
import pydoc
import re

import numpy as np
import pytest

import arraylosses as al
from arraylosses.data import draw

from .cases import CLASSES, DEFAULTS, OTHERS
from .variants import VARIANTS, importable

default_cases = pytest.mark.parametrize("case", DEFAULTS, ids=str)
all_cases = pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)


CLASS_LOSSES = [case for case in DEFAULTS if case.loss.declaration.domains[-1] == "class" and not case.soft]
class_losses = pytest.mark.parametrize("case", CLASS_LOSSES, ids=str)


def other_library(variant):
    names = [v for v in VARIANTS if v.name in ("numpy", "torch", "jax", "strict") and v.backend != variant.backend]
    return next(v for v in names if not importable(v.option))


@default_cases
def test_arrays_of_two_libraries_are_refused_by_name(variant, case):
    if variant.name == "numpy-readonly" or (
        variant.backend == "numpy" and importable("torch") and importable("jax") and importable("strict")
    ):
        pytest.skip("needs a second library")
    other = other_library(variant)
    arrays = case.inputs(dtype="float32")
    with other.active():
        foreign = other.array(arrays[1])
    names = case.loss.array_names
    pattern = (
        f"`{names[0]}` of {variant.title}, `{names[1]}` of {other.title}.*"
        r"al\.convert\(x, like=y\)"
    )
    given = [variant.array(arrays[0]), foreign, *map(variant.array, arrays[2:])]
    with pytest.raises(TypeError, match=pattern):
        case.loss(*given)
    with pytest.raises(TypeError, match=f"`weight` of {other.title}"):
        case.loss(*map(variant.array, arrays), weight=foreign)


@pytest.mark.parametrize("value", [[1.0, 2.0], (1.0,), 1.0, 3, None, "text"], ids=repr)
def test_what_is_no_array_is_refused(variant, value):
    x = variant.array(np.zeros(2, dtype="float32"))
    for given, name in (((value, x), "prediction"), ((x, value), "target")):
        with pytest.raises(
            TypeError, match=f"`{name}` must be an array of NumPy, PyTorch, JAX.*got {type(value).__name__}"
        ):
            al.huber(*given)
    if value is not None:
        with pytest.raises(TypeError, match="`weight` must be an array"):
            al.huber(x, x, weight=value)
        with pytest.raises(TypeError, match="`where` must be an array"):
            al.huber(x, x, where=value)


def test_the_number_of_arrays_is_checked():
    x = np.zeros(2)
    with pytest.raises(TypeError, match="takes 2 arrays, `prediction`, `target`; got 3"):
        al.Huber()(x, x, x)
    with pytest.raises(TypeError, match="takes 3 arrays"):
        al.MarginRanking()(x, x)
    with pytest.raises(TypeError, match="`prediction` is given more than once; Huber takes it in its place"):
        al.Huber()(x, prediction=x)
    with pytest.raises(TypeError, match="`predicted` is no argument of a call of Huber; did you mean 'prediction'"):
        al.Huber()(x, predicted=x)


@pytest.mark.parametrize("backend", [pytest.param(b, marks=pytest.mark.backend(b)) for b in ("strict", "torch", "jax")])
def test_arrays_on_two_devices_are_refused(backend):
    if backend == "strict":
        import array_api_strict as xp

        here, there = (xp.asarray([1.0], device=xp.Device(d)) for d in ("CPU_DEVICE", "device1"))
        names = "CPU_DEVICE", "device1"
    elif backend == "torch":
        import torch

        here, there = torch.zeros(1), torch.zeros(1, device="meta")
        names = "cpu", "meta"
    else:
        import jax

        if len(jax.devices()) < 2:
            pytest.skip("JAX started before it was given two devices")
        here, there = (jax.device_put(np.zeros(1, "float32"), d) for d in jax.devices()[:2])
        names = str(jax.devices()[0]), str(jax.devices()[1])
    with pytest.raises(
        ValueError, match=rf"one device, got `prediction` on .*{names[0]}.* and `target` on .*{names[1]}"
    ):
        al.squared_error(here, there)
    with pytest.raises(ValueError, match="`weight` on"):
        al.squared_error(here, here, weight=there)


@default_cases
def test_shapes_that_do_not_fit_are_all_named(variant, case):
    arrays = case.inputs(dtype=variant.dtypes[-1])
    short = [variant.array(x[:2]) for x in arrays]
    names = case.loss.array_names
    kinds = (ValueError, TypeError) if case.soft else ValueError
    with pytest.raises(kinds, match=rf"`{names[0]}`.*\(4, .*\({2}, "):
        case.loss(variant.array(arrays[0]), *short[1:])


def test_a_column_beside_a_row_is_an_error_that_says_how_to_mend_it(variant):
    column, row = (variant.array(np.zeros(shape, "float32")) for shape in ((3, 1), (3,)))
    pattern = r"`prediction` \(3, 1\), `target` \(3,\); drop the axis of length 1, as in `prediction\[\.\.\., 0\]`"
    with pytest.raises(ValueError, match=pattern):
        al.squared_error(column, row)
    pattern = (
        r"`prediction` \(3,\), `target` \(3, 1\); drop .*`target\[\.\.\., 0\]`, or add it, `prediction\[\.\.\., None\]`"
    )
    with pytest.raises(ValueError, match=pattern):
        al.squared_error(row, column)


def test_weight_and_where_broadcast_in_one_direction_only(variant):
    x = variant.array(np.zeros((3, 2), "float32"))
    for shape in ((3,), (2, 3, 2), (1, 3, 2), (4, 2)):
        weight = variant.array(np.ones(shape, "float32"))
        with pytest.raises(ValueError, match=r"`weight` must broadcast to the per-item loss, shape \(3, 2\), got"):
            al.huber(x, x, weight=weight)
        where = variant.array(np.ones(shape, bool))
        with pytest.raises(ValueError, match=r"`where` must broadcast to the per-item loss, shape \(3, 2\), got"):
            al.huber(x, x, where=where)
    with pytest.raises(TypeError, match="`where` must have dtype bool, got float32"):
        al.huber(x, x, where=x)


BROADCASTS = [
    ((3, 2), (3,), "[:, None]"),
    ((2, 3, 4), (2,), "[:, None, None]"),
    ((2, 3, 4), (3,), "[:, None]"),
    ((2, 3, 4), (2, 3), "[:, :, None]"),
    ((4,), (4, 1), "[..., 0]"),
]


@pytest.mark.parametrize(("items", "shape", "index"), BROADCASTS, ids=str)
def test_the_hint_at_an_index_works_when_it_is_followed(variant, items, shape, index):
    x = variant.array(np.arange(math.prod(items), dtype="float32").reshape(items))
    for name, dtype in (("weight", "float32"), ("where", "bool")):
        given = variant.array(np.ones(shape, dtype))
        with pytest.raises(
            ValueError, match=rf"(?m){re.escape(f'got {shape}; ')}.*, as in `{name}{re.escape(index)}`$"
        ):
            al.huber(x, x, **{name: given})
        al.huber(x, x, **{name: eval(f"given{index}", {"given": given})})


@pytest.mark.parametrize("listed", [False, True], ids=["array", "list"])
def test_the_hint_at_the_axis_of_pos_weight_works_when_it_is_followed(variant, listed):
    x = variant.array(np.zeros((2, 3, 4, 5), "float32"))
    pos_weight = [1.0, 2.0, 4.0] if listed else variant.array(np.asarray([1.0, 2.0, 4.0], "float32"))
    with pytest.raises(
        ValueError, match=r"got shape \(3,\); add an axis, as in `(.*)\[:, None, None\]`(?:\n|$)"
    ) as caught:
        al.binary_cross_entropy(x, x + 1, pos_weight=pos_weight)
    hint = re.search("`([^`]*)`$", str(caught.value)).group(1)
    followed = eval(hint, {"np": np, "pos_weight": pos_weight})
    got = variant.numpy(al.binary_cross_entropy(x, x + 1, pos_weight=followed, reduction="none"))
    np.testing.assert_allclose(got[0, :, 0, 0], np.log(2) * np.asarray([1.0, 2.0, 4.0]), rtol=1e-6)


@class_losses
def test_a_weight_of_classes_is_told_from_one_of_items(variant, case):
    z, y = (variant.array(x) for x in case.inputs(shape=(4,), dtype="float32"))
    with pytest.raises(ValueError, match=r"(?m)got \(5,\); `class_weight` has one number a class$"):
        case.loss(z, y, weight=variant.array(np.ones(5, "float32")))


@pytest.mark.parametrize(
    ("dtype", "said"), [("int32", "int32; convert it"), ("bool", "bool"), ("complex64", "complex64")]
)
def test_a_prediction_that_is_not_floating_is_refused(variant, dtype, said):
    if variant.backend == "strict" and dtype == "complex64":
        pytest.skip("array_api_strict knows complex numbers as any library does")
    x, t = variant.array(np.ones(3, dtype)), variant.array(np.ones(3, "float32"))
    with pytest.raises(TypeError, match=f"`prediction` must have a floating dtype, got {said}"):
        al.huber(x, t)
    rows, labels = variant.array(np.ones((3, 2), dtype)), variant.array(np.zeros(3, "int32"))
    with pytest.raises(TypeError, match=f"`logits` must have a floating dtype, got {said}"):
        al.cross_entropy(rows, labels)


def test_a_complex_target_or_weight_is_refused(variant):
    x = variant.array(np.ones(3, "float32"))
    z = variant.array(np.ones(3, "complex64"))
    with pytest.raises(TypeError, match="`target` must hold real numbers, got complex64"):
        al.huber(x, z)
    with pytest.raises(TypeError, match="`weight` must hold real numbers, got complex64"):
        al.huber(x, x, weight=z)


FITTING = [
    ((5,), (), -1),
    ((4, 5), (4,), -1),
    ((2, 5, 3, 3), (2, 3, 3), 1),
    ((2, 3, 3, 5), (2, 3, 3), -1),
    ((5, 4), (4,), 0),
]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@class_losses
@pytest.mark.parametrize(("dtype", "layout"), list(zip(INTEGERS, itertools.cycle(FITTING))), ids=str)
def test_labels_of_any_integer_dtype_and_every_layout(variant, case, dtype, layout):
    rows, labels, axis = layout
    if variant.dtypes == ("float32",) and dtype.endswith("64"):
        pytest.skip("JAX without x64 has no 64 bits")
    if variant.name in ("jax-jit", "jax-jit-32") and dtype not in ("int8", "uint32"):
        pytest.skip("two dtypes stand for all where each is compiled")
    if variant.backend == "torch" and dtype in ("uint16", "uint32", "uint64"):
        pytest.importorskip("torch", minversion="2.4", reason="older ones have no such dtype")
    rng = np.random.default_rng(0)
    z = rng.normal(size=rows).astype("float32")
    if "log_distribution" in case.loss.declaration.domains:
        z = -np.abs(z)
    y = rng.integers(0, 5, size=labels)
    loss = type(case.loss)(axis=axis, reduction="none")
    got = variant.numpy(variant.run(loss, variant.array(z), variant.array(y.astype(dtype))))
    assert got.shape == labels
    np.testing.assert_allclose(got, loss(z.astype("float64"), y), rtol=2e-5, atol=1e-6)


WRONG = [
    pytest.param((4, 5), (3,), -1, r"shape \(4,\).*got \(3,\)", id="another-length"),
    pytest.param((4, 5), (4, 1), -1, r"shape \(4,\).*got \(4, 1\); drop .*`labels\[\.\.\., 0\]`", id="column"),
    pytest.param((4, 5), (4, 5), -1, r"shape \(4,\).*one-hot target must have a floating dtype", id="integer-one-hot"),
    pytest.param((2, 5, 3, 3), (2, 3, 3), -1, r"shape \(2, 5, 3\).*the labels would fit axis=1", id="wrong-axis"),
    pytest.param((4, 5), (), -1, r"shape \(4,\).*got \(\)", id="batch-with-one-label"),
    pytest.param((5,), (1,), -1, r"shape \(\).*got \(1,\); drop", id="row-with-a-batch-of-one"),
    pytest.param((5,), (5,), -1, r"shape \(\).*got \(5,\); a one-hot", id="row-with-integer-one-hot"),
]


@class_losses
@pytest.mark.parametrize(("rows", "labels", "axis", "message"), WRONG)
def test_labels_of_a_wrong_shape_are_told_the_right_one(variant, case, rows, labels, axis, message):
    z = variant.array(np.zeros(rows, "float32"))
    y = variant.array(np.zeros(labels, "int32"))
    with pytest.raises(ValueError, match=f"`labels` must have one label an item, {message}"):
        type(case.loss)(axis=axis)(z, y)


OF_PLACES = [
    cls
    for cls in (getattr(al, name) for name in al.losses.__all__)
    if {"class", "level"} & {*cls().declaration.domains}
]


@pytest.mark.otherwise_numpy
@pytest.mark.parametrize("cls", OF_PLACES)
def test_a_label_that_is_no_class_gets_a_hint_at_arguments_that_there_are(cls):
    declaration = cls().declaration
    arrays = list(draw(declaration, np.random.default_rng(0), batch=(2, 2)))
    k = next(k for k, domain in enumerate(declaration.domains) if domain in ("class", "level"))
    for label in (-1, 77):
        arrays[k] = arrays[k].copy()
        arrays[k][(0,) * arrays[k].ndim] = label
        for where in (None, np.ones((), bool)):
            with pytest.raises(
                ValueError, match=rf"^`{declaration.names[k]}` must lie in .*, got {label}; `"
            ) as caught:
                cls.function(*arrays, where=where)
            hint = str(caught.value).split("; ")[1]
            names = re.findall(r"`(\w+)`", hint)
            assert names
            assert {*names} <= {*inspect.signature(cls.function).parameters}
            assert ("`ignore_index`" in hint) == hasattr(cls, "ignore_index")


def test_what_has_no_items_to_leave_out_gives_no_hint_at_it():
    with pytest.raises(ValueError, match="got 7$"):
        al.special.one_hot(np.asarray([0, 7]), 3)
    with pytest.raises(ValueError, match="got 7; `where` leaves items out$"):
        al.adaptive_log_softmax(np.ones((2, 3)), np.ones((4, 3)), [], np.asarray([0, 7]))


@all_cases
def test_an_array_with_an_axis_of_length_1_too_many_is_told_to_drop_it(case):
    arrays = case.inputs()
    expected, given = case.loss(*arrays), {*case.loss.declaration.arguments[0].forms[0].axes}
    for k, (argument, x) in enumerate(zip(case.loss.declaration.arguments, arrays, strict=False)):
        form = argument.form(integer=x.dtype.kind == "i")
        if k and {*form.axes} <= given and not (case.soft and len(argument.forms) > 1):
            call = lambda x: case.loss(*arrays[:k], x, *arrays[k + 1 :])  # noqa: B023, E731
            with pytest.raises(ValueError, match="drop the axis of length 1, as in `") as caught:
                call(x[..., None])
            hint = re.search(r"as in `([^`]*)`", str(caught.value)).group(1)
            np.testing.assert_array_equal(call(eval(hint, {argument.name: x[..., None]})), expected)
        given |= {*form.axes}


def test_a_shape_in_a_message_is_one():
    with pytest.raises(ValueError, match=r"`target` must have shape \(5,\), as .* has shape \(4, 5\); got \(4, 5\)$"):
        al.energy_score(np.zeros((4, 5)), np.zeros((4, 5)))


@pytest.mark.parametrize("loss", [al.Dice, al.Mcc, al.LovaszSoftmax])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((2, 3, 3), "the labels would fit axis=1"),
        ((2, 5, 3, 1), r"drop the axis of length 1, as in `labels\[\.\.\., 0\]`"),
        ((2, 5, 3, 3), "a one-hot target must have a floating dtype, as in "),
    ],
)
def test_masks_of_a_wrong_shape_are_told_how_to_mend_it(variant, loss, labels, message):
    z = variant.array(np.zeros((2, 5, 3, 3), "float32"))
    y = variant.array(np.zeros(labels, "int32"))
    if loss is al.LovaszSoftmax and "one-hot" in message:  # which takes labels alone
        message = r"got \(2, 5, 3, 3\)(\n|$)"  # JAX adds a note
    with pytest.raises(ValueError, match=rf"`labels` must have shape \(2, 5, 3\), as \[N, \.\.\.\] .*{message}"):
        loss()(z, y)


@class_losses
def test_float_labels_and_bool_labels_are_refused(variant, case):
    z = variant.array(np.zeros((4, 5), "float32"))
    with pytest.raises(
        TypeError,
        match=r"`labels` must be integer labels of shape \(4,\) or floating probabilities .*"
        r"\(4, 5\), got float32 of shape \(4,\); labels need an integer dtype",
    ):
        case.loss(z, variant.array(np.zeros(4, "float32")))
    for shape in ((4,), (4, 5)):
        with pytest.raises(TypeError, match="`labels` must hold integer labels or floating probabilities, got bool"):
            case.loss(z, variant.array(np.zeros(shape, "bool")))


@all_cases
def test_integers_are_no_parameters(case):
    """What has no axis of the batch is learned, as proxies are, and is refused as an integer prediction is."""
    arrays, declaration = case.inputs(), case.loss.declaration
    for k, (argument, x) in enumerate(zip(declaration.arguments, arrays, strict=False)):
        if k and not {"...", "N"} & {*argument.forms[0].axes}:
            given = [x.astype("int64") if j == k else x for j, x in enumerate(arrays)]
            with pytest.raises(TypeError, match=f"`{argument.name}` must have a floating dtype, got int64; convert it"):
                case.loss(*given)


@default_cases
def test_the_hint_to_convert_stands_where_it_works(variant, case):
    arrays = case.inputs(dtype="float32")
    for k, argument in enumerate(case.loss.declaration.arguments[: len(arrays)]):
        if k and all(form.domain.is_integer for form in argument.forms):
            given = [variant.array(x) for x in arrays]
            given[k] = variant.array(arrays[k].astype("float32"))
            name, held = argument.name, argument.domain.values
            with pytest.raises(TypeError, match=f"`{name}` must hold {held}, got float32; convert it, as in"):
                case.loss(*given)
            shape = (*arrays[k].shape, 9)
            given[k] = variant.array(np.zeros(shape, "float32"))
            message = rf"`{name}` must hold {held} (of shape|along) .*, got float32 of shape {re.escape(str(shape))}$"
            with pytest.raises(TypeError, match=message):
                case.loss(*given)


@class_losses
def test_an_axis_that_is_not_there_and_a_scalar_are_refused(variant, case):
    z, y = variant.array(np.zeros((4, 5), "float32")), variant.array(np.zeros(4, "int32"))
    with pytest.raises(ValueError, match=r"`axis` must be an axis of `\w+` \(4, 5\), got 2"):
        type(case.loss)(axis=2)(z, y)
    with pytest.raises(ValueError, match=r"must have a class axis, got shape \(\)"):
        case.loss(variant.array(np.zeros((), "float32")), variant.array(np.zeros((), "int32")))
    with pytest.raises(ValueError, match="at least one class along axis -1"):
        case.loss(variant.array(np.zeros((4, 0), "float32")), y)


@class_losses
@pytest.mark.parametrize("bad", [-1, CLASSES, 99, -100], ids=str)
def test_a_label_outside_its_range_raises_or_is_nan(variant, case, bad):
    z, y = case.inputs(shape=(4,), dtype=variant.dtypes[-1])
    expected = np.asarray(type(case.loss)(reduction="none")(z, y))
    wrong = y.copy()
    wrong[2] = bad
    loss = type(case.loss)(reduction="none")
    given = variant.array(z), variant.array(wrong)
    if variant.eager_labels:
        with pytest.raises(ValueError, match=rf"`labels` must lie in \[0, 5\) for 5 classes, got {bad};"):
            loss(*given)
    else:
        got = variant.numpy(variant.run(loss, *given))
        assert np.isnan(got[2])
        np.testing.assert_allclose(np.delete(got, 2), np.delete(expected, 2), rtol=1e-5)
        assert np.isnan(variant.numpy(variant.run(type(case.loss)(), *given)))
        # The gradient too, by whichever way it comes: the closed form, or what the library derives.
        summed = type(case.loss)(reduction="sum")
        ways = [al.grad(summed), al.grad(lambda z, y: summed(z, y) * 1.0)]
        expected_gradient = al.grad(summed)(z, y)
        for way in ways if variant.backend != "torch" else ways[:1]:
            gradient = variant.numpy(variant.run(way, *given))
            assert np.isnan(gradient[2]).all()
            np.testing.assert_allclose(np.delete(gradient, 2, 0), np.delete(expected_gradient, 2, 0), rtol=1e-4)
    # Left out, it does no harm.
    kept = variant.array(np.asarray([True, True, False, True]))
    got = variant.numpy(variant.run(lambda *a: loss(*a[:2], where=a[2]), *given, kept))
    np.testing.assert_allclose(got, np.where([True, True, False, True], expected, 0), rtol=1e-5)
    if bad != CLASSES:
        ignoring = type(case.loss)(reduction="none", ignore_index=bad)
        np.testing.assert_array_equal(variant.numpy(variant.run(ignoring, *given)), got)


# By Python's integers: which label is ignored, and which is no class of 300.
LABELS = [
    ("uint8", 156, -100),
    ("uint8", 255, -1),
    ("uint8", 2, 300),
    ("uint8", 2, 258),
    ("int8", -1, 255),
    ("int8", -100, -100),
    ("uint16", 2**16 - 1, -1),
    ("int32", -1, 2**32 - 1),
    ("int32", 1, 2**70),
    ("int32", 1, -(2**70)),
    ("int32", 1, 2**32 + 1),
    ("int32", -100, -100),
    ("uint32", 2**32 - 1, -1),
    ("uint32", 2**32 - 1, 2**32 - 1),
    ("uint32", 2**32 - 100, -100),
    ("int64", 1, 2**64 + 1),
    ("int64", -1, 2**64 - 1),
    ("int64", 2**40, 2**40),
    ("uint64", 2**64 - 1, -1),
    ("uint64", 2**64 - 1, 2**64 - 1),
    ("uint64", 2**64 - 100, -100),
    ("uint64", 2**63, -(2**63)),
]


@pytest.mark.parametrize(("dtype", "label", "ignored"), LABELS)
def test_no_label_is_ever_another(variant, dtype, label, ignored):
    if variant.dtypes == ("float32",) and dtype.endswith("64"):
        pytest.skip("JAX without x64 has no 64 bits")
    z = variant.array(np.zeros((3, 300), "float32"))
    y = variant.array(np.asarray([0, label, 7]).astype(dtype) if label < 2**63 else np.asarray([0, label, 7], dtype))
    for name in ("cross_entropy", "nll"):
        loss = al.get(name, ignore_index=ignored, reduction="none")
        item = np.log(300) if name == "cross_entropy" else 0.0
        if label == ignored:
            expected = [item, 0.0, item]
        elif 0 <= label < 300:
            expected = [item, item, item]
        elif variant.eager_labels:
            with pytest.raises(ValueError, match=rf"`labels` must lie in \[0, 300\) for 300 classes, got {label};"):
                loss(z, y)
            continue
        else:
            expected = [item, np.nan, item]
        np.testing.assert_allclose(variant.numpy(variant.run(loss, z, y)), expected, rtol=1e-6)


# The class `Loss` and its like have no name that `get` takes either.
@pytest.mark.parametrize("name", sorted({*al.__all__} - {*al.registered(), *dir(al.losses), "__version__"}))
def test_a_public_name_that_is_no_loss_with_a_name_is_told_where_it_is(name):
    if name in ("WeightedSum", "weighted_sum"):
        return  # which has a name, and settings without a default
    with pytest.raises(ValueError, match=rf"another part of the package: see `help\(arraylosses\.{name}\)`$"):
        al.get(name)
    assert pydoc.render_doc(f"arraylosses.{name}")


@pytest.mark.parametrize(
    ("given", "near"), [("hubber", "huber"), ("crossentropy", "cross_entropy"), ("mea", "mae"), ("MSELos", "MSELoss")]
)
def test_an_unknown_name_is_told_the_closest(given, near):
    with pytest.raises(
        ValueError, match=f"must be the name of a registered loss, got '{given}'; did you mean .*'{near}'"
    ):
        al.get(given)


def test_every_message_is_one_line():
    x = np.zeros((3, 2))
    for call in (
        lambda: al.huber(x, x[:, :1]),
        lambda: al.huber([1], x),
        lambda: al.get("hubber"),
        lambda: al.Huber(delta=0),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert str(caught.value).count("`") >= 2
