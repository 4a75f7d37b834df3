"""Losses between two distributions, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from .._validation import Domain, require_one_of_type, require_range
from ..loss import RowLoss
from ..numerics import elementwise, logarithms, settings
from ..registry import alias, register

__all__ = ["KlDivergence"]


@register(
    "KLDivLoss",
    "kl_div",
    alias("kld", "KLD", "KLDivergence", "kullback_leibler_divergence", from_log=False, epsilon=1e-7),
)
@dataclass(frozen=True, kw_only=True)
class KlDivergence(RowLoss):
    r"""Kullback-Leibler divergence of the prediction from the target: the bits, in nats, lost by believing it.

    .. math:: l = \sum_c target_c \, (\log target_c - \log p_c)

    Parameters
    ----------
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    epsilon : float, default 0.0
        Probabilities, of the prediction and of the target, are limited to [epsilon, 1], as Keras does with 1e-7.
        Without effect on logarithms.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape. Where one is 0, the class
        counts for nothing.

    Notes
    -----
    An item is a row: "mean" is the mean of the divergences, which PyTorch calls "batchmean". Keras's loss of this name
    takes probabilities, the target first; ``al.get("KLDivergence")`` means that.

    The divergence of two distributions is at least 0. As their sums are 1 but for rounding, a result of less than 4
    units of the dtype (`eps`) below 0 counts as 0, and its gradient stays; one further below says that a row does not
    sum to 1.

    References
    ----------
    Kullback and Leibler, On information and sufficiency (1951). https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> q, p = np.asarray([[0.5, 0.5]]), np.asarray([[1.0, 0.0]])
    >>> round(float(al.kl_divergence(np.log(q), p)), 6)
    0.693147
    """

    from_log: bool = True
    log_target: bool = False
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log, log_target=self.log_target)
        require_range(0, 1, epsilon=self.epsilon)

    def domains(self) -> tuple[Domain, ...]:
        return (
            "log_distribution" if self.from_log else "distribution",
            "log_distribution" if self.log_target else "distribution",
        )

    # Σ t (log t - log q), with 0 log 0 = 0.
    def call(self, log_probabilities: Array, target: Array) -> Array:
        xp = array_namespace(log_probabilities, target)
        prediction = log_probabilities
        if not (self.from_log or settings.is_zero(self.epsilon)):
            prediction = special.clip(prediction, self.epsilon, 1.0)
        if self.log_target:
            absent = target == float("-inf")
            log_mass = special.where(absent, 0.0, target)
            mass = special.where(absent, 0.0, xp.exp(log_mass))
        else:
            mass = target if settings.is_zero(self.epsilon) else special.clip(target, self.epsilon, 1.0)
            log_mass = logarithms.log(logarithms.replace_unused_zeros(mass, mass))
        logs = prediction if self.from_log else logarithms.log(logarithms.replace_unused_zeros(prediction, mass))
        value = logarithms.relative_entropy(mass, log_mass, logs, self.row_axis(target))
        # It is at least 0 for two distributions, whose sums are rounded as it is.
        slack = -4.0 * float(xp.finfo(value.dtype).eps)
        rounding = xp.logical_and(value < 0, value > slack)
        return value - special.where(rounding, special.stop_gradient(value), 0.0)

    # -t of a log-probability, -t / q of a probability
    def derivative(self, log_probabilities: Array, target: Array) -> Array:
        mass, prediction = self._mass_and_divisor(log_probabilities, target)
        return -mass if prediction is None else -mass / prediction

    # 0 of a log-probability, t / q² of a probability
    def second_derivative(self, log_probabilities: Array, target: Array) -> Array:
        mass, prediction = self._mass_and_divisor(log_probabilities, target)
        return array_namespace(mass).zeros_like(mass) if prediction is None else mass / prediction / prediction

    def _mass_and_divisor(self, prediction: Array, target: Array) -> tuple[Array, Array | None]:
        """t and q; t is 0 where a limit holds q, and q is 1 where t is 0. None for q in place of its logarithm."""
        xp = array_namespace(prediction, target)
        if self.log_target:
            mass = xp.exp(target)
        else:
            mass = target if settings.is_zero(self.epsilon) else special.clip(target, self.epsilon, 1.0)
        if self.from_log:
            return mass, None
        if not settings.is_zero(self.epsilon):
            mass = mass * elementwise.clip_derivative(prediction, self.epsilon, 1.0)
        return mass, logarithms.replace_unused_zeros(prediction, mass)
