"""What the references of several losses share: functions of numbers and of rows, with mpmath at 50 digits.

The references are the formulas of the papers that the docstrings name, written as a textbook has them; nothing is
shared with the package. Numbers come in as the exact values of the floats that the loss was given, settings in the
dtype of the computation where they meet the arrays.

A sum whose terms have both signs passes through 0, where no digits can be asked of it: each term is rounded by itself.
The error is then measured in the units of the largest term, which a function `..._scale` gives. So it is with what is
rounded within a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
from mpmath import mpf

mpmath.mp.dps = 50

Row = Sequence[Any]


def entropy_term(t: Any, log_p: Any) -> Any:
    return mpf(0) if t == 0 else -t * log_p


def log(x: Any) -> Any:
    return mpmath.log(x) if x > 0 else mpf("-inf")


def softmax(z: Row) -> list[Any]:
    top = max(z)
    powers = [mpmath.exp(v - top) if v > mpf("-inf") else mpf(0) for v in z]
    return [p / mpmath.fsum(powers) for p in powers]


def log_softmax(z: Row) -> list[Any]:
    top = max(z)
    total = mpmath.fsum(mpmath.exp(v - top) for v in z if v > mpf("-inf"))
    # log1p of all others, so that 50 digits are enough for an item that is all but certain
    others = list(z)
    others.remove(top)
    rest = mpmath.fsum(mpmath.exp(v - top) for v in others if v > mpf("-inf"))
    assert mpmath.almosteq(total, 1 + rest)
    return [v - top - mpmath.log1p(rest) for v in z]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def one_hot(label: Any, classes: int) -> list[Any]:
    return [mpf(int(c == label)) for c in range(classes)] if not isinstance(label, list) else label


def smoothed(label: Any, classes: int, label_smoothing: Any) -> list[Any]:
    return [(1 - label_smoothing) * t + label_smoothing / classes for t in one_hot(label, classes)]


def limited(x: Any, low: Any, high: Any) -> Any:
    return [limited(v, low, high) for v in x] if isinstance(x, list) else min(max(x, low), high)
