"""Losses between two distributions, row by row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import special
from .._array_api import Array, Real, array_namespace
from .._values import least_and_most
from ..arguments import require_one_of_type, require_range
from ..numerics import elementwise, logarithms, reductions, settings, softmax
from ..registry import alias, register
from ._base import PureRowLoss

__all__ = ["Distillation", "GeneralizedKl", "Hellinger", "JsDivergence", "KlDivergence", "TotalVariation"]


@dataclass(frozen=True, kw_only=True)
class _Divergence(PureRowLoss):
    """What the losses of two distributions share: each of them may be given as logarithms."""

    arrays = (
        "log_probabilities[..., C]: log_distribution if from_log else distribution, "
        "target[..., C]: log_distribution if log_target else distribution -> [...]"
    )

    from_log: bool = True
    log_target: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log, log_target=self.log_target)

    def _both(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """p and q."""
        xp = array_namespace(prediction, target)
        return xp.exp(prediction) if self.from_log else prediction, xp.exp(target) if self.log_target else target

    def _logs(self, prediction: Array, target: Array) -> tuple[Array, Array, Array]:
        """t, log t and log q, where a logarithm of 0 that counts for nothing is finite."""
        if self.log_target:
            absent = target == float("-inf")
            log_mass = special.where(absent, 0.0, target)
            mass = special.where(absent, 0.0, array_namespace(prediction, target).exp(log_mass))
        else:
            mass, log_mass = target, logarithms.log_of_mass(target)
        if self.from_log:
            return mass, log_mass, prediction
        return mass, log_mass, logarithms.log(logarithms.replace_unused_zeros(prediction, mass))


def _rounding(divergence: Array) -> float:
    """How far below 0 a divergence of two distributions may be: it is at least 0, but their sums are rounded."""
    return -4.0 * float(array_namespace(divergence).finfo(divergence.dtype).eps)


@register("KLDivLoss", "kl_div", alias("kl_divergence_with_log_targets", log_target=True))
@dataclass(frozen=True, kw_only=True)
class KlDivergence(_Divergence):
    r"""Kullback-Leibler divergence of the prediction from the target: the bits, in nats, lost by believing it.

    .. math:: l = \sum_c \mathrm{target}_c \, (\log \mathrm{target}_c - \log p_c)

    Parameters
    ----------
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
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

    See Also
    --------
    cross_entropy : The same up to a constant, of logits.
    js_divergence : Symmetric and finite.
    distillation : Of a teacher's logits.

    Notes
    -----
    An item is a row: "mean" is the mean of the divergences, which PyTorch calls "batchmean".

    ``al.get("KLDivergence")`` is another loss, Keras's: of probabilities, the target's too, which it limits to 1e-7 and
    more. See `dialects.keras.losses.KLDivergence`.

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

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # a sum

    # Σ t (log t - log q), with 0 log 0 = 0.
    def call(self, log_probabilities: Array, target: Array) -> Array:
        value = logarithms.relative_entropy(*self._logs(log_probabilities, target), self.row_axis(target))
        return logarithms.without_rounding(value, _rounding(value))

    def in_torch(self, torch: Any, reduction: str, log_probabilities: Array, target: Array) -> Array | None:
        if not self.from_log or self.log_target or target.requires_grad or least_and_most(target)[0] < 0.0:
            return None
        # torch's logarithm of 0 takes ten times another's.
        log_mass = target.clamp_min(elementwise.finfo(target).smallest_normal).log_()
        items = ((log_mass - log_probabilities) * target).sum(self.row_axis(target))
        least, _ = least_and_most(items)
        if least <= _rounding(items):
            return None
        if least < 0:
            items = items - items.detach().clamp_max(0.0)
        return reductions.reduced_in_torch(torch, items, reduction)

    # -t of a log-probability, -t / q of a probability
    def derivative(self, log_probabilities: Array, target: Array) -> Array:
        mass, prediction = self._mass_and_divisor(log_probabilities, target)
        return -mass if prediction is None else -logarithms.per_probability(mass, prediction)

    # 0 of a log-probability, t / q² of a probability
    def second_derivative(self, log_probabilities: Array, target: Array) -> Array:
        mass, prediction = self._mass_and_divisor(log_probabilities, target)
        if prediction is None:
            return array_namespace(mass).zeros_like(mass)
        return logarithms.per_probability(logarithms.per_probability(mass, prediction), prediction)

    def _mass_and_divisor(self, prediction: Array, target: Array) -> tuple[Array, Array | None]:
        """t and q; q is 1 where both are 0. None for q in place of its logarithm."""
        mass = array_namespace(prediction, target).exp(target) if self.log_target else target
        return mass, None if self.from_log else logarithms.replace_unused_zeros(prediction, mass)


@register("generalized_kl_divergence", "convex_kl_divergence")
@dataclass(frozen=True, kw_only=True)
class GeneralizedKl(_Divergence):
    r"""Kullback-Leibler divergence of amounts that need not sum to 1, such as intensities: the I-divergence.

    .. math:: l = \sum_c \mathrm{target}_c \, (\log \mathrm{target}_c - \log q_c) - \mathrm{target}_c + q_c

    Parameters
    ----------
    from_log : bool, default True
        Whether `log_prediction` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The axis that is summed along. The one axis of a row alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_prediction : array, shape (..., C)
        Floating logarithms of amounts along `axis`, or with ``from_log=False`` amounts of at least 0. A row alone,
        (C,), is one item.
    target : array, shape (..., C)
        Amounts of at least 0, or with ``log_target=True`` their logarithms, of the same shape.

    See Also
    --------
    kl_divergence : Of distributions.
    poisson_nll : For counts.

    Notes
    -----
    Of two distributions it is `kl_divergence`. It is never below 0: what rounding would take there is 0, with the
    gradient that it has.

    References
    ----------
    Csiszár, Why least squares and maximum entropy? An axiomatic approach to inference for linear inverse problems
    (1991). https://doi.org/10.1214/aos/1176348385

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> amounts, target = np.asarray([[2.0, 1.0]]), np.asarray([[0.0, 1.0]])
    >>> float(al.generalized_kl(amounts, target, from_log=False))
    2.0
    """

    arrays = (
        "log_prediction[..., C]: log_nonnegative if from_log else nonnegative, "
        "target[..., C]: log_nonnegative if log_target else nonnegative -> [...]"
    )

    # Σ t (log t - log q) - t + q, with 0 log 0 = 0
    def call(self, log_prediction: Array, target: Array) -> Array:
        axis = self.row_axis(target)
        if self.log_target:
            log_prediction, target = self._in_range(log_prediction, target)
        prediction, _ = self._both(log_prediction, target)
        mass, log_mass, logs = self._logs(log_prediction, target)
        rest = reductions.reduce_sum(prediction - mass, axis)
        return logarithms.without_rounding(logarithms.relative_entropy(mass, log_mass, logs, axis) + rest)

    # The term is 0 of equal amounts, as that of 1 and 1, and infinite of others, as that of 1 and 0.
    def _in_range(self, log_prediction: Array, target: Array) -> tuple[Array, Array]:
        """Both, with another pair where the target is out of range: infinite amounts can't be subtracted."""
        beyond = target > logarithms.log_of_most(target)
        other: Array | float = 0.0
        if self.from_log:
            zero = array_namespace(log_prediction, target).zeros_like(target)
            other = special.where(log_prediction == target, zero, float("-inf"))
        return special.where(beyond, other, log_prediction), special.where(beyond, 0.0, target)


@register
@dataclass(frozen=True, kw_only=True)
class JsDivergence(_Divergence):
    r"""Jensen-Shannon divergence: symmetric, and finite where one distribution rules out what the other does not.

    .. math:: l = \frac{1}{2} \sum_c p_c \log \frac{p_c}{m_c} + \mathrm{target}_c \log \frac{\mathrm{target}_c}{m_c};
        \quad m = (p + \mathrm{target}) / 2

    Parameters
    ----------
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape.

    See Also
    --------
    kl_divergence : Where one side is the truth.
    hellinger : A distance.

    Notes
    -----
    It is in nats, from 0 to log 2, and the square of a distance; SciPy's ``jensenshannon`` is that distance.

    References
    ----------
    Lin, Divergence measures based on the Shannon entropy (1991). https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, q = np.asarray([[1.0, 0.0]]), np.asarray([[0.0, 1.0]])
    >>> round(float(al.js_divergence(p, q, from_log=False)), 6)
    0.693147
    """

    # With r = (p - q) / (p + q), it is Σ (p + q) ((1 + r) log(1 + r) + (1 - r) log(1 - r)) / 4. For a small r that is
    # 2 r atanh r + log(1 - r²), two terms of which one is about twice the other.
    def call(self, log_probabilities: Array, target: Array) -> Array:
        xp = array_namespace(log_probabilities, target)
        p, q = self._both(log_probabilities, target)
        # Where the sum is subnormal, the derivatives of a ratio are not finite, and those of the loss are.
        factor = special.where(p + q < elementwise.finfo(p).smallest_normal, 2.0**64, xp.ones_like(p))
        p, q = p * factor, q * factor
        total = p + q
        divisor = special.where(total == 0, 1.0, total)
        ratio = elementwise.divide(p - q, divisor)
        near = xp.abs(ratio) < 0.5
        r = special.where(near, ratio, 0.0)
        above, below = 2.0 * elementwise.divide(p, divisor), 2.0 * elementwise.divide(q, divisor)
        far = special.xlogy(above, above) + special.xlogy(below, below)
        terms = special.where(near, 2.0 * r * logarithms.atanh(r) + xp.log1p(-r * r), far)
        return reductions.reduce_sum(total * terms / factor, self.row_axis(target)) / 4.0


@register("total_variation_distance")
@dataclass(frozen=True, kw_only=True)
class TotalVariation(_Divergence):
    r"""Total variation distance: the largest difference that two distributions make to the probability of any event.

    .. math:: l = \frac{1}{2} \sum_c |p_c - \mathrm{target}_c|

    Parameters
    ----------
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape.

    See Also
    --------
    hellinger : Smooth.
    wasserstein_1d : Where classes are near or far from each other.

    Notes
    -----
    Where a probability equals the target's, the derivative by it is 0.

    References
    ----------
    Levin and Peres, Markov Chains and Mixing Times (2017), chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, q = np.asarray([[0.5, 0.25, 0.25]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> float(al.total_variation(p, q, from_log=False))
    0.5
    """

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # a sum

    # Σ |p - q| / 2
    def call(self, log_probabilities: Array, target: Array) -> Array:
        p, q = self._both(log_probabilities, target)
        return reductions.reduce_sum(special.absolute(p - q), self.row_axis(target)) / 2.0


@register("hellinger_distance")
@dataclass(frozen=True, kw_only=True)
class Hellinger(_Divergence):
    r"""Hellinger distance: bounded as total variation is, and smooth where the distributions differ.

    .. math:: l = \sqrt{\frac{1}{2} \sum_c (\sqrt{p_c} - \sqrt{\mathrm{target}_c})^2}

    Parameters
    ----------
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape.

    See Also
    --------
    js_divergence : In nats.
    total_variation : Without a square root.

    Notes
    -----
    It is the distance, from 0 to 1, and not its square. Where the distributions are equal, the derivative is 0, and so
    it is by a probability of 0, at which the formula has none.

    References
    ----------
    Le Cam and Yang, Asymptotics in Statistics (2000), chapter 3. https://doi.org/10.1007/978-1-4612-1166-2

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, q = np.asarray([[0.25, 0.75]]), np.asarray([[1.0, 0.0]])
    >>> round(float(al.hellinger(p, q, from_log=False)), 6)
    0.707107
    """

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # a norm

    # |√p - √q| / √2
    def call(self, log_probabilities: Array, target: Array) -> Array:
        difference = _root(log_probabilities, self.from_log) - _root(target, self.log_target)
        return special.vector_norm(difference, axis=self.row_axis(target)) * math.sqrt(0.5)


def _root(given: Array, is_log: bool) -> Array:
    """The square root of probabilities, or of what the given numbers are the logarithms of."""
    xp = array_namespace(given)
    if is_log:
        return xp.exp(given / 2.0)
    zero = given == 0
    return special.where(zero, 0.0, xp.sqrt(special.where(zero, 1.0, given)))


@register("knowledge_distillation")
@dataclass(frozen=True, kw_only=True)
class Distillation(PureRowLoss):
    r"""Divergence of a model from its teacher, of logits that a temperature softens: to train a small model by a large.

    .. math:: l = T^2 \sum_c q_c (\log q_c - \log p_c);
        \quad p = \mathrm{softmax}(\mathrm{logits} / T), \; q = \mathrm{softmax}(\mathrm{teacher\_logits} / T)

    Parameters
    ----------
    temperature : float, default 2.0
        T, above 0: the larger, the more the classes count that the teacher holds for unlikely.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating: the model's logits, with the classes along `axis`. A row alone, (C,), is one item.
    teacher_logits : array, shape (..., C)
        Those of the teacher, of the same shape. The loss has a gradient by them, too; cut it off where they have
        parameters.

    See Also
    --------
    kl_divergence : Of log-probabilities.
    cross_entropy : Of true labels, to be added.

    Notes
    -----
    The factor T² keeps the gradient at one size whatever the temperature, so that the loss can be added to the
    `cross_entropy` of labels, as in ``0.9 * distillation(...) + 0.1 * cross_entropy(...)``. Keras's
    ``LogitsDistillation`` lacks it.

    References
    ----------
    Hinton, Vinyals and Dean, Distilling the knowledge in a neural network (2015). https://arxiv.org/abs/1503.02531

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, teacher = np.asarray([[2.0, 0.0]]), np.asarray([[0.0, 2.0]])
    >>> round(float(al.distillation(logits, teacher, temperature=1.0)), 6)
    1.523188
    """

    arrays = "logits[..., C]: real, teacher_logits[..., C]: real -> [...]"

    temperature: Real = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, math.inf, ends=False, temperature=self.temperature)

    # T² Σ q (log q - log p), which is T times a difference of logits where T vanishes
    def call(self, logits: Array, teacher_logits: Array) -> Array:
        axis = self.row_axis(logits)
        factor, temperature = self._factor_and_temperature(logits)
        student, teacher = (_shifted(z, axis) / temperature for z in (logits, teacher_logits))
        # The two factors apart: XLA would multiply them, and the square of T may vanish.
        return factor * logarithms.without_rounding(temperature * softmax.relative_entropy(teacher, student, axis))

    # T (p - q)
    def derivative(self, logits: Array, teacher_logits: Array) -> Array:
        axis = self.row_axis(logits)
        factor, temperature = self._factor_and_temperature(logits)
        p, q = (special.softmax(_shifted(z, axis) / temperature, axis=axis) for z in (logits, teacher_logits))
        return factor * (p - q)

    def _factor_and_temperature(self, logits: Array) -> tuple[Array | float, Array | float]:
        """T as what is multiplied and as what is divided by, which has a square in the dtype."""
        temperature = settings.squarable(self.temperature, logits)
        most = 0.5 * elementwise.finfo(logits).max ** 0.5
        return settings.limited(self.temperature, 0.0, most), temperature


def _shifted(logits: Array, axis: int) -> Array:
    """Logits less the largest of their row, which is then exactly 0, however a compiler rounds a quotient of it."""
    return logits - special.stop_gradient(reductions.reduce_max(logits, axis))
