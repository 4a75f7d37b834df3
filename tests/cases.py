"""The catalogue as the tests see it: each registered loss, at its defaults and off them, and inputs for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses import data
from arraylosses.testing import Subject
from arraylosses.testing.laws import edges
from arraylosses.testing.library import forms_of

from .catalogue import CATALOGUE, CLASS_WEIGHT, Entry
from .variants import VARIANTS, Variant

OF_THE_PACKAGE = ("arraylosses.losses.", "arraylosses.dialects.")

CLASSES = len(CLASS_WEIGHT)
"""Length of the class or feature axis."""


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
    def entry(self) -> Entry:
        return CATALOGUE[self.name]

    @property
    def rows(self) -> bool:
        return self.loss.granularity == "row"

    @property
    def axis(self) -> int:
        return self.loss.axis

    def item_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the per-item loss of arrays that `inputs` made with `shape`."""
        return (*shape, 4) if self.loss.declaration.of_elements else shape

    def inputs(
        self, seed: int = 0, shape: tuple[int, ...] = (4, 3), dtype: str = "float64", batch: int = 6
    ) -> tuple[np.ndarray, ...]:
        """Arrays that the loss takes: `shape` is that of the items of rows; elements have a last axis of 4.

        `batch` is the length of an axis N, which losses of coupled items and of images have.
        """
        rng = np.random.default_rng(seed)
        declaration = self.loss.declaration
        sizes = {"N": batch, "L": 2, "U": 4} | ({"C": 3} if self.entry.of_batch else {})
        arrays = list(
            data.draw(declaration, rng, self.item_shape(shape), sizes, self.loss.class_axis(), soft=self.soft)
        )
        if declaration.domains[1:] == ("probability",):  # a target, of which some are hard
            arrays[1] = np.where(rng.uniform(size=arrays[1].shape) < 0.5, np.round(arrays[1]), arrays[1])
        return tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays)

    def of_batch(self, size: int, seed: int = 0, dtype: str = "float64") -> tuple[np.ndarray, ...]:
        """Arrays of a batch of `size`; sequences have an alignment."""
        is_first = "N" in self.loss.declaration.arguments[0].forms[0].axes
        arrays = self.inputs(seed, dtype=dtype, batch=size) if is_first else self.inputs(seed, (size, 3), dtype)
        if "length" in self.loss.declaration.domains:
            labels, *lengths = arrays[1:]
            most = (arrays[0].shape[len(lengths[0].shape)], labels.shape[-1])
            lengths = [np.maximum(x, n - 1) for x, n in zip(lengths, most, strict=True)]
            arrays = (arrays[0], np.maximum(labels, 1), *lengths)
        return arrays

    def batch_axes(self) -> tuple[int | None, ...]:
        """Where the batch lies in each array of a loss whose class axis is the last one; None where it has none."""
        forms = [argument.form(integer=not self.soft) for argument in self.loss.declaration.arguments]
        places = [[form.axes.index(axis) for axis in ("N", "...") if axis in form.axes] for form in forms]
        return tuple([found[0] if found else None for found in places])

    def row_arrays(self) -> tuple[bool, ...]:
        """Which of the arrays have the class axis."""
        forms = [argument.form(integer=not self.soft) for argument in self.loss.declaration.arguments]
        return tuple(len(form.axes) > 1 for form in forms)

    def floating(self) -> tuple[int, ...]:
        """The arguments that a gradient can be taken with respect to."""
        forms = [argument.form(integer=not self.soft) for argument in self.loss.declaration.arguments]
        return tuple(k for k, form in enumerate(forms) if form.domain.name != "sign" and not form.domain.is_integer)


def _settings(name: str, cls: type[al.Loss]) -> list[Case]:
    """A loss with each of its settings; with both kinds of labels where it takes them and leaves none out."""
    losses = [cls(**settings) for settings in [{}, *CATALOGUE[name].settings]]
    return [case for loss in losses for case in _forms(name, loss)]


def _forms(name: str, loss: al.Loss) -> list[Case]:
    return [Case(name, loss, soft) for soft in forms_of(loss)]


OURS = {name: cls for name, cls in al.registered().items() if cls.__module__.startswith(OF_THE_PACKAGE)}
# A mask within an item or among coupled ones has another meaning: these have laws of their own, in test_declared.
CASES = [case for name, cls in OURS.items() if CATALOGUE[name].reference for case in _settings(name, cls)]
OF_BATCHES = [case for name, cls in OURS.items() if CATALOGUE[name].of_batch for case in _settings(name, cls)]
DEFAULTS = [case for case in CASES if case.loss == type(case.loss)()]
OTHERS = [case for name, cls in OURS.items() if not CATALOGUE[name].reference for case in _forms(name, cls())]
"""The losses that are not among the `DEFAULTS`: of coupled items, and those with tests of their own."""

NUMPY = VARIANTS[0]


def subject(case: Case, variant: Variant = NUMPY, seed: int = 0) -> Subject:
    """A case as the laws of `arraylosses.testing` see it."""
    return Subject(case.loss, variant, NUMPY, case.inputs, seed, case.entry.edges, not case.entry.constant)


def extremes(case: Case, dtype: str) -> list[np.ndarray]:
    """Every combination of the edges of what a loss takes at which it is finite, as one axis of items."""
    on = subject(case)
    on.dtype = dtype
    found = edges(on)
    assert found is not None
    assert on.checked(found).item_shape[0] >= 5
    return found
