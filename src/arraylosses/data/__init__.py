"""Arrays that a loss takes: two small real samples, on which `compare` shows the losses, and drawn ones.

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
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from ..arguments import DOMAINS, Declaration

__all__ = ["draw", "holds", "load", "sample_for"]

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


def draw(
    declaration: Declaration,
    rng: np.random.Generator,
    batch: tuple[int, ...] = (4, 3),
    sizes: Mapping[str, int] | None = None,
    axis: int | None = None,
    *,
    soft: bool = False,
) -> tuple[FloatArray, ...]:
    """Draw the arrays that a loss takes, those included that need not be given.

    Parameters
    ----------
    declaration : Declaration
        What it takes.
    rng : numpy.random.Generator
        Where the numbers come from.
    batch : tuple of int
        What stands for ``...``.
    sizes : mapping of str to int, optional
        The length of an axis by its name; of others it is 5.
    axis : int, optional
        Where the setting `axis` of the loss puts its class or feature axis.
    soft : bool, default False
        Whether to take the form without integers of an array that has two.
    """
    arrays = []

    def length(name: str) -> int:
        return int(name) if name.isdecimal() else (sizes or {}).get(name, 5)

    for argument in declaration.arguments:
        form = argument.form(integer=not soft)
        lengths: list[int] = []
        place = None
        for name in form.axes:
            if name == declaration.moving:
                place = len(lengths)
            lengths += list(batch) if name == "..." else [length(name)]
        x = form.domain.draw(rng, tuple(lengths), length(form.of), axis=-1 if place is None else place)
        if place is not None and axis is not None and x.ndim > 1:
            x = np.moveaxis(x, place, axis)
        arrays.append(x)
    return tuple(arrays)


def sample_for(declaration: Declaration, axis: int | None = None) -> tuple[str, tuple[FloatArray, ...]]:
    """Return a sample's name, and of it the arrays that a loss takes which declares this.

    Parameters
    ----------
    declaration : Declaration
        What the loss takes.
    axis : int, optional
        The class axis, where the loss has a setting for it.

    Notes
    -----
    A loss of elements without probabilities, logarithms and signs gets the predictions and targets of the
    diabetes data; the prediction is their logarithm where it is ``real`` beside a target that is not negative, because
    that is how the rate of a count is predicted. What such a loss takes beside them, a spread or a bound, gets numbers
    around 1. All others get the digits: rows of logits, or one against the rest in a loss of elements. After a first
    array of logits or rates, a further one of the same domain is the first with its items moved on, so that pairs and
    triplets are of different items. Ten of them are the places of an image. A matrix by which they are projected takes
    their mean from the logits, which leaves the probabilities as they are; one number a class is the logarithm of its
    share. For a loss of sequences, digits that follow each other are one, labelled with the first ones that are not 0,
    the blank.
    """
    domains = [argument.domain.name for argument in declaration.arguments]
    if declaration.of_elements and not {"probability", "log_probability", "log_nonnegative", "sign"} & set(domains):
        return "diabetes", _diabetes(domains)
    arrays = _digits(declaration)
    ndim = arrays[0].ndim
    if axis is not None and -ndim <= axis < ndim:
        arrays = tuple(np.moveaxis(x, -1, axis) if x.ndim == ndim > 1 else x for x in arrays)
    return "digits", arrays


def _diabetes(domains: list[str]) -> tuple[FloatArray, ...]:
    sample = load("diabetes")
    prediction, target = sample["prediction"], sample["target"]
    if len(domains) > 1 and domains[0] == "real" and domains[1] in ("nonnegative", "positive"):
        prediction = np.log(prediction)
    relative = sample["prediction"] / np.mean(sample["prediction"])
    return (prediction, target, *(np.roll(relative, k) for k in range(2, len(domains))))[: len(domains)]


def _digits(declaration: Declaration) -> tuple[FloatArray, ...]:
    first = declaration.arguments[0].forms[0].axes
    if "length" in declaration.domains:
        return _sequences(declaration, first[first.index("...") + 1 :])
    logits, labels = load("digits")["logits"], load("digits")["labels"]
    classes = logits.shape[-1]
    one_hot = np.eye(classes)[labels]
    smooth = (1 - _SMOOTHING) * one_hot + _SMOOTHING / classes
    # In a loss of rows a sign belongs to a pair: whether both are images of one digit.
    pairs = np.where(labels == np.roll(labels, 1), 1, -1)
    targets: dict[str, FloatArray] = {
        "probability": one_hot,
        "distribution": smooth,
        "log_distribution": np.log(smooth),
        "nonnegative": one_hot,
        "sign": 2 * one_hot.astype(np.int64) - 1 if declaration.of_elements else pairs,
        "class": labels,
        "class of 2": one_hot.astype(np.int64),
        "id": labels,
        "length": np.full(labels.shape, classes),
        "level": labels,
    }
    arrays: list[FloatArray] = []
    for k, argument in enumerate(declaration.arguments):
        form = argument.forms[0]
        if not {"...", "N"} & set(form.axes):  # it belongs to no item
            arrays.append(np.eye(classes) - 1 / classes if len(form.axes) == 2 else np.log(one_hot.mean(axis=0)))
            continue
        name = "class of 2" if form.of == "2" else form.domain.name
        width = int(form.axes[-1]) if form.axes[-1].isdecimal() else classes
        x = targets[name] if k and name in targets else np.roll(form.domain.of_real(logits[:, :width]), k, axis=0)
        if {"...", "N"} <= set(form.axes):
            x = x.reshape(-1, 10, *x.shape[1:])
        elif x.ndim == 2 and not declaration.of_elements:
            x = _with_axes(x, form.axes)
        arrays.append(x)
    return tuple(arrays)


def _with_axes(rows: FloatArray, axes: tuple[str, ...]) -> FloatArray:
    """Return the first number of each row for items of numbers, and each with some of the next for those of vectors."""
    if len(axes) == 1:
        return rows[:, 0]
    return np.stack([np.roll(rows, k, axis=0) for k in range(4)], axis=1) if len(axes) == 3 else rows


def _sequences(declaration: Declaration, axes: tuple[str, ...]) -> tuple[FloatArray, ...]:
    sample = load("digits")
    sizes = (10, 10) if len(axes) == 2 else (5, 4, 10)
    logits = sample["logits"].reshape(-1, *sizes)
    labels = np.maximum(sample["labels"].reshape(len(logits), -1)[:, :3], 1)
    lengths = {**dict(zip(axes, sizes, strict=True)), declaration.arguments[1].forms[0].axes[-1]: 3}
    arrays: list[FloatArray] = [declaration.arguments[0].domain.of_real(logits), labels]
    arrays += [np.full(len(logits), lengths[argument.forms[0].of]) for argument in declaration.arguments[2:]]
    return tuple(arrays)


def holds(declaration: Declaration, k: int, x: FloatArray, axis: int | None) -> bool:
    """Whether an array has values that array `k` of a loss may have; which labels there are is left to the loss."""
    form = declaration.arguments[k].form(integer=x.dtype.kind in "iu")
    if form.domain is DOMAINS["class"]:
        return x.dtype.kind in "iu"
    return form.domain.holds(x, axis if axis is not None and x.ndim > 1 else -1)
