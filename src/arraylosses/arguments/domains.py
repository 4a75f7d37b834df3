"""What an array of a loss holds: which values it may have, how to draw some, and where its edges are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from .._array_api import Array, array_namespace, single_device
from .hints import closest

__all__ = ["DOMAINS", "Domain", "domain"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_INF = float("inf")


class Domain:
    """Real numbers; the base of what is narrower.

    Attributes
    ----------
    name : str
        How a declaration names it.
    values : str
        What a message calls its values.
    is_integer : bool
        Whether an integer array is meant, and not numbers that an integer one is converted to.
    of_axis : bool
        Whether its integers count places of an axis, or how many of them there are.
    is_named : bool
        Whether names of classes may stand for its values, numbered in any order.
    counts : bool
        Whether such an integer may be as large as the length of the axis that it belongs to, as a number of its places
        may, and a number of gaps between them; otherwise it is a place.
    limits : tuple of float
        The ends of the interval that numbers by themselves lie in.
    edges : tuple of float
        Where formulas break: ends, zeros of both signs, thresholds, the tiny and the huge.
    rows : tuple of tuple of float
        The same of vectors of five.
    """

    name = "real"
    values = "real numbers"
    is_integer = False
    of_axis = False
    is_named = False
    counts = False
    limits: tuple[float, float] = (-_INF, _INF)
    edges: tuple[float, ...] = (-1e4, -90.0, -1.0, -0.5, -1e-30, -0.0, 0.0, 1e-30, 0.25, 0.5, 0.75, 1.0, 90.0, 1e4)
    rows: tuple[tuple[float, ...], ...] = (
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (1.0, 1.0, 0.0, -1.0, 1.0),
        (1.0, 2.0, -1.0, 0.5, 0.0),
        (-1.0, -2.0, 1.0, -0.5, 0.0),
        (1e4, 0.0, -1e4, 0.0, 1e4),
        (-1e4, 1e4, 0.0, 1.0, 2.0),
        (0.0, 100.0, 0.0, 0.0, 0.0),
        (1e-30, 1e-30, 0.0, 0.0, 0.0),
        (1e4, 0.0, 0.0, 0.0, 0.0),
        (1.0, 1.0, 1.0, 1.0, 1.0),
    )

    def outside(self, x: Array) -> Array | None:
        """Return which values are outside by themselves, or None where none can be. NaN stands for no value."""
        return None

    def holds(self, x: Numbers, axis: int = -1) -> bool:
        """Whether these can be values of the domain, with its vectors along `axis`."""
        if self.is_integer and x.dtype.kind not in "iu":
            return False
        with np.errstate(all="ignore"):
            outside = self.outside(x)
            return outside is None or not bool(np.any(outside))

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        """Return values of the domain that stand for real numbers, with its vectors along `axis`."""
        return x

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], size: int = 1, axis: int = -1) -> Numbers:
        """Draw values of the domain in float64; integers below `size`, the length of the axis that they belong to."""
        return self.of_real(rng.normal(size=shape), axis)

    def neutral(self, x: Array, layout: tuple[int, ...] | None) -> Array | float:
        """Return what stands in for what `where` leaves out of `x`, whose axes at `layout` are none of the items'.

        It lies in the domain, away from any kink, so neither the loss nor its derivative there is anything but finite.
        """
        return 0.5

    def __repr__(self) -> str:
        return self.name


class Increasing(Domain):
    """Numbers that increase along their axis, such as thresholds."""

    name = "increasing"
    values = "numbers that increase along their axis"
    rows = (
        (-2.0, -1.0, 0.0, 1.0, 2.0),
        (-1.0, -0.5, 0.25, 0.5, 3.0),
        (-1e4, -1.0, 0.0, 1.0, 1e4),
        (-1e-30, 0.0, 1e-30, 1.0, 90.0),
        (90.0, 91.0, 92.0, 93.0, 1e4),
        (-1e4, -93.0, -92.0, -91.0, -90.0),
    )

    def holds(self, x: Numbers, axis: int = -1) -> bool:
        return super().holds(x, axis) and bool(x.ndim and np.all(np.diff(x, axis=axis) >= 0))

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return np.sort(x, axis=axis)

    def neutral(self, x: Array, layout: tuple[int, ...] | None) -> Array:
        (axis,) = layout or (-1,)
        shape = [1] * x.ndim
        shape[axis] = x.shape[axis]
        xp = array_namespace(x)
        return xp.reshape(xp.arange(x.shape[axis], dtype=x.dtype, device=single_device(x, to_make=True)), tuple(shape))


class Nonnegative(Domain):
    """Numbers of at least 0, such as counts."""

    name = "nonnegative"
    values = "numbers of at least 0"
    limits = (0.0, _INF)
    edges = (0.0, 1e-30, 0.5, 1.0, 2.0, 1e4)
    rows = tuple(tuple(abs(v) for v in row) for row in Domain.rows)

    def outside(self, x: Array) -> Array:
        return x < 0

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return np.abs(x)


class AboveMinusOne(Domain):
    """Numbers above -1, to which 1 is added before a logarithm is taken."""

    name = "above_minus_one"
    values = "numbers above -1"
    limits = (-1.0, _INF)
    edges = (-0.9375, -0.5, -1e-30, *Nonnegative.edges)

    def outside(self, x: Array) -> Array:
        return x <= -1

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return np.abs(x) - 0.5


class LogNonnegative(Domain):
    """Logarithms of numbers of at least 0."""

    name = "log_nonnegative"
    values = "logarithms of numbers of at least 0"
    edges = (-_INF, -80.0, -1.0, 0.0, 1.0, 80.0)
    rows = ((0.0, -1.0, 2.0, -80.0, 10.0), (-_INF, 0.0, 1.0, -_INF, 3.0), (-1e-30, 0.0, 1e-30, 5.0, 5.0)) * 2

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return np.clip(x, -80.0, 80.0)  # of what float32 holds


class Positive(Domain):
    """Numbers above 0, such as rates."""

    name = "positive"
    values = "numbers above 0"
    limits = Nonnegative.limits
    edges = Nonnegative.edges  # 0 is the limit of a rate

    def outside(self, x: Array) -> Array:
        return x <= 0

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return np.exp(x / 2)


class Probability(Domain):
    """Probabilities, each by itself."""

    name = "probability"
    values = "probabilities, from 0 to 1"
    is_named = True
    limits = (0.0, 1.0)
    edges = (0.0, 1e-7, 0.125, 0.25, 0.5, 0.875, 1.0)

    def outside(self, x: Array) -> Array:
        return (x < 0) | (x > 1)

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return 1 / (1 + np.exp(-x))


class Distribution(Probability):
    """Probabilities that add up to 1."""

    name = "distribution"
    is_named = False
    rows = (
        (0.2, 0.2, 0.2, 0.2, 0.2),
        (0.0, 1.0, 0.0, 0.0, 0.0),
        (0.0, 0.5, 0.25, 0.0, 0.25),
        (0.125, 0.875, 0.0, 0.0, 0.0),
        (1e-7, 1.0 - 1e-7, 0.0, 0.0, 0.0),
        (1.0, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 1.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 1.0, 0.0),
        (0.0, 0.0, 0.0, 0.0, 1.0),
    )

    def holds(self, x: Numbers, axis: int = -1) -> bool:
        return super().holds(x) and bool(x.ndim and np.allclose(x.sum(axis=axis), 1, rtol=0, atol=1e-3))

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        powers: Numbers = np.exp(x - x.max(axis=axis, keepdims=True))
        total: Numbers = powers.sum(axis=axis, keepdims=True)
        return np.divide(powers, total)


class LogDistribution(Domain):
    """Logarithms of probabilities that add up to 1."""

    name = "log_distribution"
    values = "logarithms of probabilities, at most 0"
    rows = tuple(tuple(float(np.log(v)) if v else -_INF for v in row) for row in Distribution.rows)

    def outside(self, x: Array) -> Array:
        return x > 0

    def holds(self, x: Numbers, axis: int = -1) -> bool:
        with np.errstate(all="ignore"):
            return DOMAINS["distribution"].holds(np.exp(x), axis)

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        rest = x - x.max(axis=axis, keepdims=True)
        shifted: Numbers = rest - np.log(np.exp(rest).sum(axis=axis, keepdims=True))
        return shifted


class LogProbability(Domain):
    """Logarithms of probabilities, each by itself."""

    name = "log_probability"
    values = LogDistribution.values
    limits = (-_INF, 0.0)
    edges = (-1e4, -90.0, -1.0, -0.5, -0.25, -1e-7, -0.0)

    def outside(self, x: Array) -> Array:
        return x > 0

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return -np.logaddexp(0.0, -x)

    def neutral(self, x: Array, layout: tuple[int, ...] | None) -> Array | float:
        return -0.5


class Sign(Domain):
    """-1 or 1."""

    name = "sign"
    values = "-1 or 1"
    is_named = True
    edges = (-1.0, 1.0)

    def outside(self, x: Array) -> Array:
        return (x < -1) | (x > 1) | ((x > -1) & (x < 1))

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return np.where(x < 0, -1.0, 1.0)


class Box(Domain):
    """Boxes by two of their corners: the lower ends of both sides, then the upper ones."""

    name = "box"
    values = "boxes"
    rows: tuple[tuple[float, ...], ...] = (
        (0.0, 0.0, 1.0, 1.0),
        (0.25, 0.5, 2.0, 1.5),
        (0.25, 0.25, 0.5, 0.75),
        (1.0, 0.0, 2.0, 1.0),
        (5.0, 5.0, 6.0, 7.0),
        (0.5, 0.5, 0.5, 0.5),
        (0.0, 0.5, 1.0, 0.5),
        (2.0, 2.0, 2.0, 2.0),
        (-1e4, -1e4, 1e4, 1e4),
        (0.0, 0.0, 1e-4, 1e-4),
    )

    def holds(self, x: Numbers, axis: int = -1) -> bool:
        low, high = np.split(x, 2, axis=axis)
        return bool(np.all(low <= high))

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        center, half = np.split(x, 2, axis=axis)
        return np.concatenate([center - np.abs(half), center + np.abs(half)], axis=axis)


class SizedBox(Box):
    """Boxes by their centre, or by the lower ends of both sides, and the lengths of their sides."""

    name = "sized_box"
    rows = tuple(((a + c) / 2, (b + d) / 2, c - a, d - b) for a, b, c, d in Box.rows)

    def holds(self, x: Numbers, axis: int = -1) -> bool:
        return bool(np.all(np.split(x, 2, axis=axis)[1] >= 0))

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        point, half = np.split(x, 2, axis=axis)
        return np.concatenate([point, 2 * np.abs(half)], axis=axis)


class Cosine(Domain):
    """Cosines of angles."""

    name = "cosine"
    values = "cosines, from -1 to 1"
    limits = (-1.0, 1.0)
    edges = (-1.0, -0.5, -0.0, 0.0, 1e-30, 0.5, 1.0)

    def outside(self, x: Array) -> Array:
        most = 1 + 2**-6  # to which a product of two vectors of length 1 may be rounded in bfloat16
        return (x < -most) | (x > most)

    def of_real(self, x: Numbers, axis: int = -1) -> Numbers:
        return np.tanh(x / 2)


class Class(Domain):
    """Integer labels in [0, C), for the length C of an axis."""

    name = "class"
    values = "integer labels"
    is_integer = True
    of_axis = True
    is_named = True

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], size: int = 1, axis: int = -1) -> Numbers:
        return rng.integers(0, size, size=shape)


class Length(Class):
    """How much of an axis is in use: integers in [0, T], for its length T."""

    name = "length"
    values = "integer lengths"
    is_named = False
    counts = True

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], size: int = 1, axis: int = -1) -> Numbers:
        return rng.integers((size + 1) // 2, size + 1, size=shape)


class Id(Domain):
    """Any integers: equal ones belong together."""

    name = "id"
    values = "integer ids"
    is_integer = True
    is_named = True

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], size: int = 1, axis: int = -1) -> Numbers:
        return rng.choice(np.asarray([-7, 0, 3, 10**6]), size=shape)


class Level(Class):
    """Integer labels in [0, K] of ordered classes, which are parted by K thresholds."""

    name = "level"
    is_named = False
    counts = True

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], size: int = 1, axis: int = -1) -> Numbers:
        return rng.integers(0, size + 1, size=shape)


DOMAINS: dict[str, Domain] = {
    kind.name: kind()
    for kind in (
        Domain,
        Increasing,
        Nonnegative,
        AboveMinusOne,
        LogNonnegative,
        Positive,
        Probability,
        Distribution,
        LogDistribution,
        LogProbability,
        Sign,
        Cosine,
        Box,
        SizedBox,
        Class,
        Length,
        Level,
        Id,
    )
}


def domain(name: str, known: Iterable[str] = DOMAINS) -> Domain:
    """Return the domain of a name."""
    if name not in DOMAINS:
        said = ", ".join(repr(one) for one in known)
        raise ValueError(f"`arrays` must declare domains of {said}, got {name!r}{closest(name, known)}")
    return DOMAINS[name]
