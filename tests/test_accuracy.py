"""Each loss, item by item, against mpmath with 50 digits: within 4 units in the last place in float64, 8 in float32.

A unit in the last place is what `unit_of` says it is; the catalogue has the formulas and their largest terms. The
largest error of each loss is printed at the end of its test (`pytest -s`, or in the report of a failure).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses.arguments import DOMAINS

from .cases import CASES, DEFAULTS, Case

LIMIT = {"float64": 4.0, "float32": 8.0}
SETTINGS_LIMIT = {"float64": 6.0, "float32": 12.0}
"""Off the defaults, where smoothing, a power or a weight adds factors."""


def random_numbers(rng: np.random.Generator, size: int, low: float, high: float) -> np.ndarray:
    """Numbers of both signs, of all magnitudes between 10^low and 10^high."""
    return rng.choice([-1.0, 1.0], size) * 10.0 ** rng.uniform(low, high, size)


def pairs(rng: np.random.Generator, dtype: str, *, positive: bool = False) -> list[np.ndarray]:
    """Predictions and targets: errors of all magnitudes, equal ones, neighbours, zeros, the tiny and the huge."""
    n = 120
    target = random_numbers(rng, n, -3, 3)
    target = np.abs(target) if positive else target
    small = 10.0 ** rng.uniform(-12, 0, n)
    near = target * (1 + rng.choice([-1, 1], n) * small)
    other = random_numbers(rng, n, -6, 4)
    other = np.abs(other) if positive else other
    single = target.astype(dtype)
    neighbour = np.nextafter(single, np.asarray(np.inf, dtype)).astype("float64")
    errors = random_numbers(rng, n, -12, 6)
    extreme = random_numbers(rng, n, -18, 17)
    zero = np.zeros(n)
    prediction = np.concatenate(
        [
            near,
            other,
            neighbour,
            single.astype("float64"),
            np.abs(errors) if positive else errors,
            np.abs(extreme) if positive else extreme,
        ]
    )
    return [
        prediction.astype(dtype),
        np.concatenate([target, target, single.astype("float64"), single, zero, zero]).astype(dtype),
    ]


def counts(rng: np.random.Generator, dtype: str, *, positive: bool) -> list[np.ndarray]:
    """Logarithms of rates, with counts or amounts that were drawn at them, and with amounts that they nearly are."""
    x = rng.uniform(-8, 6, 300)
    target = np.exp(x) * 10.0 ** rng.uniform(-3, 3, 300) if positive else rng.poisson(np.exp(np.minimum(x, 4)) + 1)
    near = np.exp(x) * (1 + rng.normal(size=300) * 10.0 ** rng.uniform(-9, -1, 300))
    return [np.tile(x, 2).astype(dtype), np.concatenate([target, near]).astype(dtype)]


def beside(rng: np.random.Generator, shape: tuple[int, ...], domain: str) -> np.ndarray:
    """What is given beside prediction and target: signs, spreads of many sizes, or their logarithms."""
    if domain == "sign":
        return rng.choice([-1.0, 1.0], shape)
    return rng.uniform(-8, 8, shape) if domain == "real" else 10.0 ** rng.uniform(-3, 3, shape)


def logits(rng: np.random.Generator, size: int) -> np.ndarray:
    """Logits of all sizes up to 1e4, and 0."""
    return np.concatenate([random_numbers(rng, size, -8, 4), rng.uniform(-40, 40, size), [0.0, 1e4, -1e4, 88.0, -88.0]])


def probabilities(rng: np.random.Generator, size: int) -> np.ndarray:
    """Probabilities, those near 0 and 1 among them."""
    near = 10.0 ** rng.uniform(-7, -1, size)
    return np.concatenate([rng.uniform(size=size), near, 1 - near, [0.5, 0.25]])


def rows(rng: np.random.Generator, classes: int, dtype: str) -> np.ndarray:
    """Rows of scores: all scales, ties, one far above or below the rest, nearly equal ones, log Σ exp about 0."""
    n = 40
    scales = rng.choice([1e-3, 1.0, 5.0, 30.0, 1e3, 1e4], size=(n, 1))
    spread = rng.normal(size=(n, classes)) * scales
    offset = rng.normal(size=(n, classes)) + 10.0 ** rng.uniform(0, 4, size=(n, 1))
    lone = rng.normal(size=(n, classes))
    lone[np.arange(n), rng.integers(0, classes, n)] += rng.uniform(-60, 60, n)
    tied = np.repeat(rng.normal(size=(n, 1)), classes, axis=1)
    tied[n // 2 :, 0] += 1
    total = np.log(np.sum(np.exp(lone), axis=1, keepdims=True))
    normalized = lone - total + rng.normal(size=(n, 1)) * 10.0 ** rng.uniform(-17, 0, size=(n, 1))
    return np.concatenate([spread, offset, lone, tied, normalized]).astype(dtype)


def vectors(rng: np.random.Generator, dtype: str) -> list[np.ndarray]:
    """Pairs of vectors: unrelated, nearly orthogonal, nearly parallel, equal, scaled, opposite."""
    n = 40
    x = np.concatenate([rng.normal(size=(n, 5)), rng.normal(size=(n, 5)) * 10.0 ** rng.uniform(-6, 6, size=(n, 1))] * 3)
    y = rng.normal(size=x.shape)
    m = 2 * n
    y[m : m + n] = x[m : m + n] * (1 + rng.normal(size=(n, 5)) * 10.0 ** rng.uniform(-6, -1, size=(n, 1)))
    y[m + n : 2 * m] = x[m + n : 2 * m] * rng.choice([1.0, -1.0, 2.0, 3.0], size=(n, 1))
    lead = y[2 * m :]
    across = x[2 * m :]
    y[2 * m :] = lead - across * (np.sum(lead * across, -1) / np.sum(across**2, -1))[:, None] * rng.uniform(
        0.9, 1, (m, 1)
    )
    return [x.astype(dtype), y.astype(dtype)]


def boxes(rng: np.random.Generator, case: Case, dtype: str) -> tuple[np.ndarray, ...]:
    """Pairs of boxes: unrelated, nearly equal, equal, one in the other, far apart, thin, far from the origin."""
    domain = case.loss.declaration.arguments[0].domain
    n = 40
    scale = 10.0 ** rng.uniform(-3, 3, size=(n, 1))
    unrelated = [domain.of_real(rng.normal(size=(n, 4)) * scale) for _ in range(2)]
    thin = [domain.of_real(rng.normal(size=(n, 4)) * [1.0, 1.0, 1e-4, 1.0]) for _ in range(2)]
    base = domain.of_real(rng.normal(size=(n, 4)) + np.asarray([100.0, 100.0, 0.0, 0.0]))
    near = domain.of_real(base * (1 + rng.normal(size=(n, 4)) * 10.0 ** rng.uniform(-9, -2, size=(n, 1))))
    near = near if domain.name == "sized_box" else np.concatenate([base[:, :2], np.maximum(base, near)[:, 2:]], axis=1)
    first = np.concatenate([unrelated[0], thin[0], base, base]).astype(dtype)
    return first, np.concatenate([unrelated[1], thin[1], near, base]).astype(dtype)


def labels_of(rng: np.random.Generator, case: Case, count: int, classes: int, dtype: str) -> np.ndarray:
    if not case.soft:
        return rng.integers(0, classes, count)
    soft = rng.dirichlet(np.ones(classes), count)
    soft[::4] = np.eye(classes)[rng.integers(0, classes, len(soft[::4]))]
    return soft.astype(dtype)


def accuracy_inputs(case: Case, dtype: str) -> tuple[np.ndarray, ...]:
    """Random and extreme inputs for a loss; the class or feature axis is the last."""
    rng = np.random.default_rng(20)
    domains = case.loss.declaration.domains
    if not case.rows:
        if domains[0] == "probability":
            p = probabilities(rng, 150)
            return p.astype(dtype), rng.choice([0.0, 1.0, 0.25, 0.9], p.shape).astype(dtype)
        if domains[1:] == ("probability",):
            z = logits(rng, 200)
            return z.astype(dtype), rng.choice([0.0, 1.0, 0.25, 0.9], z.shape).astype(dtype)
        if domains == ("real", "sign"):
            z = logits(rng, 200)
            return z.astype(dtype), rng.choice([-1.0, 1.0], z.shape).astype(dtype)
        if domains[0] == "log_probability":
            logs = [-(10.0 ** rng.uniform(-6, 1.8, 300)) for _ in domains]
            logs[1][::5] = logs[0][::5]
            signs = rng.choice([-1.0, 1.0], 300)
            of_domain = {"sign": signs, "real": signs * 10.0 ** rng.uniform(-3, 3, 300)}
            return tuple(of_domain.get(d, x).astype(dtype) for d, x in zip(domains, logs, strict=True))
        if domains[0] == "real" and domains[1] in ("nonnegative", "positive"):
            two = counts(rng, dtype, positive=domains[1] == "positive")
        else:
            two = pairs(rng, dtype, positive=domains[0] != "real")
            if domains[1] == "positive":
                two[1] = np.where(two[1] == 0, np.asarray(1, dtype), two[1])
        return (*two, *(beside(rng, two[0].shape, domain).astype(dtype) for domain in domains[2:]))
    if domains[0] == "distribution" or domains[0] == "log_distribution":
        p = rng.dirichlet(np.ones(5), 150)
        near = p * (1 + rng.normal(size=p.shape) * 10.0 ** rng.uniform(-9, -1, size=(150, 1)))
        near = near / np.sum(near, -1, keepdims=True)
        first = np.concatenate([rng.dirichlet(np.ones(5), 150), near])
        target = np.concatenate([p, p])
        target[::7, 2] = 0.0
        target = target / np.sum(target, -1, keepdims=True)
        if domains[1] == "class":
            target = labels_of(rng, case, len(first), 5, dtype)
        elif domains[1] == "log_distribution":
            target = np.log(np.concatenate([p, p]))
        first = np.log(first) if domains[0] == "log_distribution" else first
        return first.astype(dtype), target.astype(dtype) if target.dtype.kind == "f" else target
    if domains[0] in ("box", "sized_box"):
        return boxes(rng, case, dtype)
    if domains[1] in ("class", "level"):
        z = DOMAINS[domains[0]].of_real(rows(rng, 5, dtype))
        return z, labels_of(rng, case, len(z), 5 + (domains[1] == "level"), dtype)
    if domains[1] == "probability":
        z = rows(rng, 5, dtype)
        return z, rng.choice([0.0, 1.0, 0.25, 0.9], z.shape).astype(dtype)
    x, y = (DOMAINS[name].of_real(x).astype(dtype) for name, x in zip(domains, vectors(rng, dtype), strict=False))
    if case.row_arrays() == (True, False):
        return x, y[:, 0]
    if domains[2:] == ("sign",):
        return x, y, rng.choice([-1.0, 1.0], len(x)).astype(dtype)
    return (x, y, np.roll(y, 7, axis=0)) if len(domains) == 3 else (x, y)


def exact_settings(case: Case, dtype: str) -> dict[str, Any]:
    """The settings as the computation has them: numbers in its dtype."""

    def rounded(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(rounded(v) for v in value)
        return mpmath.mpf(float(np.dtype(dtype).type(value))) if isinstance(value, float) else value

    names = [n for n in al.serialize(case.loss)["settings"] if n not in ("reduction", "axis")]
    return {n: rounded(getattr(case.loss, n)) for n in names}


def as_exact(x: Any) -> Any:
    if isinstance(x, np.ndarray) and x.ndim:
        return [as_exact(v) for v in x]
    return mpmath.mpf(float(x)) if isinstance(x, np.floating) else int(x)


def unit_of(case: Case, dtype: str, exact: Any, largest_term: Any) -> float:
    """The unit in which an error is measured: the spacing of floats at the result, or at its largest term.

    It is multiplied by |log result| where that is an exponential: the exponent is rounded, and so the result is off by
    as many units as the exponent is large.
    """
    size = max(abs(exact), largest_term)
    unit = float(np.spacing(max(np.finfo(dtype).smallest_normal, np.dtype(dtype).type(float(size)))))
    return unit * max(1.0, float(abs(mpmath.log(size)))) if case.entry.exponential and size else unit


def largest_error(case: Case, dtype: str, arrays, got: np.ndarray) -> tuple[float, str]:
    """The largest error in units in the last place, and where it is."""
    settings = exact_settings(case, dtype)
    info = np.finfo(dtype)
    worst, at = 0.0, ""
    for k, value in enumerate(got):
        item = [as_exact(x[k]) for x in arrays]
        exact = case.entry.reference(*item, **settings)
        if abs(exact) > float(info.max):
            error = 0.0 if np.isinf(value) else np.inf
        else:
            scale = case.entry.scale
            unit = unit_of(case, dtype, exact, scale(*item, **settings) if scale else mpmath.mpf(0))
            gap = abs(mpmath.mpf(float(value)) - exact) if np.isfinite(value) else mpmath.mpf("inf")
            # Some libraries take what is below the smallest normal number for 0.
            error = (
                0.0
                if abs(exact) < float(info.smallest_normal) and gap <= float(info.smallest_normal)
                else float(gap / unit)
            )
        if not error <= worst:
            worst, at = error, f"{[x[k].tolist() for x in arrays]} gives {value!r}, exactly {mpmath.nstr(exact, 20)}"
    return worst, at


@pytest.mark.numbers
@pytest.mark.every_loss
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_item_is_within_a_few_units_in_the_last_place(variant, case):
    for dtype in variant.dtypes:
        arrays = accuracy_inputs(case, dtype)
        if case not in DEFAULTS or variant.name != "numpy":  # the formula has been through all of them there
            arrays = [x[::3] for x in arrays]
        loss = replace(case.loss, reduction="none", **({"axis": -1} if case.rows else {}))
        if "ignore_index" in type(loss).__dataclass_fields__:
            loss = replace(loss, class_weight=None, ignore_index=None)
        if isinstance(getattr(loss, "pos_weight", None), tuple):
            pytest.skip("one weight a label: the single weight covers its arithmetic")
        with np.errstate(over="ignore"):  # of an exponential that the dtype has not
            got = variant.numpy(variant.run(loss, *(variant.array(x) for x in arrays)))
        worst, at = largest_error(Case(case.name, loss, case.soft), dtype, arrays, got)
        print(f"{variant} {dtype} {case}: {worst:.2f} ULP")
        assert worst <= (LIMIT if case in DEFAULTS else SETTINGS_LIMIT)[dtype], at
