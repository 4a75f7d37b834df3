"""The catalogue as the tests see it: each registered loss, at its defaults and off them, and inputs for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses import data
from arraylosses.execution import direct

# Settings off their defaults. A loss of the package needs every setting here: a test says which is missing.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "huber": [{"delta": 0.75}],
    "smooth_l1": [{"beta": 0.5}, {"beta": 0.0}],
    "pseudo_huber": [{"delta": 1.75}],
    "quantile": [{"q": 0.8}],
    "absolute_percentage_error": [{"percent": False, "epsilon": 0.25}],
    "poisson_nll": [{"from_log": False, "epsilon": 0.125}, {"full": True}],
    "binary_cross_entropy": [
        {"pos_weight": 3.0, "label_smoothing": 0.1},
        {"pos_weight": (0.5, 2.0, 1.5, 3.0)},
        {"from_logits": False},
    ],
    "binary_focal": [
        {"gamma": 1.5, "alpha": 0.25, "label_smoothing": 0.1},
        {"from_logits": False},
        {"gamma": 0.0},
    ],
    "cross_entropy": [
        {"axis": 1, "label_smoothing": 0.1, "class_weight": (1.0, 0.5, 2.0, 0.25, 3.0)},
        {"from_logits": False, "ignore_index": 1},
        {"from_logits": False, "label_smoothing": 0.1, "axis": 0},
        {"z_loss": 0.125},
        {"softcap": 30.0},
        {"z_loss": 0.5, "softcap": 2.5, "label_smoothing": 0.1, "axis": 1},
    ],
    "nll": [{"axis": 1, "class_weight": (1.0, 0.5, 2.0, 0.25, 3.0), "ignore_index": 1}],
    "categorical_focal": [
        {"gamma": 0.5, "alpha": 0.25, "axis": 1, "label_smoothing": 0.1},
        {"alpha": (1.0, 0.5, 2.0, 0.25, 3.0), "from_logits": False},
        {"class_weight": (1.0, 0.5, 2.0, 0.25, 3.0), "ignore_index": 1},
    ],
    "categorical_hinge": [
        {"margin": 0.5, "axis": 1, "class_weight": (1.0, 0.5, 2.0, 0.25, 3.0), "ignore_index": 1},
    ],
    "kl_divergence": [
        {"log_target": True, "axis": 1},
        {"from_log": False},
    ],
    "cosine_similarity": [{"axis": 1}],
    "cosine_embedding": [{"margin": 0.25, "axis": 1}],
    "hinge_embedding": [{"margin": 0.5}],
    "margin_ranking": [{"margin": 0.5}],
    "triplet_margin": [
        {"margin": 0.5, "p": 1.0, "axis": 1},
        {"swap": True},
        {"p": 3.0},
    ],
    "keras.binary_crossentropy": [
        {"epsilon": 0.125, "label_smoothing": 0.1},
        {"from_logits": True, "pos_weight": 3.0},
    ],
    "keras.binary_focal_crossentropy": [
        {"epsilon": 0.125},
        {"from_logits": True, "gamma": 1.5, "alpha": 0.25, "label_smoothing": 0.1},
    ],
    "keras.categorical_crossentropy": [
        {"epsilon": 0.125, "ignore_index": 1},
        {"label_smoothing": 0.1, "axis": 0, "class_weight": (1.0, 0.5, 2.0, 0.25, 3.0)},
        {"from_logits": True, "z_loss": 0.125, "softcap": 30.0},
    ],
    "keras.categorical_focal_crossentropy": [
        {"alpha": (1.0, 0.5, 2.0, 0.25, 3.0), "epsilon": 0.125},
        {"gamma": 0.5, "axis": 1, "label_smoothing": 0.1},
        {"from_logits": True, "class_weight": (1.0, 0.5, 2.0, 0.25, 3.0), "ignore_index": 1},
    ],
    "keras.kl_divergence": [{"epsilon": 0.0625, "axis": 1}],
    "keras.mean_squared_logarithmic_error": [{"epsilon": 0.5}],
    "torch.bce_loss": [{"log_floor": -1.5, "label_smoothing": 0.1}, {"from_logits": True, "pos_weight": 3.0}],
    "torch.triplet_margin_loss": [{"swap": True, "epsilon": 0.125}, {"margin": 0.5, "p": 1.0, "axis": 1}],
}

OF_THE_PACKAGE = ("arraylosses.losses.", "arraylosses.dialects.")

CLASSES = 5
"""Length of the class or feature axis; the class weights above have it."""


@dataclass(frozen=True)
class Case:
    """One loss to be tested."""

    name: str
    loss: al.Loss
    soft: bool = False
    """Whether labels are probabilities instead of integers."""

    def __str__(self) -> str:
        off = [f"{k}={v}" for k, v in al.serialize(self.loss)["settings"].items() if v != self._default(k)]
        return "-".join([self.name, *off, *(["soft"] if self.soft else [])]).replace(" ", "")

    def _default(self, name: str) -> Any:
        return next(f.default for f in type(self.loss).__dataclass_fields__.values() if f.name == name)

    @property
    def is_default(self) -> bool:
        """Whether it is a loss of ours at its defaults: of those laws that run in every variant of a library."""
        return self.loss == type(self.loss)() and type(self.loss).__module__.startswith("arraylosses.losses.")

    @property
    def rows(self) -> bool:
        return self.loss.granularity == "row"

    @property
    def axis(self) -> int:
        return self.loss.axis

    def item_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the per-item loss of arrays that `inputs` made with `shape`."""
        return shape if self.rows else (*shape, 4)

    def inputs(self, seed: int = 0, shape: tuple[int, ...] = (4, 3), dtype: str = "float64") -> tuple[np.ndarray, ...]:
        """Arrays that the loss takes: `shape` is that of the items of rows; elements have a last axis of 4."""
        rng = np.random.default_rng(seed)
        declaration = self.loss.declaration
        sizes = {"C": CLASSES, "D": CLASSES}
        batch = shape if self.rows else (*shape, 4)
        arrays = list(data.draw(declaration, rng, batch, sizes, self.loss.class_axis(), soft=self.soft))
        if declaration.domains[1:] == ("probability",):  # a target, of which some are hard
            arrays[1] = np.where(rng.uniform(size=batch) < 0.5, np.round(arrays[1]), arrays[1])
        return tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays)

    def row_arrays(self) -> tuple[bool, ...]:
        """Which of the arrays have the class axis."""
        forms = [argument.form(integer=not self.soft) for argument in self.loss.declaration.arguments]
        return tuple(len(form.axes) > 1 for form in forms)

    def floating(self) -> tuple[int, ...]:
        """The arguments that a gradient can be taken with respect to."""
        forms = [argument.form(integer=not self.soft) for argument in self.loss.declaration.arguments]
        return tuple(k for k, form in enumerate(forms) if form.domain.name != "sign" and not form.domain.is_integer)


def _cases() -> list[Case]:
    cases = []
    for name, cls in al.registered().items():
        # What is computed of a projection has arrays that belong to no item, and a mask within an item or a batch of
        # coupled ones has another meaning: these have laws of their own, in test_linear_cross_entropy and
        # test_declared.
        plain = cls().projected is None and not cls().declaration.takes_where
        if cls.__module__.startswith(OF_THE_PACKAGE) and plain:
            for settings in [{}, *SETTINGS.get(name, [])]:
                loss = cls(**settings)
                cases.append(Case(name, loss))
                if "class" in loss.declaration.domains and loss.ignore_index is None:
                    cases.append(Case(name, loss, soft=True))
    return cases


CASES = _cases()
DEFAULTS = [case for case in CASES if case.loss == type(case.loss)()]


def formula_of(loss: al.Loss) -> Callable[..., Any]:
    """A loss computed straight from its formula, so that a tape records every operation of that, and no closed form."""

    def formula(*arrays: Any, weight: Any = None, where: Any = None) -> Any:
        return direct.run(loss, loss.check(arrays, weight, where))

    return formula
