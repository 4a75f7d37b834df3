"""Losses as ONNX graphs: arrays of ndonnx, whose batch has no length until a runtime has it, against NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from .cases import CASES, DEFAULTS

ndonnx = pytest.importorskip("ndonnx", reason="ndonnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

REDUCTIONS = ("none", "sum", "mean", "batchmean")


def class_axis(case, k, x):
    if not case.rows:
        return x.ndim - 1
    return case.axis % x.ndim if case.row_arrays()[k] else None


@pytest.mark.backend("numpy")
@pytest.mark.parametrize(
    ("case", "weighted"),
    [(case, False) for case in CASES] + [(case, True) for case in DEFAULTS],
    ids=[*map(str, CASES), *(f"{case}-weighted" for case in DEFAULTS)],
)
def test_a_graph_of_any_batch_gives_what_numpy_gives(case, weighted):
    def inputs(shape, seed):
        arrays = case.inputs(seed=seed, shape=shape, dtype="float32")
        items = case.item_shape(shape)
        weight = np.random.default_rng(seed).uniform(0.5, 2.0, size=(items[0], *[1] * (len(items) - 1)))
        return [*arrays, weight.astype("float32")] if weighted else list(arrays)

    given = inputs((6, 3), 1)
    graph = []
    for k, x in enumerate(given):
        known = class_axis(case, k, x) if k < len(case.loss.declaration.domains) else 1
        shape = tuple([n if axis == known else None for axis, n in enumerate(x.shape)])
        graph.append(ndonnx.argument(shape=shape, dtype=getattr(ndonnx, str(x.dtype))))
    losses = {name: dataclasses.replace(case.loss, reduction=name) for name in REDUCTIONS}

    def call(loss, arrays):
        return loss(*arrays[:-1], weight=arrays[-1]) if weighted else loss(*arrays)

    results = {name: call(loss, graph) for name, loss in losses.items()}
    model = ndonnx.build({f"x{k}": x for k, x in enumerate(graph)}, results)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for shape, seed in (((6, 3), 1), ((2, 5), 2)):
        shape = shape if not case.rows or case.axis == -1 else (shape[0], 3)
        arrays = inputs(shape, seed)
        found = session.run(list(losses), {f"x{k}": x for k, x in enumerate(arrays)})
        for x, loss in zip(found, losses.values(), strict=True):
            expected = call(loss, arrays)
            assert (x.shape, x.dtype) == (np.shape(expected), expected.dtype)
            np.testing.assert_allclose(x, expected, rtol=2e-5, atol=1e-6)
