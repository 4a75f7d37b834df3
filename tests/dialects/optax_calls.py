"""Calls of Optax's losses: every argument at its default and off it, of arrays of one to four axes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["CALLS", "Call"]

SHAPES = ((5,), (3, 4), (2, 3, 4), (2, 3, 2, 4))

Options = dict[str, Any]

Draw = Callable[[np.random.Generator, tuple[int, ...], Options], tuple[list[Any], Options]]
"""Returns the arguments and the keywords of a call, for a shape and what is off its default."""


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a function."""

    name: str
    shape: tuple[int, ...]
    options: Options
    """What is off its default: an argument, or a manner in which the arrays are drawn, which begins with a capital."""
    draw: Draw
    argnums: tuple[int, ...]
    """The arguments by which there is a gradient, as far as they are given."""
    due: bool = False
    """Whether it is made without ``--sweep``."""

    def __str__(self) -> str:
        said = [f"{key}={value}" for key, value in self.options.items()]
        return "-".join([self.name, "x".join(map(str, self.shape)), *said]).replace(" ", "")

    def arguments(self) -> tuple[list[Any], Options]:
        """The arguments and the keywords, with arrays of NumPy in float64."""
        return self.draw(np.random.default_rng(len(str(self))), self.shape, dict(self.options))


CALLS: list[Call] = []


def calls(
    names: str,
    draw: Draw,
    options: dict[str, Sequence[Any] | Callable[[int], Sequence[Any]]] | None = None,
    shapes: Sequence[tuple[int, ...]] = SHAPES,
    argnums: tuple[int, ...] = (0,),
) -> None:
    """Add the calls of some functions: with all values of all options, which may depend on the number of axes."""
    for name in names.split():
        found = []
        for shape in shapes:
            choices = {key: v(len(shape)) if callable(v) else v for key, v in (options or {}).items()}
            for chosen in itertools.product(*[(DEFAULT, *values) for values in choices.values()]):
                off = {key: v for key, v in zip(choices, chosen, strict=True) if v is not DEFAULT}
                if not is_error(off):
                    found.append(Call(name, shape, off, draw, argnums))
        # All defaults, and each value by itself, of all shapes by turns.
        alone: dict[str, list[str]] = {}
        for call in found:
            if len(call.options) < 2:
                alone.setdefault(str(call.options), []).append(str(call))
        due = {group[(len(name) + k) % len(group)] for k, group in enumerate(alone.values())}
        CALLS.extend(replace(call, due=str(call) in due) for call in found)


DEFAULT = object()


def is_error(options: Options) -> bool:
    """Whether Optax refuses a call: a mask of rows along all axes."""
    return options.get("where") == "rows" and options.get("axis", DEFAULT) is None


# Arrays


def real(rng, shape):
    return rng.normal(size=shape)


def probability(rng, shape):
    return rng.uniform(0.05, 0.95, size=shape)


def distribution(rng, shape, axis=-1):
    x = rng.uniform(0.1, 1.0, size=shape)
    return x / x.sum(axis=axis, keepdims=True)


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], size=shape)


def mask(rng, shape, kept=None):
    """Booleans of which the first place along each axis is kept, so that no row is empty."""
    where = rng.uniform(size=shape) < 0.6
    for axis in range(len(shape)):
        where[(*[slice(None)] * axis, 0)] = True
    return where if kept is None else where | kept


def several_axes(ndim):
    """Axes that are not the default."""
    return [0, tuple(range(ndim)), (-1, 0)] if ndim > 1 else [(0,)]


def axes_or_all(ndim):
    return [*several_axes(ndim), None]


def masked(options, rng, shape, kept=None):
    """The keywords of a call, with the mask that is asked for."""
    keywords = {key: value for key, value in options.items() if key[0].islower()}
    if keywords.get("where") == "entries":
        keywords["where"] = mask(rng, shape, kept)
    elif keywords.get("where") == "classes":
        keywords["where"] = mask(rng, (*[1] * (len(shape) - 1), shape[-1]))
    elif keywords.get("where") == "rows":
        axis = options.get("axis", -1)
        gone = range(len(shape)) if axis is None else np.atleast_1d(axis) % len(shape)
        keywords["where"] = np.asarray(rng.uniform(size=[n for k, n in enumerate(shape) if k not in gone]) < 0.7)
    return keywords


# Errors


def of_errors(rng, shape, options):
    target = options.pop("targets", real(rng, shape))
    if options.pop("Broadcast", False):
        target = real(rng, shape[-1:])
    return [real(rng, shape), *([] if target is None else [target])], options


calls("squared_error l2_loss", of_errors, {"targets": [None]}, argnums=(0, 1))
calls("log_cosh", of_errors, {"targets": [None, 0.25], "Broadcast": [True]}, argnums=(0, 1))
calls("huber_loss", of_errors, {"targets": [None, 0.25], "Broadcast": [True], "delta": [0.5]}, argnums=(0, 1))


# A yes or no


def of_yes_or_no(rng, shape, options):
    labels = (rng.uniform(size=shape) < 0.5).astype("float64")
    if options.pop("Soft", False):
        labels = probability(rng, shape)
    if options.pop("Integer", False):
        labels = labels.astype("int32")
    if options.pop("Broadcast", False):
        labels = labels[(0,) * (labels.ndim - 1)]
    return [3.0 * real(rng, shape), labels], options


calls("sigmoid_binary_cross_entropy", of_yes_or_no, {"Soft": [True], "Integer": [True], "Broadcast": [True]})
calls(
    "sigmoid_focal_loss",
    of_yes_or_no,
    {"Soft": [True], "Integer": [True], "Broadcast": [True], "alpha": [0.25], "gamma": [0.5, 0.0]},
)
calls("sparsemax_loss", of_yes_or_no, {"Integer": [True], "Broadcast": [True]})


def of_signs(rng, shape, options):
    targets = signs(rng, shape[-1:] if options.pop("Broadcast", False) else shape)
    return [real(rng, shape), targets.astype("int32") if options.pop("Integer", False) else targets], options


calls("hinge_loss", of_signs, {"Integer": [True], "Broadcast": [True]})
calls("perceptron_loss", of_signs, {"Integer": [True]})


# Classes


def of_distributions(rng, shape, options):
    labels = distribution(rng, shape[-1:] if options.pop("Broadcast", False) else shape)
    if options.pop("Integer", False):
        labels = np.eye(shape[-1], dtype="int32")[rng.integers(shape[-1], size=shape[:-1])]
    return [3.0 * real(rng, shape), labels], masked(options, rng, shape)


OF_ROWS = {"axis": axes_or_all, "where": ["entries", "rows"]}

calls("softmax_cross_entropy", of_distributions, {"Integer": [True], "Broadcast": [True], **OF_ROWS}, argnums=(0, 1))
calls(
    "poly_loss_cross_entropy",
    of_distributions,
    {"Broadcast": [True], "axis": axes_or_all, "where": ["entries"], "epsilon": [-0.5]},
    argnums=(0, 1),
)
calls("safe_softmax_cross_entropy", of_distributions, {"Broadcast": [True]}, argnums=(0, 1))


def of_labels(rng, shape, options):
    axis = options.get("axis", -1)
    order = [k % len(shape) for k in np.atleast_1d(axis)]
    rest = [k for k in range(len(shape)) if k not in order]
    sizes = [shape[k] for k in order]
    labels = rng.integers(int(np.prod(sizes)), size=[shape[k] for k in rest])
    kept = np.zeros(shape, dtype=bool)
    places = np.unravel_index(labels, sizes)
    np.moveaxis(kept, order, range(-len(order), 0))[(*np.indices(labels.shape), *places)] = True
    return [3.0 * real(rng, shape), labels.astype("int32")], masked(options, rng, shape, kept)


calls("softmax_cross_entropy_with_integer_labels", of_labels, {"axis": several_axes, "where": ["entries", "rows"]})
calls("multiclass_hinge_loss multiclass_perceptron_loss", of_labels)
calls("multiclass_sparsemax_loss", of_labels, shapes=[(6, 4)])


def of_smoothing(rng, shape, options):
    return [distribution(rng, shape), options.pop("alpha", 0.25)], masked(options, rng, shape)


calls("smooth_labels", of_smoothing, {"alpha": [0.0], "axis": axes_or_all, "where": ["entries"]})


# Divergences


def of_two_distributions(rng, shape, options):
    targets = distribution(rng, shape[-1:] if options.pop("Broadcast", False) else shape)
    return [np.log(distribution(rng, shape)), targets], masked(options, rng, shape)


def of_two_logarithms(rng, shape, options):
    (log_predictions, targets), keywords = of_two_distributions(rng, shape, options)
    return [log_predictions, np.log(targets)], keywords


OF_SUMS = {"Broadcast": [True], "axis": axes_or_all, "where": ["entries", "classes"]}

calls("kl_divergence generalized_kl_divergence", of_two_distributions, OF_SUMS, argnums=(0, 1))
calls("convex_kl_divergence", of_two_distributions, argnums=(0, 1))
calls("kl_divergence_with_log_targets", of_two_logarithms, OF_SUMS, argnums=(0, 1))


# Vectors


def of_vectors(rng, shape, options):
    targets = real(rng, shape[-1:] if options.pop("Broadcast", False) else shape)
    return [real(rng, shape), targets], masked(options, rng, shape)


calls("cosine_similarity cosine_distance", of_vectors, {**OF_SUMS, "epsilon": [4.0]}, argnums=(0, 1))


def of_triplets(rng, shape, options):
    anchor, positive, negative = (real(rng, shape) for _ in range(3))
    if options.get("norm_degree") == 3:  # of which Optax sums signed powers
        positive, negative = anchor - np.abs(positive), anchor - np.abs(negative)
    return [anchor, positive, negative], options


calls(
    "triplet_margin_loss",
    of_triplets,
    {"axis": [0], "norm_degree": [4, 3], "margin": [0.25], "eps": [0.5]},
    argnums=(0, 1, 2),
)
calls(
    "ntxent",
    lambda rng, shape, options: ([real(rng, shape), np.asarray([0, 1, 2, 0, 1, 0], dtype="int32")], options),
    {"temperature": [0.5]},
    shapes=[(6, 4)],
)


# Lists


def of_lists(rng, shape, options):
    labels = rng.integers(0, 4, size=shape)
    options = masked(options, rng, shape)
    if "weights" in options:
        options["weights"] = probability(rng, shape)
    return [real(rng, shape), labels.astype("int32")], options


calls("ranking_softmax_loss", of_lists, {"where": ["entries"], "weights": [True], "reduce_fn": [None]})


# Regions


def of_regions(rng, shape, options):
    targets = (
        distribution(rng, shape)
        if options.pop("Soft", False)
        else np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
    )
    if shape[-1] == 1:
        targets = (rng.uniform(size=shape) < 0.5).astype("float64")
    predictions = real(rng, shape)
    if options.get("apply_softmax") is False:
        predictions = distribution(rng, shape)
    if "class_weights" in options:
        options["class_weights"] = np.linspace(0.5, 2.0, shape[-1])
    return [predictions, targets], options


OF_OVERLAPS = {"Soft": [True], "smooth": [0.25], "apply_softmax": [False], "ignore_background": [True]}

calls(
    "dice_loss",
    of_regions,
    {
        **OF_OVERLAPS,
        "class_weights": [True],
        "alpha": [0.25],
        "beta": [2.0],
        "reduction": ["sum", "none"],
        "axis": lambda ndim: [(), *([0] if ndim > 1 else []), *([(1, 0)] if ndim > 2 else [])],
    },
    shapes=[*SHAPES, (2, 5, 1)],
)
calls("multiclass_generalized_dice_loss", of_regions, OF_OVERLAPS, shapes=SHAPES[1:])


def of_masks(rng, shape, options):
    return [2.0 * real(rng, shape), (rng.uniform(size=shape) < 0.5).astype("float64")], options


calls("binary_dice_loss", of_masks, {"smooth": [0.25]}, shapes=[*SHAPES[1:], (2, 5, 1)])


# Sequences


def of_sequences(rng, shape, options):
    batch, frames, classes = shape
    blank = options.get("blank_id", 0)
    labels = rng.integers(1, classes, size=(batch, 3))
    labels[0, 1] = labels[0, 0]
    labels = np.where(labels == blank, 0, labels)
    logit_paddings = np.zeros((batch, frames))
    label_paddings = np.zeros((batch, 3))
    if options.pop("Padded", False):
        logit_paddings[1, -2:] = label_paddings[1, 1:] = label_paddings[2, :] = 1
    if options.pop("Within", False):
        logit_paddings[0, 2] = logit_paddings[1, 0] = 1
    return [2.0 * real(rng, shape), logit_paddings, labels.astype("int32"), label_paddings], options


calls("ctc_loss", of_sequences, {"Within": [True]}, shapes=[(3, 8, 5)])
calls(
    "ctc_loss_with_forward_probs",
    of_sequences,
    {"Padded": [True], "Within": [True], "blank_id": [2], "log_epsilon": [-1e4]},
    shapes=[(3, 8, 5)],
)
