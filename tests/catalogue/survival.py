"""Entries of the losses of `losses/survival.py`."""

from __future__ import annotations

import mpmath
import numpy as np
from mpmath import mpf

from ._entry import Entry, Refused

ENTRIES: dict[str, Entry] = {}

# By the distribution: the density, F and 1 - F.
DISTRIBUTIONS = {
    "normal": (mpmath.npdf, mpmath.ncdf, lambda z: mpmath.erfc(z / mpmath.sqrt(2)) / 2),
    "logistic": (
        lambda z: mpmath.exp(-z) / (1 + mpmath.exp(-z)) ** 2,
        lambda z: 1 / (1 + mpmath.exp(-z)),
        lambda z: 1 / (1 + mpmath.exp(z)),
    ),
    "extreme": (
        lambda z: mpmath.exp(z - mpmath.exp(z)),
        lambda z: -mpmath.expm1(-mpmath.exp(z)),
        lambda z: mpmath.exp(-mpmath.exp(z)),
    ),
}


def aft(p, lower, upper, distribution, scale):
    density, f, s = DISTRIBUTIONS[distribution]
    lower, upper = sorted((lower, upper))
    z_upper = (mpmath.log(upper) - p) / scale
    if lower == upper:
        return -mpmath.log(density(z_upper) / (scale * upper))
    if lower == 0:
        return -mpmath.log(f(z_upper))
    z = (mpmath.log(lower) - p) / scale
    # the side on which neither is near 1
    return -mpmath.log(s(z) - s(z_upper) if z > 0 else f(z_upper) - f(z))


def aft_scale(p, lower, upper, distribution, scale):
    lower, upper = sorted((lower, upper))
    logs = [abs(mpmath.log(x)) for x in (lower, upper) if x]
    size = max(abs(p), mpf(1), *logs) / scale
    if lower in (0, upper):
        return size
    # A probability is a difference, by which it is divided in its logarithm.
    _, f, s = DISTRIBUTIONS[distribution]
    z, z_upper = ((mpmath.log(x) - p) / scale for x in (lower, upper))
    return size * max(1, (s(z) / (s(z) - s(z_upper)) if z + z_upper > 0 else f(z_upper) / (f(z_upper) - f(z))))


ENTRIES["aft"] = Entry(
    reference=aft,
    scale=aft_scale,
    exponential=True,
    edges={"real": (-4.0, -1.0, 0.0, 0.5, 30.0)},  # the loss grows as an exponential of what is below the time
    settings=[{"distribution": "logistic", "scale": 0.5}, {"distribution": "extreme"}],
    refused=[
        Refused({"distribution": "norm"}, "must be one of .*got 'norm'; did you mean 'normal'"),
        Refused({"scale": 0.0}, "must be above 0"),
    ],
)


def cox_partial_likelihood(loss, arrays, where):
    hazard, time, event = arrays
    items = np.zeros(len(where))
    for i in np.flatnonzero(where):
        at_risk = [j for j in np.flatnonzero(where) if time[j] >= time[i]]
        items[i] = np.log(np.sum(np.exp(hazard[at_risk]))) - hazard[i]
    return items, where * event


ENTRIES["cox_partial_likelihood"] = Entry(of_batch=cox_partial_likelihood)
