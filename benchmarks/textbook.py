"""The textbook formulas, as a user would type them: the mean, with `xp` NumPy or torch, and torch's own idioms."""

from __future__ import annotations

import math
from typing import Any

# ruff: noqa: D103  (a formula says what it is)


def squared_error(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean((x - t) ** 2)


def half_squared_error(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean((x - t) ** 2 / 2)


def absolute_error(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean(xp.abs(x - t))


def huber(xp: Any, x: Any, t: Any, delta: float = 1.0) -> Any:
    e = x - t
    return xp.mean(xp.where(xp.abs(e) <= delta, 0.5 * e**2, delta * (xp.abs(e) - 0.5 * delta)))


def smooth_l1(xp: Any, x: Any, t: Any, beta: float = 1.0) -> Any:
    e = xp.abs(x - t)
    return xp.mean(xp.where(e < beta, 0.5 * e**2 / beta, e - 0.5 * beta))


def pseudo_huber(xp: Any, x: Any, t: Any, delta: float = 1.0) -> Any:
    return xp.mean(delta**2 * (xp.sqrt(1 + ((x - t) / delta) ** 2) - 1))


def log_cosh(xp: Any, x: Any, t: Any) -> Any:
    e = x - t
    return xp.mean(xp.logaddexp(e, -e) - math.log(2))


def quantile(xp: Any, x: Any, t: Any, q: float = 0.9) -> Any:
    u = t - x
    return xp.mean(xp.maximum(q * u, (q - 1) * u))


def absolute_percentage_error(xp: Any, x: Any, t: Any) -> Any:
    return 100 * xp.mean(xp.abs((t - x) / t))


def squared_logarithmic_error(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean((xp.log1p(x) - xp.log1p(t)) ** 2)


def poisson_nll(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean(xp.exp(x) - t * x)


def binary_cross_entropy(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean(xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-xp.abs(x))))


def binary_cross_entropy_of_probabilities(xp: Any, p: Any, t: Any) -> Any:
    return xp.mean(-(t * xp.log(p) + (1 - t) * xp.log(1 - p)))


def binary_focal(xp: Any, x: Any, t: Any, gamma: float = 2.0) -> Any:
    p = 1 / (1 + xp.exp(-x))
    p_t = t * p + (1 - t) * (1 - p)
    return xp.mean(-((1 - p_t) ** gamma) * xp.log(p_t))


def hinge(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean(xp.maximum(0, 1 - t * x))


def squared_hinge(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean(xp.maximum(0, 1 - t * x) ** 2)


def soft_margin(xp: Any, x: Any, t: Any) -> Any:
    return xp.mean(xp.log1p(xp.exp(-t * x)))


def hinge_embedding(xp: Any, x: Any, t: Any, margin: float = 1.0) -> Any:
    return xp.mean(xp.where(t == 1, x, xp.maximum(0, margin - x)))


def margin_ranking(xp: Any, x: Any, y: Any, t: Any) -> Any:
    return xp.mean(xp.maximum(0, -t * (x - y)))


def log_softmax(xp: Any, x: Any) -> Any:
    x = x - xp.max(x, axis=-1, keepdims=True)
    return x - xp.log(xp.sum(xp.exp(x), axis=-1, keepdims=True))


def cross_entropy(xp: Any, x: Any, labels: Any) -> Any:
    return -xp.mean(log_softmax(xp, x)[xp.arange(len(x)), labels])


def cross_entropy_of_distributions(xp: Any, x: Any, t: Any) -> Any:
    return -xp.mean(xp.sum(t * log_softmax(xp, x), axis=-1))


def nll(xp: Any, log_p: Any, labels: Any) -> Any:
    return -xp.mean(log_p[xp.arange(len(log_p)), labels])


def categorical_focal(xp: Any, x: Any, labels: Any, gamma: float = 2.0) -> Any:
    log_p = log_softmax(xp, x)[xp.arange(len(x)), labels]
    return -xp.mean((1 - xp.exp(log_p)) ** gamma * log_p)


def categorical_hinge(xp: Any, x: Any, labels: Any) -> Any:
    rows = xp.arange(len(x))
    others = x.copy()
    others[rows, labels] = -xp.inf
    return xp.mean(xp.maximum(0, 1 + xp.max(others, axis=-1) - x[rows, labels]))


def kl_divergence(xp: Any, log_p: Any, t: Any) -> Any:
    return xp.mean(xp.sum(t * (xp.log(t) - log_p), axis=-1))


def cosine(xp: Any, x: Any, y: Any) -> Any:
    return xp.sum(x * y, axis=-1) / (xp.linalg.norm(x, axis=-1) * xp.linalg.norm(y, axis=-1))


def cosine_similarity(xp: Any, x: Any, y: Any) -> Any:
    return -xp.mean(cosine(xp, x, y))


def cosine_embedding(xp: Any, x: Any, y: Any, t: Any, margin: float = 0.0) -> Any:
    c = cosine(xp, x, y)
    return xp.mean(xp.where(t == 1, 1 - c, xp.maximum(0, c - margin)))


def triplet_margin(xp: Any, a: Any, p: Any, n: Any, margin: float = 1.0) -> Any:
    near, far = xp.linalg.norm(a - p, axis=-1), xp.linalg.norm(a - n, axis=-1)
    return xp.mean(xp.maximum(0, near - far + margin))


# What torch lacks is written with what it has.


def torch_binary_focal(x: Any, t: Any, gamma: float = 2.0) -> Any:  # torchvision.ops.sigmoid_focal_loss
    import torch
    from torch.nn import functional

    p = torch.sigmoid(x)
    entropy = functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    return torch.mean(entropy * (1 - p_t) ** gamma)


def torch_categorical_focal(x: Any, labels: Any, gamma: float = 2.0) -> Any:
    import torch
    from torch.nn import functional

    entropy = functional.cross_entropy(x, labels, reduction="none")
    return torch.mean((1 - torch.exp(-entropy)) ** gamma * entropy)
