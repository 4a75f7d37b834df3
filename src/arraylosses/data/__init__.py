"""Two small real samples, on which `compare` shows the losses.

digits.npz
    ``logits`` (300, 10) and ``labels`` (300,): what a logistic regression says of images of handwritten digits that it
    has not seen, and what they are. Data: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository (1998), https://doi.org/10.24432/C50P49, licensed CC BY 4.0.
diabetes.npz
    ``prediction`` (120,) and ``target`` (120,): what a ridge regression predicts for the progression of diabetes in
    patients that it has not seen, and what it was. Data: Efron, Hastie, Johnstone and Tibshirani, Least angle
    regression (2004), https://doi.org/10.1214/009053604000000067.

scikit-learn distributes both data sets under its BSD licence. The files hold a model's outputs and the targets, none of
the features; ``python -m arraylosses.data.make_samples`` makes them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .._array_api import dtype_kind
from .._validation import Domain, Granularity

__all__ = ["holds", "load", "sample_for"]

FloatArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

# Share of a one-hot target that is spread over all classes where a loss takes a distribution, so that its logarithm is
# finite.
_SMOOTHING = 0.1


@functools.cache
def load(name: str) -> dict[str, FloatArray]:
    """Return the arrays of the sample "digits" or "diabetes"."""
    from importlib.resources import as_file, files

    with as_file(files(__name__) / f"{name}.npz") as path, np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def sample_for(
    granularity: Granularity, domains: Sequence[Domain], axis: int = -1
) -> tuple[str, tuple[FloatArray, ...]]:
    """Return a sample's name, and of it the arrays that a loss takes which declares this.

    Parameters
    ----------
    granularity : {"element", "row"}
        What an item of the loss is.
    domains : sequence of Domain
        What each of its arrays holds.
    axis : int, default -1
        The class axis of a loss of rows.

    Notes
    -----
    A loss of elements without probabilities and signs gets the predictions and targets of the diabetes data; the
    prediction is their logarithm where it is ``real`` beside a target that is not negative, because that is how the
    rate of a count is predicted. All others get the digits: rows of logits, or one against the rest in a loss of
    elements. After a first array of logits or rates, a further one of the same domain is the first with its items
    moved on, so that pairs and triplets are of different items. A matrix by which they are projected takes their mean
    from the logits, which leaves the probabilities as they are; one number a class is the logarithm of its share.
    """
    if granularity == "element" and not {"probability", "sign"} & set(domains):
        return "diabetes", _diabetes(domains)
    arrays = _digits(granularity, domains)
    if granularity != "element" and -2 <= axis < 2:
        arrays = tuple(np.moveaxis(x, -1, axis) if x.ndim == 2 else x for x in arrays)
    return "digits", arrays


def _diabetes(domains: Sequence[Domain]) -> tuple[FloatArray, ...]:
    sample = load("diabetes")
    prediction, target = sample["prediction"], sample["target"]
    if len(domains) > 1 and domains[0] == "real" and domains[1] in ("nonnegative", "positive"):
        prediction = np.log(prediction)
    return (prediction, target, *(np.roll(sample["prediction"], k) for k in range(2, len(domains))))[: len(domains)]


def _digits(granularity: Granularity, domains: Sequence[Domain]) -> tuple[FloatArray, ...]:
    logits, labels = load("digits")["logits"], load("digits")["labels"]
    one_hot = np.eye(logits.shape[-1])[labels]
    smooth = (1 - _SMOOTHING) * one_hot + _SMOOTHING / one_hot.shape[-1]
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    softmax = powers / powers.sum(axis=-1, keepdims=True)
    # In a loss of rows a sign belongs to a pair: whether both are images of one digit.
    sign = (
        2 * one_hot.astype(np.int64) - 1 if granularity == "element" else np.where(labels == np.roll(labels, 1), 1, -1)
    )

    classes = logits.shape[-1]
    predictions: dict[Domain, FloatArray] = {
        "real": logits,
        "nonnegative": np.abs(logits),
        "positive": np.exp(logits / 2),
        "probability": 1 / (1 + np.exp(-logits)),
        "distribution": softmax,
        "log_distribution": np.log(softmax),
        "sign": sign,
        "labels": labels,
        "matrix": np.eye(classes) - 1 / classes,
        "per_class": np.log(one_hot.mean(axis=0)),
    }
    targets: dict[Domain, FloatArray] = {
        "probability": one_hot,
        "distribution": smooth,
        "log_distribution": np.log(smooth),
        "sign": sign,
        "labels": labels,
        "matrix": predictions["matrix"],
        "per_class": predictions["per_class"],
    }
    return tuple(
        targets[domain] if k and domain in targets else np.roll(predictions.get(domain, logits), k, axis=0)
        for k, domain in enumerate(domains)
    )


def holds(domain: Domain, x: FloatArray, axis: int = -1) -> bool:
    """Whether values can be what a domain says; which labels there are is left to the loss."""
    if domain == "labels":
        return dtype_kind(x.dtype) == "int" or holds("distribution", x, axis)
    with np.errstate(all="ignore"):
        if domain == "log_distribution":
            return holds("distribution", np.exp(x), axis)
        if domain == "distribution":
            return bool(x.ndim and np.all(x >= 0) and np.allclose(x.sum(axis=axis), 1, rtol=0, atol=1e-3))
        if domain == "probability":
            return bool(np.all((x >= 0) & (x <= 1)))
        if domain == "sign":
            return bool(np.all(np.abs(x) == 1))
        if domain == "nonnegative":
            return bool(np.all(x >= 0))
        return bool(np.all(x > 0)) if domain == "positive" else True
