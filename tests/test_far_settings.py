"""Settings whose square, or whose quotient with an error, float32 has not, against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import arraylosses as al

from .test_edges import INF, both, traced
from .variants import Variant


def fair(e, c):
    return c * c * (e / c - mpmath.log1p(e / c))


def pseudo_huber(e, c):
    return c * c * (mpmath.sqrt(1 + (e / c) ** 2) - 1)


def smooth_l1(e, c):
    return e * e / (2 * c) if e <= c else e - c / 2


FAR = [
    (1e-30, 1e20),
    (1e-20, 1e20),
    (1e-19, 1e15),
    (1e-30, 1.0),
    (1e-20, 1.0),
    (1e20, 1e-3),
    (1e30, 40.0),
    (1e30, 1e15),
]
"""A setting, and an error beside it."""

# A loss of a setting, and what is expected of an error and that setting.
LOSSES: dict[str, tuple[Callable[[float], al.Loss], Any]] = {
    "fair": (lambda c: al.Fair(scale=c), fair),
    "pseudo_huber": (lambda c: al.PseudoHuber(delta=c), pseudo_huber),
    "smooth_l1": (lambda c: al.SmoothL1(beta=c), smooth_l1),
    "huber": (lambda c: al.Huber(delta=c), lambda e, c: c * smooth_l1(e, c)),
    "cauchy": (lambda c: al.GeneralRobust(alpha=0.0, scale=c), lambda e, c: mpmath.log1p((e / c) ** 2 / 2)),
    "general_robust": (lambda c: al.GeneralRobust(scale=c), lambda e, c: pseudo_huber(e, c) / c**2),
    "wing, curvature": (
        lambda c: al.Wing(curvature=c),
        lambda e, c: 10 * mpmath.log1p(min(e, 10) / c) + max(e - 10, 0),
    ),
    "wing, width": (
        lambda c: al.Wing(width=c, curvature=0.5),
        lambda e, c: c * mpmath.log1p(min(e, c) * 2) + max(e - c, 0),
    ),
    "wing, both": (
        lambda c: al.Wing(width=c, curvature=c),
        lambda e, c: c * mpmath.log1p(min(e / c, 1)) + max(e - c, 0),
    ),
}


@pytest.mark.main_variants
@pytest.mark.parametrize("name", LOSSES)
def test_a_setting_whose_square_is_out_of_range_gives_the_number_of_the_formula(variant: Variant, name):
    make, exact = LOSSES[name]
    for setting, error in FAR:
        loss = make(setting)
        with mpmath.workdps(200):
            c, e = (mpmath.mpf(float(np.float32(v))) for v in (setting, error))
            value = float(exact(e, c))
            slope = float(mpmath.diff(lambda e: exact(e, c), e, h=e * mpmath.mpf(10) ** -20))  # noqa: B023
        arrays = np.asarray([error, -error], "float32"), np.zeros(2, "float32")
        with np.errstate(all="ignore"):
            got = both(variant, loss, *arrays, dtype="float32")
            by_operations = variant.numpy(variant.run(al.grad(traced(loss)), *map(variant.array, arrays)))
        value = value if value < 3.4e38 else INF
        np.testing.assert_allclose(got[0], [value, value], rtol=1e-5, atol=1e-37)
        if value < INF:
            for found in (got[1], by_operations):
                np.testing.assert_allclose(found, [slope, -slope], rtol=1e-5, atol=1e-37)


# T² Σ q (log q - log p) of q and p that are 1 for one class, up to exp(-2 / T): T times a difference of logits
@pytest.mark.main_variants
@pytest.mark.parametrize("temperature", [1e-35, 1e-30, 1e-25, 1e-10])
def test_a_temperature_that_vanishes_leaves_a_difference_of_logits(variant: Variant, temperature):
    loss = al.Distillation(temperature=temperature)
    value, slopes = both(variant, loss, [[2.0, 0.0]], [[0.0, 3.0]], dtype=variant.dtypes[0])
    np.testing.assert_allclose(value, [2 * temperature], rtol=1e-6)
    np.testing.assert_allclose(slopes, [[temperature, -temperature]], rtol=1e-6)
