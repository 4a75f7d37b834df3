"""The classes of `keras.losses`: their functions, with weights, masks and a reduction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...arguments import require_range
from . import functions
from ._items import Reduction
from .loss import BuiltIn

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
]


# Regression


@dataclass(eq=False, repr=False)
class MeanSquaredError(BuiltIn, fn=functions.mean_squared_error):
    """Squared error: see `mean_squared_error`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_squared_error"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class MeanAbsoluteError(BuiltIn, fn=functions.mean_absolute_error):
    """Absolute error: see `mean_absolute_error`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_absolute_error"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class MeanAbsolutePercentageError(BuiltIn, fn=functions.mean_absolute_percentage_error):
    """Absolute error in per cent of the target: see `mean_absolute_percentage_error`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_absolute_percentage_error"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class MeanSquaredLogarithmicError(BuiltIn, fn=functions.mean_squared_logarithmic_error):
    """Squared difference of logarithms: see `mean_squared_logarithmic_error`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "mean_squared_logarithmic_error"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class CosineSimilarity(BuiltIn, fn=functions.cosine_similarity):
    """Minus the cosine of the angle: see `cosine_similarity`, and `Loss`."""

    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "cosine_similarity"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class Huber(BuiltIn, fn=functions.huber):
    """Squared near 0 and absolute far out: see `huber`, and `Loss`."""

    delta: float = 1.0
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "huber_loss"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class LogCosh(BuiltIn, fn=functions.log_cosh):
    """Logarithm of the hyperbolic cosine of the error: see `log_cosh`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "log_cosh"
    dtype: Any = None


# Maximum margin


@dataclass(eq=False, repr=False)
class Hinge(BuiltIn, fn=functions.hinge):
    """Hinge loss of targets -1 and 1, or 0 and 1: see `hinge`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "hinge"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class SquaredHinge(BuiltIn, fn=functions.squared_hinge):
    """Squared hinge loss of targets -1 and 1, or 0 and 1: see `squared_hinge`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "squared_hinge"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class CategoricalHinge(BuiltIn, fn=functions.categorical_hinge):
    """Multiclass hinge loss of one-hot targets: see `categorical_hinge`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_hinge"
    dtype: Any = None


# Probability


@dataclass(eq=False, repr=False)
class KLDivergence(BuiltIn, fn=functions.kl_divergence):
    """Kullback-Leibler divergence of probabilities: see `kl_divergence`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "kl_divergence"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class Poisson(BuiltIn, fn=functions.poisson):
    """Poisson likelihood of a rate: see `poisson`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "poisson"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class BinaryCrossentropy(BuiltIn, fn=functions.binary_crossentropy):
    """Cross entropy of targets 0 and 1: see `binary_crossentropy`, and `Loss`."""

    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int | tuple[int, ...] | None = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "binary_crossentropy"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class BinaryFocalCrossentropy(BuiltIn, fn=functions.binary_focal_crossentropy):
    """Focal loss of targets 0 and 1: see `binary_focal_crossentropy`, and `Loss`."""

    apply_class_balancing: bool = False
    alpha: float = 0.25
    gamma: float = 2.0
    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int | tuple[int, ...] | None = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "binary_focal_crossentropy"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class CategoricalCrossentropy(BuiltIn, fn=functions.categorical_crossentropy):
    """Cross entropy of a probability for each class: see `categorical_crossentropy`, and `Loss`."""

    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_crossentropy"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class CategoricalFocalCrossentropy(BuiltIn, fn=functions.categorical_focal_crossentropy):
    """Focal loss of a probability for each class: see `categorical_focal_crossentropy`, and `Loss`."""

    alpha: Any = 0.25
    gamma: float = 2.0
    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int = -1
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_focal_crossentropy"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class SparseCategoricalCrossentropy(BuiltIn, fn=functions.sparse_categorical_crossentropy):
    """Cross entropy of integer labels: see `sparse_categorical_crossentropy`, and `Loss`."""

    from_logits: bool = False
    ignore_class: int | None = None
    reduction: Reduction = "sum_over_batch_size"
    axis: int = -1
    name: str | None = "sparse_categorical_crossentropy"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class CategoricalGeneralizedCrossEntropy(BuiltIn, fn=functions.categorical_generalized_cross_entropy):
    """Generalized cross entropy of integer labels: see `categorical_generalized_cross_entropy`, and `Loss`."""

    q: float = 0.5
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "categorical_generalized_cross_entropy"
    dtype: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 1, ends=False, q=self.q)


# Regions, embeddings and sequences


@dataclass(eq=False, repr=False)
class Dice(BuiltIn, fn=functions.dice):
    """Dice loss of probabilities: see `dice`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "dice"
    axis: int | tuple[int, ...] | None = None
    dtype: Any = None


@dataclass(eq=False, repr=False)
class Tversky(BuiltIn, fn=functions.tversky):
    """Tversky loss of probabilities: see `tversky`, and `Loss`."""

    alpha: float = 0.5
    beta: float = 0.5
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "tversky"
    axis: int | tuple[int, ...] | None = None
    dtype: Any = None


@dataclass(eq=False, repr=False)
class Circle(BuiltIn, fn=functions.circle):
    """Circle loss of embeddings of length 1: see `circle`, and `Loss`."""

    gamma: float = 80.0
    margin: float = 0.4
    remove_diagonal: bool = True
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "circle"
    dtype: Any = None


@dataclass(eq=False, repr=False)
class CTC(BuiltIn, fn=functions.ctc):
    """Connectionist temporal classification: see `ctc`, and `Loss`."""

    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "ctc"
    dtype: Any = None
