"""Each loss of one item by its published formula, with mpmath at 50 digits: the independent source of the values.

The formulas are those of the papers that the docstrings name, written as a textbook has them; nothing is shared with
the package. Numbers come in as the exact values of the floats that the loss was given, settings in the dtype of the
computation where they meet the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
from mpmath import mpf

mpmath.mp.dps = 50

Row = Sequence[Any]


def _entropy_term(t: Any, log_p: Any) -> Any:
    return mpf(0) if t == 0 else -t * log_p


def _log(x: Any) -> Any:
    return mpmath.log(x) if x > 0 else mpf("-inf")


def _softmax(z: Row) -> list[Any]:
    top = max(z)
    powers = [mpmath.exp(v - top) if v > mpf("-inf") else mpf(0) for v in z]
    return [p / mpmath.fsum(powers) for p in powers]


def _log_softmax(z: Row) -> list[Any]:
    top = max(z)
    total = mpmath.fsum(mpmath.exp(v - top) for v in z if v > mpf("-inf"))
    # log1p of all others, so that 50 digits are enough for an item that is all but certain
    others = list(z)
    others.remove(top)
    rest = mpmath.fsum(mpmath.exp(v - top) for v in others if v > mpf("-inf"))
    assert mpmath.almosteq(total, 1 + rest)
    return [v - top - mpmath.log1p(rest) for v in z]


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def _one_hot(label: Any, classes: int) -> list[Any]:
    return [mpf(int(c == label)) for c in range(classes)] if not isinstance(label, list) else label


def squared_error(p, t):
    return (p - t) ** 2


def half_squared_error(p, t):
    return (p - t) ** 2 / 2


def absolute_error(p, t):
    return abs(p - t)


def huber(p, t, delta):
    e = abs(p - t)
    return e**2 / 2 if e <= delta else delta * (e - delta / 2)


def smooth_l1(p, t, beta):
    e = abs(p - t)
    return e**2 / (2 * beta) if e < beta else e - beta / 2


def pseudo_huber(p, t, delta):
    return _hypot_minus_one((p - t) / delta) * delta**2


def _hypot_minus_one(r):
    return r**2 / (mpmath.sqrt(1 + r**2) + 1)


def log_cosh(p, t):
    e = abs(p - t)
    return e + mpmath.log1p(mpmath.expm1(-2 * e) / 2) if e > 1 else mpmath.log1p(2 * mpmath.sinh(e / 2) ** 2)


def quantile(p, t, q):
    return q * (t - p) if t >= p else (1 - q) * (p - t)


def absolute_percentage_error(p, t, percent, epsilon):
    return (100 if percent else 1) * abs(p - t) / max(abs(t), epsilon)


def squared_logarithmic_error(p, t):
    return (mpmath.log1p(p) - mpmath.log1p(t)) ** 2


def poisson_nll(p, t, from_log, full, epsilon):
    value = mpmath.exp(p) - t * p if from_log else p - (0 if t == 0 else t * mpmath.log(p + epsilon))
    if full and t > 1:
        value += t * mpmath.log(t) - t + mpmath.log(2 * mpmath.pi * t) / 2
    return value


NO_FLOOR = mpf("-inf")


def binary_cross_entropy(p, t, from_logits, pos_weight, label_smoothing, log_floor=NO_FLOOR):
    yes, no = _binary_surprises(p, from_logits, log_floor)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    return (1 if pos_weight is None else pos_weight) * _entropy_term(t, -yes) + _entropy_term(1 - t, -no)


def _binary_surprises(p, from_logits, log_floor=NO_FLOOR):
    if from_logits:
        return mpmath.log1p(mpmath.exp(-p)), mpmath.log1p(mpmath.exp(p))
    return -max(_log(p), log_floor), -max(_log(1 - p), log_floor)


def binary_focal(p, t, gamma, alpha, from_logits, label_smoothing):
    yes, no = _binary_surprises(p, from_logits)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    q, p = (_sigmoid(-p), _sigmoid(p)) if from_logits else (1 - p, p)
    value = (_entropy_term(t, -yes) + _entropy_term(1 - t, -no)) * (t * q + (1 - t) * p) ** gamma
    return value if alpha is None else value * (alpha * t + (1 - alpha) * (1 - t))


def hinge(p, t):
    return max(mpf(0), 1 - t * p)


def squared_hinge(p, t):
    return max(mpf(0), 1 - t * p) ** 2


def soft_margin(p, t):
    return mpmath.log1p(mpmath.exp(-t * p))


def _log_probabilities(z, from_logits):
    return _log_softmax(z) if from_logits else [_log(v) for v in z]


def _smoothed(label, classes, label_smoothing):
    return [(1 - label_smoothing) * t + label_smoothing / classes for t in _one_hot(label, classes)]


def cross_entropy(z, label, from_logits, label_smoothing, z_loss, softcap, **_):
    target = _smoothed(label, len(z), label_smoothing)
    z = _softcapped(z, softcap)
    logs = _log_probabilities(z, from_logits)
    value = mpmath.fsum(_entropy_term(t, v) for t, v in zip(target, logs, strict=True))
    return value + z_loss * mpmath.log(mpmath.fsum(map(mpmath.exp, z))) ** 2 if z_loss else value


def _softcapped(z, softcap):
    return z if softcap is None else [softcap * mpmath.tanh(v / softcap) for v in z]


def nll(logs, label, **_):
    return mpmath.fsum(_entropy_term(t, v) for t, v in zip(_one_hot(label, len(logs)), logs, strict=True))


def categorical_focal(z, label, gamma, alpha, from_logits, label_smoothing, **_):
    target = _smoothed(label, len(z), label_smoothing)
    logs = _log_probabilities(z, from_logits)
    if from_logits:
        p = _softmax(z)
        rest = [mpmath.fsum(p[:k] + p[k + 1 :]) for k in range(len(p))]
    else:
        rest = [1 - mpmath.exp(v) for v in logs]
    alphas = list(alpha) if isinstance(alpha, tuple) else [1 if alpha is None else alpha] * len(z)
    terms = zip(target, logs, rest, alphas, strict=True)
    return mpmath.fsum(_entropy_term(t, v) * a * r**gamma for t, v, r, a in terms)


def categorical_hinge(z, label, margin, **_):
    gaps = [max(mpf(0), margin + max(z[:k] + z[k + 1 :]) - z[k]) for k in range(len(z))]
    return mpmath.fsum(t * g for t, g in zip(_one_hot(label, len(z)), gaps, strict=True))


def kl_divergence(logs, target, from_log, log_target, **_):
    logs = logs if from_log else [_log(v) for v in logs]
    target = [mpmath.exp(v) for v in target] if log_target else target
    return mpmath.fsum(t * (mpmath.log(t) - v) for t, v in zip(target, logs, strict=True) if t != 0)


def _cosine(x, y):
    lengths = mpmath.sqrt(mpmath.fdot(x, x) * mpmath.fdot(y, y))
    return mpmath.fdot(x, y) / lengths if lengths else mpf(0)


def cosine_similarity(x, y, **_):
    return -_cosine(x, y)


def cosine_embedding(x, y, t, margin, **_):
    return 1 - _cosine(x, y) if t > 0 else max(mpf(0), _cosine(x, y) - margin)


def hinge_embedding(d, t, margin):
    return d if t > 0 else max(mpf(0), margin - d)


def margin_ranking(x, y, t, margin):
    return max(mpf(0), margin - t * (x - y))


def _length(x, y, p, epsilon=0):
    return mpmath.norm([u - v + epsilon for u, v in zip(x, y, strict=True)], p)


def triplet_margin(anchor, positive, negative, margin, p, swap, epsilon=0):
    far = _length(anchor, negative, p, epsilon)
    far = min(far, _length(positive, negative, p, epsilon)) if swap else far
    return max(mpf(0), margin + _length(anchor, positive, p, epsilon) - far)


# The dialects: what a framework does to its arrays first, by its documentation


def _limited(x, low, high):
    return [_limited(v, low, high) for v in x] if isinstance(x, list) else min(max(x, low), high)


def _renormalized(x, epsilon):
    return _limited([v / mpmath.fsum(x) for v in x], epsilon, 1 - epsilon)


def keras_binary_crossentropy(p, t, epsilon, from_logits, **settings):
    p = p if from_logits else _limited(p, epsilon, 1 - epsilon)
    return binary_cross_entropy(p, t, from_logits, **settings)


def keras_binary_focal_crossentropy(p, t, epsilon, from_logits, **settings):
    p = p if from_logits else _limited(p, epsilon, 1 - epsilon)
    return binary_focal(p, t, from_logits=from_logits, **settings)


def keras_categorical_crossentropy(z, label, epsilon, from_logits, **settings):
    return cross_entropy(z if from_logits else _renormalized(z, epsilon), label, from_logits, **settings)


def keras_categorical_focal_crossentropy(z, label, epsilon, from_logits, **settings):
    z = z if from_logits else _renormalized(z, epsilon)
    return categorical_focal(z, label, from_logits=from_logits, **settings)


def keras_kl_divergence(p, t, epsilon):
    return kl_divergence(*(_limited(x, epsilon, mpf(1)) for x in (p, t)), from_log=False, log_target=False)


def keras_mean_squared_logarithmic_error(p, t, epsilon):
    return squared_logarithmic_error(max(p, epsilon), max(t, epsilon))


torch_bce_loss = binary_cross_entropy
torch_triplet_margin_loss = triplet_margin


# A sum whose terms have both signs passes through 0, where no digits can be asked of it: each term is rounded by
# itself. The error is then measured in the units of the largest term. So it is with what is rounded within a formula.


def _cosine_scale(x, y):
    lengths = mpmath.sqrt(mpmath.fdot(x, x) * mpmath.fdot(y, y))
    return max(abs(u * v) for u, v in zip(x, y, strict=True)) / lengths if lengths else mpf(0)


def cosine_similarity_scale(x, y, **_):
    return _cosine_scale(x, y)


def cosine_embedding_scale(x, y, t, margin, **_):
    return mpf(1) if t > 0 else max(margin, _cosine_scale(x, y))


def margin_ranking_scale(x, y, t, margin):
    return max(abs(v) for v in (x, y, margin))


def poisson_nll_scale(p, t, from_log, full, epsilon):
    terms = [mpmath.exp(p), t * p] if from_log else [p, t * mpmath.log(p + epsilon)]
    return max(abs(v) for v in [*terms, *([t * mpmath.log(t)] if full and t > 1 else [])])


def triplet_margin_scale(anchor, positive, negative, margin, p, epsilon=0, **_):
    return max(margin, *[_length(anchor, x, p, epsilon) for x in (positive, negative)])


torch_triplet_margin_loss_scale = triplet_margin_scale


def cross_entropy_scale(z, label, label_smoothing, z_loss, softcap, **_):
    # A capped logit is rounded in its own units before the softmax; Σ |capped dl/dcapped| is what the loss makes of it.
    if softcap is None:
        return 0
    target, z = _smoothed(label, len(z), label_smoothing), _softcapped(z, softcap)
    pull = 2 * z_loss * mpmath.log(mpmath.fsum(map(mpmath.exp, z)))
    p = _softmax(z)
    # p Σ t - t without what the two have in common, as in an item that is all but certain
    others = [[mpmath.fsum(x[:k] + x[k + 1 :]) for k in range(len(z))] for x in (p, target)]
    slopes = [q * (t_rest + pull) - t * q_rest for q, t, q_rest, t_rest in zip(p, target, *others, strict=True)]
    return mpmath.fsum(abs(v * slope) for v, slope in zip(z, slopes, strict=True))


def kl_divergence_scale(logs, target, from_log, log_target, **_):
    # Below 0 it may be raised to 0, by a few units of the sums of the rows, which are 1 but for rounding.
    if kl_divergence(logs, target, from_log, log_target) < 0:
        return mpf(1)
    log_target = target if log_target else [_log(t) for t in target]
    logs = logs if from_log else [_log(v) for v in logs]
    pairs = [(t, v) for t, v in zip(log_target, logs, strict=True) if t > mpf("-inf")]
    return max(mpmath.exp(t) * max(abs(t), abs(v)) for t, v in pairs)


def keras_kl_divergence_scale(p, t, epsilon):
    return kl_divergence_scale(*(_limited(x, epsilon, mpf(1)) for x in (p, t)), from_log=False, log_target=False)


def keras_categorical_crossentropy_scale(z, label, from_logits, **settings):
    return cross_entropy_scale(z, label, **settings) if from_logits else 0


def reference(name: str) -> Callable[..., Any]:
    """Return the reference of a loss by its canonical name."""
    return globals()[name.replace(".", "_")]


def scale(name: str) -> Callable[..., Any]:
    """Return the function that gives the size in whose units the error of an item is measured: the exact value's."""
    return globals().get(f"{name.replace('.', '_')}_scale", lambda *arrays, **settings: mpf(0))
