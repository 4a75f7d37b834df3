"""Losses of preferences between answers of a language model, from the log-probabilities of whole answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import special
from .._array_api import Array, Real, array_namespace, is_array
from ..arguments import are_zero, require_choice, require_finite, require_nonnegative, require_positive, require_range
from ..numerics import elementwise, logarithms, logistic, settings
from ..registry import register
from ._base import PureLoss

__all__ = ["Cpo", "Dpo", "Kto", "Orpo", "Simpo"]


# -(1 - s) log sigmoid(margin) - s log sigmoid(-margin) for a label smoothing s
def _surprise(margin: Array, label_smoothing: Any) -> Array:
    """The negative log-likelihood of a preference, whose log-odds are `margin`."""
    target = array_namespace(margin).ones_like(margin) * (1.0 - label_smoothing)
    return logistic.bernoulli_nll(margin, target)


@register
@dataclass(frozen=True, kw_only=True)
class Dpo(PureLoss):
    r"""Direct preference optimization: fits a policy to preferred answers, and keeps it near a reference.

    .. math:: l = -(1 - s) \log \sigma(h) - s \log \sigma(-h);
        \quad h = \beta ((\mathrm{chosen} - \mathrm{reference\_chosen}) - (\mathrm{rejected} -
        \mathrm{reference\_rejected}))

    Parameters
    ----------
    beta : float, default 0.1
        How strongly the policy is kept near the reference; above 0.
    loss_type : {"sigmoid", "hinge", "ipo", "robust"}, default "sigmoid"
        "sigmoid" is the formula above; "hinge" is ``max(0, 1 - h)``; "ipo" is ``(h / beta - 1 / (2 beta))**2``, which
        does not press on once a pair is told apart; "robust" is without bias where a share of `label_smoothing` of the
        pairs is the wrong way round, ``-log sigmoid(h) - h s / (1 - 2 s)``.
    label_smoothing : float, default 0.0
        The chance, in [0, 1/2], that a pair is the wrong way round; s in the formula. With "robust" it is below 1/2,
        and with "hinge" and "ipo" it is 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    chosen, rejected : array
        Log-probabilities of the preferred answer and of the other one under the policy, of one shape.
    reference_chosen, reference_rejected : array
        The same under the reference model, of the same shape; zeros for a loss without one.

    See Also
    --------
    simpo : Without a reference.
    kto : Without pairs.
    ppo_clip : By rewards.

    Notes
    -----
    A log-probability is that of a whole answer, the sum over its tokens. TRL takes the mean over the tokens for "ipo".

    "robust" is the published loss, ``(s log sigmoid(-h) - (1 - s) log sigmoid(h)) / (1 - 2 s)``, with its first term
    resolved. It may be negative.

    References
    ----------
    Rafailov et al., Direct preference optimization: your language model is secretly a reward model (2023).
    https://arxiv.org/abs/2305.18290

    Zhao et al., SLiC-HF: sequence likelihood calibration with human feedback (2023), of "hinge".
    https://arxiv.org/abs/2305.10425

    Azar et al., A general theoretical paradigm to understand learning from human preferences (2023), of "ipo".
    https://arxiv.org/abs/2310.12036

    Chowdhury, Kini and Natarajan, Provably robust DPO: aligning language models with noisy feedback (2024), of
    "robust". https://arxiv.org/abs/2403.00409

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> chosen, rejected = np.asarray([-10.0]), np.asarray([-14.0])
    >>> reference_chosen, reference_rejected = np.asarray([-12.0]), np.asarray([-12.0])
    >>> round(float(al.dpo(chosen, rejected, reference_chosen, reference_rejected, beta=0.5)), 6)
    0.126928
    """

    arrays = (
        "chosen[...]: log_probability, rejected[...]: log_probability, "
        "reference_chosen[...]: log_probability, reference_rejected[...]: log_probability -> [...]"
    )

    beta: Real = 0.1
    loss_type: str = "sigmoid"
    label_smoothing: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(beta=self.beta)
        require_finite(beta=self.beta)
        require_choice(("sigmoid", "hinge", "ipo", "robust"), loss_type=self.loss_type)
        require_range(0, 0.5, label_smoothing=self.label_smoothing)
        if self.loss_type in ("hinge", "ipo") and not are_zero("label_smoothing", self.label_smoothing):
            raise ValueError(
                f"`label_smoothing` must be 0 with loss_type={self.loss_type!r}, got {self.label_smoothing!r}"
            )
        if self.loss_type == "robust" and settings.is_zero(0.5 - self.label_smoothing):
            raise ValueError("`label_smoothing` must be below 0.5 with loss_type='robust', got 0.5")

    # -log sigmoid(h) and its relatives, of the difference of the log-ratios h / beta
    def call(self, chosen: Array, rejected: Array, reference_chosen: Array, reference_rejected: Array) -> Array:
        gap = (chosen - reference_chosen) - (rejected - reference_rejected)
        if self.loss_type == "ipo":
            error = gap - 0.5 / self.beta
            return error * error
        margin = settings.in_range(self.beta, gap) * gap
        if self.loss_type == "hinge":
            return special.relu(1.0 - margin)
        if self.loss_type == "robust":
            return special.softplus(-margin) - self.label_smoothing / (1.0 - 2.0 * self.label_smoothing) * margin
        return _surprise(margin, self.label_smoothing)


@register
@dataclass(frozen=True, kw_only=True)
class Cpo(PureLoss):
    r"""Contrastive preference optimization: as `dpo` without a reference, and the likelihood of the preferred answer.

    .. math:: l = -(1 - s) \log \sigma(h) - s \log \sigma(-h) - \alpha \, \mathrm{chosen};
        \quad h = \beta \, (\mathrm{chosen} - \mathrm{rejected})

    Parameters
    ----------
    beta : float, default 0.1
        How much the difference of the log-probabilities counts; above 0.
    alpha : float, default 1.0
        Weight of the negative log-likelihood of the preferred answer, at least 0.
    label_smoothing : float, default 0.0
        The chance, in [0, 1/2], that a pair is the wrong way round; s in the formula.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    chosen, rejected : array
        Log-probabilities of the preferred answer and of the other one under the policy, of one shape.

    See Also
    --------
    dpo : With a reference.
    simpo : Without the likelihood.

    Notes
    -----
    A log-probability is that of a whole answer, the sum over its tokens. TRL takes the mean over all tokens of the
    batch for the term of `alpha`.

    References
    ----------
    Xu et al., Contrastive preference optimization: pushing the boundaries of LLM performance in machine translation
    (2024). https://arxiv.org/abs/2401.08417

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.cpo(np.asarray([-1.0]), np.asarray([-5.0]), beta=0.5)), 6)
    1.126928
    """

    arrays = "chosen[...]: log_probability, rejected[...]: log_probability -> [...]"

    beta: Real = 0.1
    alpha: Real = 1.0
    label_smoothing: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(beta=self.beta)
        require_finite(beta=self.beta)
        require_nonnegative(alpha=self.alpha)
        require_finite(alpha=self.alpha)
        require_range(0, 0.5, label_smoothing=self.label_smoothing)

    # -log sigmoid(beta (chosen - rejected)) - alpha chosen
    def call(self, chosen: Array, rejected: Array) -> Array:
        margin = settings.in_range(self.beta, chosen) * (chosen - rejected)
        return _surprise(margin, self.label_smoothing) - settings.times(settings.in_range(self.alpha, chosen), chosen)


@register
@dataclass(frozen=True, kw_only=True)
class Simpo(PureLoss):
    r"""Simple preference optimization: of mean log-probabilities, with a margin and without a reference.

    .. math:: l = -(1 - s) \log \sigma(h) - s \log \sigma(-h);
        \quad h = \beta \, (\mathrm{chosen} - \mathrm{rejected}) - \mathrm{margin}

    Parameters
    ----------
    beta : float, default 2.0
        How much the difference of the log-probabilities counts; above 0.
    margin : float, default 1.0
        The difference of rewards that is asked for, at least 0: the paper's gamma.
    label_smoothing : float, default 0.0
        The chance, in [0, 1/2], that a pair is the wrong way round; s in the formula.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    chosen, rejected : array
        Mean log-probabilities of a token of the preferred answer and of the other one under the policy, of one shape.

    See Also
    --------
    dpo : With a reference.
    cpo : With the likelihood of the preferred answer.

    Notes
    -----
    A log-probability is the mean over the tokens of an answer, so that long answers are no better or worse for their
    length. TRL's defaults are 0.1 and 0.5 for `beta` and the margin; the paper's best are from 2 to 10 and from 0.3 to
    1.6.

    References
    ----------
    Meng, Xia and Chen, SimPO: simple preference optimization with a reference-free reward (2024).
    https://arxiv.org/abs/2405.14734

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.simpo(np.asarray([-0.5]), np.asarray([-1.5]))), 6)
    0.313262
    """

    arrays = "chosen[...]: log_probability, rejected[...]: log_probability -> [...]"

    beta: Real = 2.0
    margin: Real = 1.0
    label_smoothing: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(beta=self.beta)
        require_finite(beta=self.beta)
        require_nonnegative(margin=self.margin)
        require_finite(margin=self.margin)
        require_range(0, 0.5, label_smoothing=self.label_smoothing)

    # -log sigmoid(beta (chosen - rejected) - margin)
    def call(self, chosen: Array, rejected: Array) -> Array:
        beta, margin = (settings.in_range(setting, chosen) for setting in (self.beta, self.margin))
        return _surprise(beta * (chosen - rejected) - margin, self.label_smoothing)


@register
@dataclass(frozen=True, kw_only=True)
class Orpo(PureLoss):
    r"""Odds ratio preference optimization: supervised fine-tuning and preference in one, without a reference.

    .. math:: l = -\mathrm{chosen} - \beta \log \sigma(\log
        \frac{\mathrm{odds}(\mathrm{chosen})}{\mathrm{odds}(\mathrm{rejected})});
        \quad \mathrm{odds}(x) = \frac{e^x}{1 - e^x}

    Parameters
    ----------
    beta : float, default 0.1
        Weight of the odds ratio, at least 0: the paper's lambda.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    chosen, rejected : array
        Mean log-probabilities of a token of the preferred answer and of the other one under the policy, of one shape.

    See Also
    --------
    simpo : After fine-tuning.
    dpo : With a reference.

    Notes
    -----
    A log-probability is the mean over the tokens of an answer, so that long answers are no better or worse for their
    length.

    References
    ----------
    Hong, Lee and Thorne, ORPO: monolithic preference optimization without reference model (2024).
    https://arxiv.org/abs/2403.07691

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.orpo(np.log(np.asarray([0.75])), np.log(np.asarray([0.5])), beta=1.0)), 6)  # of odds 3 to 1
    0.575364
    """

    arrays = "chosen[...]: log_probability, rejected[...]: log_probability -> [...]"

    beta: Real = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(beta=self.beta)
        require_finite(beta=self.beta)

    # -c + beta log(1 + exp(-h)) with h = (c - r) - (log(1 - exp c) - log(1 - exp r)). The log-odds of an answer that is
    # certain are infinite, with an infinite derivative: they are cut off at those of the least 1 - p.
    def call(self, chosen: Array, rejected: Array) -> Array:
        log_odds = (chosen - rejected) - (self._log_other(chosen) - self._log_other(rejected))
        return settings.in_range(self.beta, chosen) * special.softplus(-log_odds) - chosen

    def _log_other(self, x: Array) -> Array:
        least = math.log(elementwise.finfo(x).smallest_normal)
        return logarithms.log_at_least(special.relu(-logarithms.expm1(x)), least)


@register
@dataclass(frozen=True, kw_only=True)
class Kto(PureLoss):
    r"""Kahneman-Tversky optimization: of answers that are each good or bad, and come in no pairs.

    .. math:: l = \lambda \, \sigma(-\beta \cdot \mathrm{target} \, (\mathrm{policy} - \mathrm{reference} -
        \mathrm{kl}));
        \quad \lambda = \text{desirable\_weight if } \mathrm{target} = 1, \text{ else undesirable\_weight}

    Parameters
    ----------
    beta : float, default 0.1
        How strongly the policy is kept near the reference; above 0.
    kl : float or array, default 0.0
        The reference point: an estimate of the divergence of the policy from the reference, at least 0. It counts as a
        constant in the gradient. The paper takes the mean of ``policy - reference`` over answers to other prompts of
        the batch, raised to 0.
    desirable_weight : float, default 1.0
        Weight of the good answers, at least 0.
    undesirable_weight : float, default 1.0
        Weight of the bad ones, at least 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    policy, reference : array
        Log-probabilities of an answer under the policy and under the reference model, of one shape.
    target : array
        1 for a good answer, -1 for a bad one, of the same shape. An integer target is converted.

    See Also
    --------
    dpo : For pairs.

    Notes
    -----
    A log-probability is that of a whole answer, the sum over its tokens. Both weights are factors of the loss, and no
    part of the divisor of the mean.

    References
    ----------
    Ethayarajh et al., KTO: model alignment as prospect theoretic optimization (2024). https://arxiv.org/abs/2402.01306

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> policy, reference, target = np.asarray([-10.0, -10.0]), np.asarray([-14.0, -14.0]), np.asarray([1, -1])
    >>> al.kto(policy, reference, target, beta=0.5, kl=2.0, reduction="none").round(6).tolist()
    [0.268941, 0.731059]
    """

    arrays = "policy[...]: log_probability, reference[...]: log_probability, target[...]: sign -> [...]"

    beta: Real = 0.1
    kl: Any = 0.0
    desirable_weight: Real = 1.0
    undesirable_weight: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(beta=self.beta)
        require_finite(beta=self.beta)
        numbers = {name: getattr(self, name) for name in ("kl", "desirable_weight", "undesirable_weight")}
        require_nonnegative(**numbers)
        require_finite(**numbers)

    # w (1 - sigmoid(beta t (policy - reference - kl)))
    def call(self, policy: Array, reference: Array, target: Array) -> Array:
        kl = special.stop_gradient(self.kl) if is_array(self.kl) else settings.in_range(self.kl, policy)
        good = special.heaviside(target)
        weights = [settings.in_range(x, policy) for x in (self.desirable_weight, self.undesirable_weight)]
        margin = settings.in_range(self.beta, policy) * (policy - reference - kl)
        return (good * weights[0] + (1.0 - good) * weights[1]) * special.sigmoid(-target * margin)
