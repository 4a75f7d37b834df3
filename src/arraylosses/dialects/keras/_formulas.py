"""Formulas of Keras that are not those of the losses of the same names here."""

from __future__ import annotations

from dataclasses import dataclass

from ... import special
from ..._array_api import Array, array_namespace
from ...losses._base import PureLoss, PureRowLoss
from ...losses._pairs import log_sum_of, places
from ...numerics import reductions

__all__ = ["CategoricalHinge", "Circle", "Tversky"]


@dataclass(frozen=True, kw_only=True)
class CategoricalHinge(PureRowLoss):
    """The multiclass hinge loss in which the true class, too, is a rival, with a score of 0."""

    arrays = "prediction[..., C]: real, target[..., C]: distribution -> [...]"

    # max(0, 1 + max_c (1 - t_c) p_c - Σ_c t_c p_c)
    def call(self, prediction: Array, target: Array) -> Array:
        axis = self.row_axis(prediction)
        xp = array_namespace(prediction, target)
        rival = xp.max((1.0 - target) * prediction, axis=axis)
        return special.relu(rival - reductions.reduce_sum(target * prediction, axis) + 1.0)


@dataclass(frozen=True, kw_only=True)
class Tversky(PureRowLoss):
    """One minus the Tversky index of the places of a row; epsilon is added to the denominator alone.

    So the loss of a region that is empty, and predicted so, is 1.
    """

    alpha: float = 0.5
    beta: float = 0.5
    epsilon: float = 1e-7

    arrays = "prediction[..., P]: probability, target[..., P]: probability -> [...]"

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # it has no use for `axis`

    # 1 - TP / (TP + alpha FP + beta FN + epsilon), without the difference: the overlap may be nearly whole.
    def call(self, prediction: Array, target: Array) -> Array:
        overlap = reductions.reduce_sum(prediction * target, -1)
        false_positive = reductions.reduce_sum(prediction * (1.0 - target), -1)
        false_negative = reductions.reduce_sum((1.0 - prediction) * target, -1)
        errors = self.alpha * false_positive + self.beta * false_negative + self.epsilon
        return errors / (overlap + errors)


@dataclass(frozen=True, kw_only=True)
class Circle(PureLoss):
    """The circle loss of embeddings of length 1 against others, in which the factors of the pairs have a gradient."""

    margin: float = 0.4
    gamma: float = 80.0
    remove_diagonal: bool = True

    arrays = "embeddings[N, D]: real, labels[N]: id, ref_embeddings[M, D]: real, ref_labels[M]: id -> [N] coupled"

    # log(1 + Σ_p exp(-gamma (m + d_p) (m - d_p)) Σ_n exp(gamma max(0, 1 + m - d_n) (1 - m - d_n))), with the distances
    # d = 1 - cosine of the positives and the negatives.
    def call(
        self,
        embeddings: Array,
        labels: Array,
        ref_embeddings: Array,
        ref_labels: Array,
        where: Array | None = None,
    ) -> Array:
        xp, m = array_namespace(embeddings, ref_embeddings), self.margin
        distance = special.relu(1.0 - xp.matmul(embeddings, xp.permute_dims(ref_embeddings, (1, 0))))
        same = labels[:, None] == ref_labels[None, :]
        negative, positive = xp.logical_not(same), same
        if self.remove_diagonal:
            positive = xp.logical_and(same, places(labels)[:, None] != places(ref_labels)[None, :])
        of_positives = -self.gamma * special.relu(m + distance) * (m - distance)
        of_negatives = self.gamma * special.relu(1.0 + m - distance) * (1.0 - m - distance)
        return special.softplus(log_sum_of(positive, of_positives) + log_sum_of(negative, of_negatives))
