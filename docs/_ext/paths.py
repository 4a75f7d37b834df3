"""What the figure of a loss shows: one number that moves its arrays, and settings at which the curve is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

import arraylosses as al
from arraylosses.data import draw
from arraylosses.data.lines import Line, line_for
from arraylosses.loss import Loss

POINTS = 61

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "angular_margin_softmax": [{"scale": 8.0, "angle_margin": m} for m in (0.0, 0.25, 0.5)],
    "approx_ndcg": [{"temperature": t} for t in (0.1, 0.5, 1.0)],
    "asymmetric": [{"gamma_pos": g} for g in (0.0, 1.0, 2.0)],
    "binary_cross_entropy": [{}, {"label_smoothing": 0.2}, {"pos_weight": 2.0}],
    "binary_focal": [{"gamma": g} for g in (0.0, 2.0, 5.0)],
    "categorical_focal": [{"gamma": g} for g in (0.0, 2.0, 5.0)],
    "categorical_hinge": [{"margin": m} for m in (0.5, 1.0, 2.0)],
    "circle": [{"gamma": g} for g in (10.0, 30.0, 80.0)],
    "clip_contrastive": [{"temperature": t} for t in (0.1, 0.3, 1.0)],
    "cosine_embedding": [{"margin": m} for m in (0.0, 0.5)],
    "cpo": [{"beta": b} for b in (0.1, 0.5, 1.0)],
    "cross_entropy": [{}, {"label_smoothing": 0.2}, {"softcap": 2.0}],
    "crps_ensemble": [{}, {"fair": True}],
    "distillation": [{"temperature": t} for t in (1.0, 2.0, 4.0)],
    "dpo": [{"beta": 0.1}, {"beta": 0.5}, {"beta": 0.5, "label_smoothing": 0.2}],
    "epsilon_insensitive": [{"margin": 0.5}, {"margin": 1.0}, {"margin": 1.0, "squared": True}],
    "expectile": [{"q": q} for q in (0.1, 0.5, 0.9)],
    "fair": [{"scale": s} for s in (0.5, 1.0, 2.0)],
    "general_robust": [{"alpha": a} for a in (2.0, 1.0, 0.0, -2.0)],
    "generalized_cross_entropy": [{"q": q} for q in (0.1, 0.7, 1.0)],
    "hinge_embedding": [{"margin": m} for m in (1.0, 2.0)],
    "huber": [{"delta": d} for d in (0.5, 1.0, 2.0)],
    "info_nce": [{"temperature": t} for t in (0.1, 0.3, 1.0)],
    "kto": [{"beta": b} for b in (0.1, 0.5, 1.0)],
    "lambda_loss": [{"mu": m} for m in (0.0, 10.0)],
    "lifted_structure": [{"margin": m} for m in (0.5, 1.0)],
    "margin_ranking": [{"margin": m} for m in (0.0, 1.0)],
    "multi_margin": [{"margin": 1.0}, {"margin": 2.0}, {"margin": 1.0, "p": 2}],
    "multi_similarity": [{"threshold": t} for t in (0.3, 0.5, 0.7)],
    "multilabel_margin": [{"margin": m} for m in (0.5, 1.0, 2.0)],
    "nt_xent": [{"temperature": t} for t in (0.1, 0.3, 1.0)],
    "orpo": [{"beta": b} for b in (0.1, 0.5, 1.0)],
    "pairwise_contrastive": [{"margin": m} for m in (1.0, 2.0)],
    "pairwise_hinge": [{"margin": m} for m in (0.5, 1.0, 2.0)],
    "poly_cross_entropy": [{"epsilon1": e} for e in (-0.5, 0.0, 2.0)],
    "ppo_clip": [{}, {"clip_low": 0.1, "clip_high": 0.1}],
    "proxy_anchor": [{"alpha": a} for a in (8.0, 32.0)],
    "proxy_nca": [{"temperature": t} for t in (0.3, 1.0)],
    "pseudo_huber": [{"delta": d} for d in (0.5, 1.0, 2.0)],
    "quantile": [{"q": q} for q in (0.1, 0.5, 0.9)],
    "siglip": [{"bias": b} for b in (-10.0, -5.0, 0.0)],
    "simpo": [{"margin": m} for m in (0.0, 1.0, 2.0)],
    "smooth_l1": [{"beta": b} for b in (0.5, 1.0, 2.0)],
    "student_t_nll": [{"df": d} for d in (1.0, 4.0, 30.0)],
    "supervised_contrastive": [{"temperature": t} for t in (0.1, 0.3, 1.0)],
    "symmetric_cross_entropy": [{"beta": b} for b in (0.0, 0.5, 1.0)],
    "triplet_batch_hard": [{"margin": 1.0}, {"margin": 0.5}, {"soft": True}],
    "triplet_batch_semi_hard": [{"margin": m} for m in (0.5, 1.0)],
    "triplet_margin": [{"margin": m} for m in (0.5, 1.0, 2.0)],
    "tversky": [{"alpha": a, "beta": 1 - a} for a in (0.2, 0.5, 0.8)],
    "tweedie_deviance": [{"power": p} for p in (1.2, 1.5, 1.8)],
    "wasserstein_1d": [{}, {"squared": True}],
    "wing": [{"width": 2.0, "curvature": c} for c in (0.2, 0.5, 1.0)],
}
"""At which settings a loss is drawn; at its defaults where nothing is said."""


class Path(NamedTuple):
    """One number, and the arrays of a loss for it."""

    label: str
    points: np.ndarray
    arrays: Callable[[Any], list[Any]]
    """The arrays for one value of the number, written so that they can be differentiated by it."""


class Curve(NamedTuple):
    """A loss and its derivatives along a path; no second one where it is not that of a single number."""

    label: str
    points: np.ndarray
    loss: np.ndarray
    derivative: np.ndarray
    second: np.ndarray | None


def settings_of(name: str) -> list[dict[str, Any]]:
    return SETTINGS.get(name, [{}])


def path_of(name: str) -> Path | Line:
    """Return the path of a loss: one of those below, a line by an error or a margin, or one between drawn arrays."""
    declaration = al.get(name).declaration
    if name in PATHS:
        return PATHS[name]
    try:
        return line_for(declaration)
    except ValueError:
        rng = np.random.default_rng(0)
        start, *others = draw(declaration, rng)
        end = draw(declaration, rng)[0]
        label = f"share of the way of `{declaration.names[0]}` from one drawn array to another"
        return Path(label, np.linspace(0.0, 1.0, POINTS), lambda x: [(1.0 - x) * start + x * end, *others])


def path_axis(name: str) -> str:
    """Return what is on the axis of a loss's figure."""
    label = path_of(name).label
    return f"{label}, at a target of 1" if label.startswith("error: prediction - target") else label


def curve(name: str, settings: Mapping[str, Any], label: str) -> Curve:
    """Compute a loss along its path, with derivatives by automatic differentiation or in closed form."""
    path = path_of(name)
    with np.errstate(all="ignore"):
        if isinstance(path, Path):
            return _along(path, al.get(name, **settings), label)
        loss = al.get(name, reduction="sum", **settings)
        value = al.get(loss, reduction="none")(*path.arrays(path.points))
        _, slope = al.value_and_grad(lambda x: loss(*path.arrays(x)))(path.points)
        second = al.value_grad_hess(loss)(*path.arrays(path.points))[2] if loss.declaration.of_elements else None
        return Curve(label, path.points, value, slope, second)


def _along(path: Path, loss: Loss, label: str) -> Curve:
    at = al.value_and_grad(lambda x: loss(*path.arrays(x)))
    pairs = np.asarray([at(x) for x in path.points])
    return Curve(label, path.points, pairs[:, 0], pairs[:, 1], None)


# The paths of losses that are not drawn against an error or a margin. `x` is an array of no axes.


def _stack(*numbers: Any) -> Any:
    xp = al.array_namespace(*[x for x in numbers if hasattr(x, "dtype")])
    zero = next(0.0 * x for x in numbers if hasattr(x, "dtype"))
    return xp.stack([zero + x for x in numbers])


def _rows(*rows: Any) -> Any:
    return al.array_namespace(*rows).stack([r if hasattr(r, "dtype") else np.asarray(r) for r in rows])


def _turned(x: Any) -> Any:
    """A vector of length 1 at an angle in degrees."""
    xp = al.array_namespace(x)
    return _stack(xp.cos(x * np.pi / 180), xp.sin(x * np.pi / 180))


EAST, NORTH, WEST = _turned(np.asarray(0.0)), _turned(np.asarray(90.0)), _turned(np.asarray(180.0))
DEGREES = np.linspace(0.5, 179.5, POINTS)


def _pairs(x: Any) -> list[Any]:
    still = np.stack([EAST, NORTH, WEST])
    return [_rows(_turned(x), NORTH + 0.0 * _turned(x), WEST + 0.0 * _turned(x)), still]


def _classes(x: Any) -> list[Any]:
    zero = 0.0 * _turned(x)
    near = [EAST + zero, _turned(np.asarray(10.0)) + zero, _turned(np.asarray(120.0)) + zero]
    return [_rows(_turned(x), *near, WEST + zero), np.asarray([0, 0, 0, 1, 1])]


def _proxies(x: Any) -> list[Any]:
    return [_rows(_turned(x)), np.stack([EAST, WEST]), np.asarray([0])]


GRID = np.stack(np.meshgrid(np.arange(24.0), np.arange(16.0)), axis=-1)
CENTRE, RADIUS = np.asarray([12.0, 7.5]), 5.0


def _disc(x: Any) -> Any:
    """Logits of a disc whose centre is moved to the right: positive within it."""
    xp = al.array_namespace(x)
    across = GRID[..., 0] - CENTRE[0] - x
    return 1.5 * (RADIUS - xp.sqrt(across * across + (GRID[..., 1] - CENTRE[1]) ** 2 + 1e-6))


LABELS = (_disc(np.asarray(0.0)) > 0).astype(np.int64)


def _masks(x: Any) -> list[Any]:
    logits = _disc(x)
    xp = al.array_namespace(logits)
    return [xp.stack([0.0 * logits, logits], axis=-1)[None, ...], LABELS[None, ...]]


def _mask(x: Any) -> list[Any]:
    return [_disc(x)[None, ...], LABELS[None, ...]]


def _boxes(x: Any) -> list[Any]:
    return [_stack(0.0 + x, 0.0, 2.0 + x, 1.5), np.asarray([0.0, 0.0, 2.0, 1.5])]


DOCUMENTS = np.asarray([1.0, 0.5, 0.0, -0.5])


def _documents(x: Any) -> list[Any]:
    return [_stack(x, *DOCUMENTS), np.asarray([3.0, 1.0, 0.0, 2.0, 0.0])]


ALIGNMENT = np.eye(3)[[0, 1, 1, 0, 2, 0]]  # of the labels 1 and 2 to six frames, with the blank 0


def _frames(x: Any) -> list[Any]:
    return [x * ALIGNMENT, np.asarray([1, 2])]


def _lattice(x: Any) -> list[Any]:
    place = np.eye(3)[[[1, 2, 0], [1, 2, 0], [0, 0, 0]]]
    return [x * place, np.asarray([1, 2])]


VIEW = np.random.default_rng(0).normal(size=(2, 16, 3))


def _views(x: Any) -> list[Any]:
    return [VIEW[0], (1.0 - x) * VIEW[0] + x * VIEW[1]]


def _preferred(x: Any) -> list[Any]:
    return [-5.0 + x / 2, -5.0 - x / 2]


ANGLE = "angle between both vectors, in degrees"
PREFERENCE = ("chosen - rejected, whose mean is -5", np.linspace(-8.0, 8.0, POINTS))
SHIFT = "places by which the predicted disc is shifted"
CLASS_ANGLE = "angle of the first embedding from its own class, in degrees; the other class is at 120 and 180"
PATHS: dict[str, Path] = {
    "angular_margin_softmax": Path(
        "angle to the own class in degrees; the other is at 90",
        DEGREES,
        lambda x: [_stack(_turned(x)[0], 0.0), np.asarray(0)],
    ),
    "corn": Path(
        "shift of the logits (1, 0, -1), of label 1",
        np.linspace(-5, 5, POINTS),
        lambda x: [_stack(x + 1, x, x - 1), np.asarray(1)],
    ),
    "cosine_embedding": Path(ANGLE + ", target = 1", DEGREES, lambda x: [_turned(x), EAST, np.asarray(1)]),
    "cosine_similarity": Path(ANGLE, DEGREES, lambda x: [_turned(x), EAST]),
    "cox_partial_likelihood": Path(
        "log_hazard of who dies second of four; that of the others is 0",
        np.linspace(-4, 4, POINTS),
        lambda x: [_stack(0.0, x, 0.0, 0.0), np.asarray([1.0, 2.0, 3.0, 4.0]), np.asarray([1.0, 1.0, 0.0, 1.0])],
    ),
    "crps_ensemble": Path(
        "centre of an ensemble (-1, 0, 1), target = 0",
        np.linspace(-4, 4, POINTS),
        lambda x: [_stack(x - 1, x, x + 1), np.asarray(0.0)],
    ),
    "cumulative_logit": Path(
        "shift of the logits (-1, 0, 1), of label 1",
        np.linspace(-5, 5, POINTS),
        lambda x: [_stack(x - 1, x, x + 1), np.asarray(1)],
    ),
    "distillation": Path(
        "margin of the logits; the teacher's is 1",
        np.linspace(-4, 4, POINTS),
        lambda x: [_stack(x, 0.0), np.asarray([1.0, 0.0])],
    ),
    "dpo": Path(*PREFERENCE, lambda x: [*_preferred(x), np.asarray(-5.0), np.asarray(-5.0)]),
    "energy_score": Path(
        "shift of an ensemble of three points around the target",
        np.linspace(-4, 4, POINTS),
        lambda x: [_rows(_stack(x - 1, 0.0), _stack(x + 0.5, 0.9), _stack(x + 0.5, -0.9)), np.asarray([0.0, 0.0])],
    ),
    "generalized_kl": Path(
        "log_prediction, target = 1", np.linspace(-3, 2, POINTS), lambda x: [_stack(x), np.asarray([1.0])]
    ),
    "hinge_embedding": Path("distance, target = -1", np.linspace(0.0, 3.0, POINTS), lambda x: [x, np.asarray(-1)]),
    "kto": Path(
        "policy - reference, target = 1",
        np.linspace(-8, 8, POINTS),
        lambda x: [-9.0 + x, np.asarray(-9.0), np.asarray(1)],
    ),
    "multilabel_margin": Path(
        "logit of the label that is there; others 0",
        np.linspace(-4, 4, POINTS),
        lambda x: [_stack(x, 0.0, 0.0), np.asarray([1.0, 0.0, 0.0])],
    ),
    "multilabel_soft_margin": Path(
        "logit of the label that is there; others 0",
        np.linspace(-4, 4, POINTS),
        lambda x: [_stack(x, 0.0, 0.0), np.asarray([1.0, 0.0, 0.0])],
    ),
    "pairwise_contrastive": Path(
        "distance, target = -1", np.linspace(0.02, 3, POINTS), lambda x: [_stack(x, 0.0), np.zeros(2), np.asarray(-1)]
    ),
    "ppo_clip": Path(
        "ratio of both probabilities, advantage = 1",
        np.linspace(0.4, 1.6, POINTS),
        lambda x: [al.array_namespace(x).log(x) - 1.0, np.asarray(-1.0), np.asarray(1.0)],
    ),
    "triplet_margin": Path(
        "distance of the negative; that of the positive is 1",
        np.linspace(0.02, 4, POINTS),
        lambda x: [np.zeros(2), np.asarray([0.0, 1.0]), _stack(x, 0.0)],
    ),
    **dict.fromkeys(
        ["iou", "giou", "diou", "ciou"], Path("shift of the predicted box", np.linspace(-4, 4, POINTS), _boxes)
    ),
    **dict.fromkeys(
        ["clip_contrastive", "info_nce", "siglip"],
        Path("angle of the first query from its key, in degrees; other keys are at 90 and 180", DEGREES, _pairs),
    ),
    **dict.fromkeys(
        [
            "nt_xent",
            "supervised_contrastive",
            "circle",
            "lifted_structure",
            "multi_similarity",
            "triplet_batch_hard",
            "triplet_batch_semi_hard",
        ],
        Path(CLASS_ANGLE, DEGREES, _classes),
    ),
    **dict.fromkeys(
        ["proxy_anchor", "proxy_nca"],
        Path("angle from the own proxy in degrees; the other is at 180", DEGREES, _proxies),
    ),
    **dict.fromkeys(
        ["dice", "generalized_dice", "jaccard", "lovasz_softmax", "mcc", "tversky"],
        Path(SHIFT, np.linspace(-11, 11, POINTS), _masks),
    ),
    "lovasz_hinge": Path(SHIFT, np.linspace(-11, 11, POINTS), _mask),
    **dict.fromkeys(["cpo", "orpo", "simpo"], Path(*PREFERENCE, _preferred)),
    **dict.fromkeys(
        ["approx_ndcg", "lambda_loss", "list_mle", "list_net", "pairwise_hinge", "pairwise_logistic"],
        Path("score of the most relevant of five documents", np.linspace(-3, 3, POINTS), _documents),
    ),
    "ctc": Path("logit of the symbols along the alignment", np.linspace(-1, 6, POINTS), _frames),
    "transducer": Path("logit of the symbols along the alignment", np.linspace(-1, 6, POINTS), _lattice),
    **dict.fromkeys(
        ["barlow_twins", "vicreg"],
        Path("share of the second view that is unrelated to the first", np.linspace(0, 1, POINTS), _views),
    ),
}
