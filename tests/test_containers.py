"""What is no array, or an array that means something else: refused, with a hint that works when it is followed."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import arraylosses as al
from arraylosses import autodiff, dialects

from .cases import DEFAULTS, OTHERS
from .variants import importable

all_cases = pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)


X = np.asarray([0.5, 3.0, -1.0], dtype="float32")
Y = np.asarray([1.0, 0.0, 1.0], dtype="float32")


def modules(variant=None):
    """What a user has imported who follows a hint."""
    found = {"np": np, "xp": al.array_namespace(variant.array(X)) if variant else np}
    for name, module in (("torch", "torch"), ("jnp", "jax"), ("da", "dask"), ("cp", "cupy")):
        if not importable(module):
            found[name] = __import__({"jax": "jax.numpy", "dask": "dask.array"}.get(module, module), fromlist=["_"])
    return found


def hint_of(call, pattern, error=TypeError):
    with pytest.raises(error, match=pattern) as caught:
        call()
    assert "\n" not in str(caught.value)
    return re.search(pattern, str(caught.value)).group(1)


def test_a_masked_array_is_refused_wherever_it_stands():
    mask = [False, True, False]
    masked = np.ma.masked_array(X, mask)
    for call in (
        lambda: al.huber(masked, Y),
        lambda: al.huber(X, masked),
        lambda: al.huber(X, Y, weight=masked),
        lambda: al.huber(X, Y, where=np.ma.masked_array(X > 0)),
        lambda: al.cross_entropy(X, np.ma.masked_array(1)),
        lambda: al.value_and_grad(al.huber)(masked, Y),
        lambda: al.value_grad_hess(al.huber)(masked, Y),
    ):
        with pytest.raises(TypeError, match=r"MaskedArray; \w+\.data is its array, and where=~np\.ma\.getmaskarray"):
            call()
    with pytest.raises(TypeError, match="`arrays` must be arrays of one library, got MaskedArray"):
        al.array_namespace(masked)
    with pytest.raises(TypeError) as caught:
        al.huber(masked, Y)
    array, where = re.search(r"; (\S+) is its array, and where=(\S+) leaves", str(caught.value)).groups()
    names = {"np": np, "prediction": masked}
    got = al.huber(eval(array, names), Y, where=eval(where, names))
    np.testing.assert_allclose(got, al.huber(X[[0, 2]], Y[[0, 2]]))


def test_a_matrix_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.asmatrix(X)
    hint = hint_of(lambda: al.huber(matrix, matrix), r"got matrix; (\S+) makes an array")
    array = eval(hint, {"np": np, "prediction": matrix})
    assert float(al.huber(array, array)) == 0


@pytest.mark.backend("torch")
@pytest.mark.parametrize("layout", ["strided", "jagged"])
def test_a_nested_tensor_is_refused(layout):
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = [torch.ones(2), torch.ones(3)]
        nested = torch.nested.nested_tensor(parts, layout=getattr(torch, layout))
    x = torch.ones(2, 3)
    for name, call in (
        ("prediction", lambda: al.huber(nested, nested)),
        ("target", lambda: al.huber(x, nested)),
        ("weight", lambda: al.huber(x, x, weight=nested)),
        ("weight_matrix", lambda: al.linear_cross_entropy(x, nested, torch.zeros(2, dtype=torch.int64))),
    ):
        pattern = rf"`{name}` must be an array with a number in each place, got a nested tensor; (\S+, \S+) makes one"
        hint = hint_of(call, pattern)
    with pytest.raises(TypeError, match="`argnums` must choose floating arrays, .*argument 0 is a nested tensor; "):
        al.value_and_grad(al.huber)(nested, nested)
    padded = eval(hint, {"torch": torch, "weight_matrix": nested})
    assert padded.shape == (2, 3)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("kind", ["sparse_coo", "sparse_csr", "_mkldnn", "masked"])
def test_a_tensor_of_another_layout_and_a_masked_one_are_refused(kind):
    import torch

    warnings.simplefilter("ignore")  # of torch, that these are prototypes
    x = torch.tensor([[1.0, 0.0, 3.0]])

    def of(x):
        if kind == "masked":
            return torch.masked.masked_tensor(x, x != 0)
        return {"sparse_coo": x.to_sparse, "sparse_csr": x.to_sparse_csr, "_mkldnn": x.to_mkldnn}[kind]()

    got = "a masked tensor" if kind == "masked" else f"a tensor of the layout torch.{kind}"
    calls = (
        ("prediction", lambda x: al.huber(x, x)),
        ("target", lambda x: al.huber(torch.ones(1, 3), x)),
        ("weight", lambda x: al.huber(torch.ones(1, 3), torch.zeros(1, 3), weight=x)),
        ("delta", lambda x: al.huber(torch.ones(1, 3), torch.zeros(1, 3), delta=x)),
        ("weight_matrix", lambda x: al.linear_cross_entropy(torch.ones(1, 3), x, torch.zeros(1, dtype=torch.int64))),
    )
    for name, call in calls:
        call(x + 1)  # a call of this kind was seen before
        hint = hint_of(lambda call=call: call(of(x)), rf"`{name}` must .* each place, got {got}; (\S+) (makes|is) ")
        torch.testing.assert_close(eval(hint, {name: of(x)}), x)
    with pytest.raises(TypeError, match=rf"argument 0 is {got}; "):
        al.value_and_grad(al.huber)(of(x), x)


@pytest.mark.backend("torch")
def test_a_quantized_tensor_is_refused():
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        q = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8)
    x = torch.ones(3)
    for name, call in (
        ("prediction", lambda: al.huber(q, x)),
        ("target", lambda: al.huber(x, q)),
        ("weight", lambda: al.huber(x, x, weight=q)),
    ):
        hint = hint_of(call, rf"`{name}` must .*, got quint8; (\S+) makes one")
        assert float(al.huber(x, eval(hint, {name: q}))) == pytest.approx(0, abs=1e-3)


@pytest.mark.backend("dask")
def test_a_lazy_masked_array_is_refused():
    import dask.array as da

    masked = da.from_array(np.ma.masked_array(X, [False, True, False]))
    with pytest.raises(TypeError, match="`prediction` must .*, got a masked array; ") as caught:
        al.huber(masked, da.from_array(Y))
    array, where = re.search(r"; (\S+) is its array, and where=(\S+) leaves", str(caught.value)).groups()
    names = {"da": da, "prediction": masked}
    got = al.huber(eval(array, names), da.from_array(Y), where=eval(where, names))
    np.testing.assert_allclose(got.compute(), al.huber(X[[0, 2]], Y[[0, 2]]))


@pytest.mark.skipif(np.dtype(np.longdouble) == np.float64, reason="longdouble is float64 here")
def test_extended_precision_is_refused():
    x = X.astype(np.longdouble)
    for name, call in (
        ("prediction", lambda: al.huber(x, X)),
        ("target", lambda: al.huber(X, x)),
        ("weight", lambda: al.huber(X, X, weight=x)),
    ):
        hint = hint_of(call, rf"`{name}` must .*, got \w+; convert it, as in (\S+)")
        assert eval(hint, {name: x}).dtype == np.float64
    with pytest.raises(TypeError, match="`argnums` must choose floating arrays, but argument 0 is"):
        al.value_and_grad(al.huber)(x, x)


def dataframe(module, values=X):
    """A column as pandas and polars have it, for what these do not install."""
    return type("Series", (), {"__module__": module, "to_numpy": lambda self, **_: values, "data": values})()


@pytest.mark.parametrize("module", ["pandas.core.series", "polars.series.series", "pyarrow.lib", "xarray.core"])
def test_a_column_of_a_table_is_refused(module):
    hint = hint_of(lambda: al.huber(dataframe(module), Y), r"got Series; (\S+) (?:makes an array|is its array)")
    assert float(al.huber(eval(hint, {"prediction": dataframe(module)}), Y)) == float(al.huber(X, Y))
    if module.startswith("xarray"):
        with pytest.raises(TypeError, match=r"xarray\.apply_ufunc\(loss, \.\.\.\)"):
            al.huber(dataframe(module), Y)


@pytest.mark.parametrize("module", ["pandas.core.series", "polars.series.series", "pyarrow.lib", "xarray.core"])
def test_a_column_of_a_table_is_refused_as_a_setting(module):
    for setting, call in (
        ("delta", lambda value: al.huber(X, Y, delta=value)),
        ("class_weight", lambda value: al.cross_entropy(np.eye(3), np.asarray([0, 2, 1]), class_weight=value)),
        ("pos_weight", lambda value: al.BinaryCrossEntropy(pos_weight=value)(X, Y)),
    ):
        column = dataframe(module, np.abs(X))
        message = rf"`{setting}` must be a number, .* or an array, got Series; (\S+) (?:makes an|is its) array"
        hint = hint_of(lambda call=call, column=column: call(column), message)
        assert float(call(eval(hint, {setting: column}))) == float(call(np.abs(X)))


@pytest.mark.main_variants
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_arrays_is_refused_with_what_stacks_them(variant, kind):
    rows = [variant.array(X), variant.array(Y)]
    value, whole = kind(rows), variant.array(np.stack([Y, X]))
    for name, call in (
        ("prediction", lambda: al.squared_error(value, whole)),
        ("target", lambda: al.squared_error(whole, value)),
        ("prediction", lambda: al.squared_error(value, value)),
    ):
        hint = hint_of(call, rf"`{name}` must be an array .*, got {kind.__name__}; (.+) makes an array")
        array = eval(hint, modules(variant) | {name: value})
        assert variant.of_this_library(array)
        assert variant.numpy(al.squared_error(array, whole)) == pytest.approx(np.mean((X - Y) ** 2))
    with pytest.raises(TypeError, match=rf"got {kind.__name__} of what is no one array$"):
        al.squared_error(kind([rows[0], rows[1][:2]]), whole)


@pytest.mark.main_variants
@pytest.mark.parametrize("value", [Y.tolist(), tuple(Y.tolist()), np.float32(1.0)], ids=lambda v: type(v).__name__)
def test_a_list_is_refused_with_what_the_other_arrays_library_makes_one_by(variant, value):
    if variant.backend == "numpy" and isinstance(value, np.generic):
        pytest.skip("a number of NumPy's is an array of NumPy's")
    if variant.name == "strict-device":
        pytest.skip("the namespace makes arrays on its default device")
    x = variant.array(X)
    value = value if np.ndim(value) else float(value)
    for name, call in (
        ("target", lambda: al.squared_error(x, value)),
        ("prediction", lambda: al.squared_error(value, x)),
        ("weight", lambda: al.squared_error(x, x, weight=value)),
    ):
        hint = hint_of(call, rf"`{name}` must be an array .*, got {type(value).__name__}; (.+) makes an array")
        assert variant.backend == "strict" or not hint.startswith("xp.")
        array = eval(hint, modules(variant) | {name: value})
        assert variant.of_this_library(array)
    if np.ndim(value):
        assert variant.numpy(al.squared_error(x, al.array_namespace(x).astype(array, x.dtype))) == pytest.approx(
            np.mean((X - Y) ** 2)
        )


LABELS = [1, 0, 2, 0]
DTYPES = {
    "floating labels": (lambda *x: al.cross_entropy(*x), "labels", (4, 3), "float64", LABELS),
    "floating ids": (lambda *x: al.nt_xent(*x), "labels", (4, 3), "float32", LABELS),
    "floating labels of sequences": (lambda *x: al.ctc(*x), "labels", (5, 3), "float32", [1.0, 2.0]),
    "an integer one-hot target": (lambda *x: al.cross_entropy(*x), "labels", (4, 3), "int64", np.eye(3)[LABELS]),
    "integer predictions": (lambda y, x: al.huber(x, y), "prediction", (4,), "int64", LABELS),
    "traced integers": (
        lambda _, x: autodiff.grad(lambda x: al.array_namespace(x).sum(x * x))(x),
        "x",
        (4,),
        "int64",
        LABELS,
    ),
    "the batch for the classes": (lambda *x: dialects.torch.cross_entropy(*x), "input", (3, 4), "int64", LABELS),
}


@pytest.mark.main_variants
@pytest.mark.parametrize("kind", DTYPES)
def test_a_hint_at_a_dtype_or_an_axis_works_when_it_is_followed(variant, kind):
    call, name, shape, dtype, values = DTYPES[kind]
    if variant.name == "strict-device":
        pytest.skip("the namespace makes arrays on its default device")
    other = variant.array(np.random.default_rng(0).normal(size=shape).astype("float32"))
    given = variant.array(np.asarray(values).astype(dtype))
    with pytest.raises((TypeError, ValueError), match=", as in ") as caught:
        call(other, given)
    hint = re.search(r", as in (.*)$", str(caught.value)).group(1)
    assert variant.backend == "strict" or "xp." not in hint
    followed = eval(hint, modules(variant) | {name: other if name == "input" else given})
    assert variant.of_this_library(followed)
    found = call(followed, given) if name == "input" else call(other, followed)
    assert np.all(np.isfinite(variant.numpy(found)))


@pytest.mark.backend("jax")
@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_a_hint_at_a_dtype_is_at_one_that_jax_has(dtype):
    # That of JAX as it starts has no 64 bits, and warns where they are asked for.
    import jax

    with jax.enable_x64(False):
        logits, labels = jax.numpy.asarray(np.stack([X, Y], axis=1)), jax.numpy.asarray([1, 0, 1])
        hint = hint_of(lambda: al.cross_entropy(logits, labels.astype(dtype)), r"(?m), as in (.*?)( for labels.*)?$")
        followed = al.cross_entropy(logits, eval(hint, {"labels": labels.astype(dtype)}))
        assert float(followed) == float(al.cross_entropy(logits, labels))


SIGNS = {
    name: loss for name, cls in al.registered().items() if "sign" in (loss := cls(reduction="none")).declaration.domains
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_bool_where_a_sign_is_due_is_refused(variant, name):
    loss = SIGNS[name]
    shape = (3, 2) if loss.granularity == "row" else (3,)
    k = loss.declaration.domains.index("sign")
    arrays = [
        variant.array(np.ones(3 if domain == "sign" else shape, "float32")) for domain in loss.declaration.domains
    ]
    signs = np.asarray([True, False, True])
    arrays[k] = variant.array(signs)
    own = loss.array_names[k]
    hint = hint_of(lambda: loss(*arrays), rf"(?m)`{own}` must hold -1 or 1, got bool.*; use (.*)$")
    assert "2 * " in hint
    if variant.backend == "jax":
        import jax

        with jax.numpy_dtype_promotion("standard"):
            arrays[k] = eval(hint, modules(variant) | {own: arrays[k]})
    else:
        arrays[k] = eval(hint, modules(variant) | {own: arrays[k]})
    got = variant.numpy(loss(*arrays))
    arrays[k] = variant.array(np.where(signs, 1.0, -1.0).astype("float32"))
    # of another dtype, which may take another way
    np.testing.assert_allclose(got, variant.numpy(loss(*arrays)), rtol=5e-7)


NAMES = ["dog", "cat", "dog"]
NUMBERED = [1, 0, 1]  # in the order of the alphabet


@pytest.mark.main_variants
@pytest.mark.parametrize("kind", ["str", "object", "bytes", "list"])
def test_names_of_classes_are_refused_with_what_numbers_them(variant, kind):
    if variant.name == "strict-device":
        pytest.skip("a NumPy array has no device of array_api_strict's")
    if kind in ("object", "bytes") and variant.backend != "numpy":
        pytest.skip("no other library holds text")
    names = NAMES if kind == "list" else np.asarray(NAMES, dtype=kind)
    logits, scores = variant.array(np.stack([X, Y], axis=1)), variant.array(X)
    signs = kind != "list" and variant.backend == "numpy"  # which a list, or another library's array, does not show
    for loss, prediction, name, numbers in (
        (al.cross_entropy, logits, "labels", NUMBERED),
        (al.binary_cross_entropy, scores, "target", NUMBERED),
        *([(al.hinge, scores, "target", [1, -1, 1])] if signs else []),
    ):
        hint = hint_of(lambda: loss(prediction, names), r".*got .*; (.*) numbers the names of classes$")  # noqa: B023
        followed = loss(prediction, eval(hint, {**modules(variant), name: names}))
        np.testing.assert_allclose(
            variant.numpy(followed), variant.numpy(loss(prediction, variant.array(np.asarray(numbers))))
        )


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (al.huber, np.asarray(["1.5", "0", "-2"])),
        (al.huber, np.asarray([1.5, 0, -2], dtype="object")),
        (al.poisson_nll, np.asarray([1, 0, 2], dtype="object")),
        (al.cross_entropy, np.asarray([1, 0, 1], dtype="object")),
        (al.triplet_batch_hard, np.asarray([3, 7, 3], dtype="object")),
    ],
)
def test_numbers_as_text_or_objects_are_refused_with_what_converts_them(loss, target):
    prediction = np.stack([X, Y], axis=1) if loss in (al.cross_entropy, al.triplet_batch_hard) else X
    hint = hint_of(lambda: loss(prediction, target), r"; convert it, as in (.*)$")
    name = hint.partition(".")[0]
    plain = np.asarray([float(t) for t in target])
    integers = loss in (al.cross_entropy, al.triplet_batch_hard)
    expected = loss(prediction, plain.astype("int64") if integers else plain)
    np.testing.assert_allclose(loss(prediction, eval(hint, {name: target})), expected)


@all_cases
def test_numbers_as_text_are_refused_with_what_converts_them(case):
    arrays = case.inputs()
    expected = case.loss(*arrays)
    for k, name in enumerate(case.loss.array_names[: len(arrays)]):
        text = [x.astype("str") if j == k else x for j, x in enumerate(arrays)]
        hint = hint_of(lambda: case.loss(*text), rf"`{name}` must .*, got .*; convert it, as in (.*)$")  # noqa: B023
        text[k] = eval(hint, {name: text[k]})
        np.testing.assert_allclose(case.loss(*text), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: al.poisson_nll(X, np.asarray(["dog", "cat", "dog"])),
        lambda: al.huber(np.asarray(["dog", "cat", "dog"]), Y),
        lambda: al.corn(np.stack([X, Y], axis=1), np.asarray(["low", "high", "medium"])),  # no order of the alphabet
        lambda: al.aft(Y, np.asarray(["1.5", "-2", "3"]), Y),
    ],
)
def test_text_that_cannot_be_meant_is_refused_without_a_hint(call):
    with pytest.raises(TypeError, match=r"`\w+` must .*, got \w+$"):
        call()
