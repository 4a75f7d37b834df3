"""Entries of the losses of `losses/robust.py`."""

from __future__ import annotations

import math

import mpmath
from mpmath import mpf

from ._entry import Entry, Equals, Peer, Refused

ENTRIES: dict[str, Entry] = {}


def textbook_expectile(xp, x, t, q=0.9):
    e = x - t
    return xp.mean(xp.where(e < 0, q, 1 - q) * e**2)


ENTRIES["expectile"] = Entry(
    reference=lambda p, t, q: (q if p < t else 1 - q) * (p - t) ** 2,
    settings=[{"q": 0.8}],
    refused=[Refused({"q": 0.0}, r"must lie in \(0, 1\), got 0.0")],
    special_cases=[Equals({"q": 0.5}, "half_squared_error")],
    limits=({"q": 0.75}, -math.inf, math.inf),
    boosted=True,
    peers={"textbook": [Peer(textbook_expectile, settings={"q": 0.9})]},
)


def epsilon_insensitive(p, t, margin, squared):
    return max(mpf(0), abs(p - t) - margin) ** (2 if squared else 1)


def epsilon_insensitive_scale(p, t, margin, squared):
    e = abs(p - t)
    return mpf(0) if e <= margin else e * (2 * (e - margin) if squared else 1)


ENTRIES["epsilon_insensitive"] = Entry(
    reference=epsilon_insensitive,
    scale=epsilon_insensitive_scale,
    settings=[{"margin": 0.5, "squared": True}],
    refused=[
        Refused({"margin": -0.5}, "must be at least 0"),
        Refused({"squared": 1}, "must be a bool, got 1", TypeError),
    ],
    special_cases=[
        Equals({"margin": 0.0}, "absolute_error"),
        Equals({"margin": 0.0, "squared": True}, "squared_error"),
    ],
    limits=({"margin": 0.5}, -1.0, 1.0),
    peers={"textbook": [Peer(lambda xp, x, t: xp.mean(xp.maximum(0, xp.abs(x - t) - 0.1)))]},
)


def general_robust(p, t, alpha, scale):
    half = ((p - t) / scale) ** 2 / 2
    if alpha == 2:
        return half
    if alpha == 0:
        return mpmath.log1p(half)
    if alpha == -mpmath.inf:
        return -mpmath.expm1(-half)
    b = abs(alpha - 2)
    return b / alpha * mpmath.expm1(alpha / 2 * mpmath.log1p(2 * half / b))


ENTRIES["general_robust"] = Entry(
    reference=general_robust,
    exponential=True,
    settings=[{"alpha": -2.0, "scale": 0.5}, {"alpha": 0.0}, {"alpha": -math.inf}],
    refused=[
        Refused({"alpha": 2.5}, r"must lie in \[-inf, 2\], got 2.5"),
        Refused({"scale": 0.0}, "must be above 0"),
    ],
    special_cases=[
        Equals({"alpha": 2.0}, "half_squared_error"),
        Equals({"alpha": 2.0, "scale": 0.5}, "half_squared_error", factor=4.0),
        Equals({"alpha": 1.0}, "pseudo_huber"),
        Equals({"alpha": 1.0, "scale": 2.0}, "pseudo_huber", {"delta": 2.0}, factor=0.25),
        Equals({"alpha": 1e-9}, "cauchy"),
        Equals({"alpha": -1e9}, "welsch"),
    ],
    limits=({}, -1.0, 1.0),
    peers={"textbook": [Peer(lambda xp, x, t: xp.mean(xp.sqrt((x - t) ** 2 + 1) - 1))]},
)


def fair(p, t, scale):
    r = abs(p - t) / scale
    return scale**2 * (r - mpmath.log1p(r))


ENTRIES["fair"] = Entry(
    reference=fair,
    settings=[{"scale": 1.75}],
    refused=[Refused({"scale": 0.0}, "must be above 0")],
    special_cases=[Equals({"scale": 1e7}, "half_squared_error")],
    limits=({"scale": 1.75}, -1.75, 1.75),
    boosted=True,
    peers={"textbook": [Peer(lambda xp, x, t: xp.mean(xp.abs(x - t) - xp.log(1 + xp.abs(x - t))))]},
)


def wing(p, t, width, curvature):
    e = abs(p - t)
    if e < width:
        return width * mpmath.log1p(e / curvature)
    return e - (width - width * mpmath.log1p(width / curvature))


ENTRIES["wing"] = Entry(
    reference=wing,
    settings=[{"width": 2.0, "curvature": 0.5}],
    refused=[Refused({"width": 0.0}, "must be above 0"), Refused({"curvature": -1.0}, "must be above 0")],
    limits=({}, -1.0, 1.0),
    peers={
        "textbook": [
            Peer(
                lambda xp, x, t: xp.mean(
                    xp.where(
                        xp.abs(x - t) < 10, 10 * xp.log(1 + xp.abs(x - t) / 2), xp.abs(x - t) - 10 + 10 * math.log(6)
                    )
                )
            )
        ]
    },
)
