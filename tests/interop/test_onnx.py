"""Losses as graphs of ONNX, whose batch has no length until a runtime has it, against NumPy."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

import arraylosses as al

from ..cases import CASES, DEFAULTS, OTHERS

pytest.importorskip("ndonnx", reason="ndonnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from arraylosses.interop.onnx import export  # noqa: E402

pytestmark = pytest.mark.backend("numpy")

OF_ITEM, OF_LARGEST = 32, 2
"""What `export` documents: units in the last place of an item, or of the largest item of its call."""

OF_DIFFERENCES = {"aft": 256, "distillation": 32}
"""The same of the largest item, for losses that subtract larger terms."""


def graph(loss, case, arrays, **rest):
    """Export a loss of arrays that know the length of their class axis alone, and return what runs it."""
    shapes = {}
    for k, (name, x) in enumerate(zip(loss.array_names, arrays, strict=True)):
        known = x.ndim - 1 if not case.rows else case.axis % x.ndim if case.row_arrays()[k] else None
        shapes[name] = [n if axis == known else None for axis, n in enumerate(x.shape)]
    session = onnxruntime.InferenceSession(export(loss, {**shapes, **rest}).SerializeToString())
    return lambda *given, **more: session.run(None, {**dict(zip(loss.array_names, given, strict=True)), **more})[0]


def batches(case):
    """Arrays of three batch sizes; a class axis that is not the last one keeps the axis after it."""
    for seed, shape in enumerate(((6, 3), (1, 3), (37, 5 if case.rows and case.axis == -1 else 3)), start=1):
        yield shape, case.inputs(seed=seed, shape=shape, dtype="float32")


@pytest.mark.slow
@pytest.mark.every_loss
@pytest.mark.backend("numpy")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_graph_of_any_batch_gives_what_numpy_gives(case):
    loss = dataclasses.replace(case.loss, reduction="none")
    run = graph(loss, case, case.inputs(dtype="float32"))
    for _, arrays in batches(case):
        found, expected = run(*arrays), loss(*arrays)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        of_largest = OF_DIFFERENCES.get(case.name, OF_LARGEST)
        limit = np.maximum(OF_ITEM * np.spacing(np.abs(expected)), of_largest * np.spacing(np.max(np.abs(expected))))
        assert np.all(np.abs(found - expected) <= limit)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if (getattr(case.loss, "class_weight", None) is not None and getattr(case.loss, "axis", -1) != 0)
        or case.name in ("ctc", "transducer")
    ],
    ids=str,
)
@pytest.mark.parametrize("known", [True, False])
def test_a_graph_takes_what_labels_name_whether_or_not_it_knows_the_lengths(case, known):
    arrays = case.inputs(seed=1, dtype="float32")
    arrays = [x.astype("int64") if x.dtype.kind == "i" else x for x in arrays]
    names = case.loss.array_names
    shapes = {
        name: [n if known or axis else None for axis, n in enumerate(x.shape)]
        for name, x in zip(names, arrays, strict=False)
    }
    session = onnxruntime.InferenceSession(export(case.loss, shapes).SerializeToString())
    (found,) = session.run(None, dict(zip(names, arrays, strict=False)))
    np.testing.assert_allclose(found, case.loss(*arrays), rtol=2e-5, atol=1e-6)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)
def test_a_graph_of_an_unknown_batch_is_made_or_refused(case):
    arrays = case.inputs(seed=1, dtype="float32")
    names = case.loss.array_names
    shapes = {name: [None, *x.shape[1:]] if x.shape else [] for name, x in zip(names, arrays, strict=False)}
    if case in DEFAULTS:
        assert export(case.loss, shapes)
        return
    said = ""
    try:
        export(case.loss, shapes)
    except ValueError as error:
        said = str(error)
    assert re.match("$|`(shapes` must have all lengths for|loss` must be of functions that ndonnx has)", said)
    if case.name != "angular_margin_softmax":  # which needs a cosine
        assert export(case.loss, {name: x.shape for name, x in zip(shapes, arrays, strict=True)})


@pytest.mark.slow
@pytest.mark.backend("numpy")
@pytest.mark.parametrize("reduction", ["mean", "batchmean"])
@pytest.mark.parametrize("case", DEFAULTS, ids=str)
def test_weights_and_masks_of_any_batch(case, reduction):
    loss = dataclasses.replace(case.loss, reduction=reduction)
    arrays = case.inputs(dtype="float32")
    axes = len(case.item_shape((4, 3)))
    run = graph(loss, case, arrays, weight=(None, *[1] * (axes - 1)), where=(None,) * axes)
    for shape, given in batches(case):
        rng = np.random.default_rng(shape)
        weight = rng.uniform(0.5, 2.0, size=(shape[0], *[1] * (axes - 1))).astype("float32")
        where = rng.uniform(size=case.item_shape(shape)) < 0.7
        found, expected = run(*given, weight=weight, where=where), loss(*given, weight=weight, where=where)
        assert (found.shape, found.dtype) == ((), expected.dtype)
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


def test_a_target_is_one_of_labels_where_its_shape_is():
    logits = np.asarray([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]], dtype="float32")
    for labels, shape in ((np.asarray([0, 2]), ("N",)), (np.eye(3, dtype="float32")[[0, 2]], ("N", 3))):
        model = export("cross_entropy", {"logits": ("N", 3), "labels": shape})
        assert [x.name for x in model.graph.input] == ["logits", "labels"]
        assert [x.name for x in model.graph.output] == ["loss"]
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (found,) = session.run(["loss"], {"logits": logits, "labels": labels})
        np.testing.assert_allclose(found, al.cross_entropy(logits, labels), rtol=1e-6)


def test_a_graph_in_float64():
    model = export(al.Huber(delta=0.5), {"prediction": (None,), "target": (None,)}, dtype="float64")
    prediction, target = np.asarray([0.25, 3.0]), np.zeros(2)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, {"prediction": prediction, "target": target})
    assert found.dtype == np.float64
    assert found == al.huber(prediction, target, delta=0.5)


def test_a_label_that_is_no_class_makes_its_item_nan():
    model = export(al.CrossEntropy(reduction="none"), {"logits": (None, 3), "labels": (None,)})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, {"logits": np.zeros((3, 3), "float32"), "labels": np.asarray([0, 3, -1])})
    assert np.isnan(found).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("shapes", "error", "said"),
    [
        ({"logits": (None, 3)}, TypeError, "`shapes` must have a shape for `labels`"),
        ({"logits": (None, 3), "lables": (None,)}, TypeError, "`shapes` must have a shape for `labels`"),
        ({"logits": (None, 3), "labels": (None,), "wheit": (1,)}, TypeError, "got 'wheit'; did you mean 'weight'"),
        (
            {"logits": (None, None), "labels": (None,)},
            ValueError,
            "`shapes` must have the number of classes of `logits`",
        ),
        ({"logits": (None, 3), "labels": (None, 4)}, TypeError, r"shape of `logits` \(None, 3\), got .* \(None, 4\)"),
    ],
    ids=["lacking", "misspelt", "unknown", "classes", "shapes"],
)
def test_shapes_that_do_not_fit_are_refused(shapes, error, said):
    with pytest.raises(error, match=said):
        export(al.CrossEntropy(), shapes)
