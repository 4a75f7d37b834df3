"""The package imports NumPy and array-api-compat alone, however it is used on NumPy."""

from __future__ import annotations

import subprocess
import sys

import pytest

USE = """
import numpy as np
import arraylosses as al
al.huber(np.zeros(3), np.ones(3), where=np.ones(3, dtype=bool), weight=np.ones(3))
al.cross_entropy(np.zeros((2, 3), dtype="float32"), np.zeros(2, dtype=int), class_weight=[1.0, 2.0, 3.0])
al.triplet_margin(np.zeros((2, 3)), np.ones((2, 3)), np.ones((2, 3)))
al.deserialize(al.serialize(al.get("mse")))
al.get("bce")(np.zeros(3), np.ones(3))
from arraylosses.dialects import torch as F
F.cross_entropy(np.zeros((2, 3)), np.asarray([0, -100]), label_smoothing=0.5)
F.LinearCrossEntropyLoss(2, 3)(np.zeros((2, 2)), np.zeros(2, dtype=int))
al.get("TripletMarginLoss")(np.zeros((2, 3)), np.ones((2, 3)), np.ones((2, 3)))
"""

FORBIDDEN = (
    "torch",
    "jax",
    "jaxlib",
    "dask",
    "cupy",
    "array_api_strict",
    "tensorflow",
    "scipy",
    "typer",
    "rich",
    "keras",
    "sklearn",
    "xgboost",
    "lightgbm",
    "catboost",
)


@pytest.mark.parametrize("use", ["import arraylosses", USE], ids=["import", "use"])
def test_no_library_but_numpy_is_imported(use):
    code = f"{use}\nimport sys\nprint(sorted(set(m.partition('.')[0] for m in sys.modules) & set({FORBIDDEN!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_array_api_compat_wraps_no_library_but_numpy():
    code = f"{USE}\nimport sys\nprint([m for m in sys.modules if m.startswith('array_api_compat.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wrapped = {name.split(".")[1] for name in eval(done.stdout)} - {"common", "numpy", "_internal"}
    assert wrapped == set()
