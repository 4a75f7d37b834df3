"""Entries of the losses of `losses/scoring.py`."""

from __future__ import annotations

import math

import mpmath
import numpy as np

from ._entry import AXIS, Entry, Refused

ENTRIES: dict[str, Entry] = {}

FAIR = Refused({"fair": 1}, "must be a bool, got 1", TypeError)


def crps_normal(p, t, scale):
    z = (t - p) / scale
    return scale * (z * (2 * mpmath.ncdf(z) - 1) + 2 * mpmath.npdf(z) - 1 / mpmath.sqrt(mpmath.pi))


ENTRIES["crps_normal"] = Entry(
    reference=crps_normal,
    scale=lambda p, t, scale: max(abs(p - t), scale),
    edges={"positive": (1e-3, 0.25, 1.0, 2.0, 1e4)},
)


def crps_ensemble(x, t, fair):
    pairs = len(x) * (len(x) - 1 if fair else len(x))
    spread = mpmath.fsum(abs(a - b) for a in x for b in x) / (2 * pairs)
    return mpmath.fsum(abs(a - t) for a in x) / len(x) - spread


def textbook_crps_ensemble(xp, x, t):
    spread = xp.mean(xp.abs(x[..., :, None] - x[..., None, :]))
    return xp.mean(xp.abs(x - t[..., None])) - spread / 2


ENTRIES["crps_ensemble"] = Entry(
    reference=crps_ensemble,
    scale=lambda x, t, fair: max(abs(a - b) for a in x for b in (t, *x)),
    settings=[{"fair": True, "axis": 1}],
    refused=[AXIS, FAIR],
)


def energy_score(loss, arrays, where):
    x, t = arrays
    items = np.zeros(where.shape)
    for k in np.ndindex(where.shape):
        m = len(x[k])
        error = sum(math.dist(a, t[k]) for a in x[k]) / m
        pairs = [math.dist(x[k][i], x[k][j]) for i in range(m) for j in range(m) if i != j]
        items[k] = error - sum(pairs) / 2 / (m * m - m if loss.fair else m * m)
    return items, where


ENTRIES["energy_score"] = Entry(of_batch=energy_score, settings=[{"fair": True}], refused=[FAIR])
