"""Losses of preferences between answers of a language model, from the log-probabilities of whole answers.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.preference import Cpo, Dpo, Kto, Orpo, Simpo
from ..reduction import Reduction

__all__ = ["cpo", "dpo", "kto", "orpo", "simpo"]


@function_form(Cpo)
def cpo(
    chosen: Array,
    rejected: Array,
    *,
    beta: Real | Sequence[float] = 0.1,
    alpha: Real | Sequence[float] = 1.0,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Contrastive preference optimization: as `dpo` without a reference, and the likelihood of the preferred answer.

    .. math:: l = -(1 - s) \log \sigma(h) - s \log \sigma(-h) - \alpha \, \mathrm{chosen};
        \quad h = \beta \, (\mathrm{chosen} - \mathrm{rejected})

    Parameters
    ----------
    chosen, rejected : array
        Log-probabilities of the preferred answer and of the other one under the policy, of one shape.
    beta : float, default 0.1
        How much the difference of the log-probabilities counts; above 0.
    alpha : float, default 1.0
        Weight of the negative log-likelihood of the preferred answer, at least 0.
    label_smoothing : float, default 0.0
        The chance, in [0, 1/2], that a pair is the wrong way round; s in the formula.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `chosen` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Cpo.made(
        beta=beta,
        alpha=alpha,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(chosen, rejected, weight=weight, where=where)


@function_form(Dpo)
def dpo(
    chosen: Array,
    rejected: Array,
    reference_chosen: Array,
    reference_rejected: Array,
    *,
    beta: Real | Sequence[float] = 0.1,
    loss_type: str = "sigmoid",
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Direct preference optimization: fits a policy to preferred answers, and keeps it near a reference.

    .. math:: l = -(1 - s) \log \sigma(h) - s \log \sigma(-h);
        \quad h = \beta ((\mathrm{chosen} - \mathrm{reference\_chosen}) - (\mathrm{rejected} -
        \mathrm{reference\_rejected}))

    Parameters
    ----------
    chosen, rejected : array
        Log-probabilities of the preferred answer and of the other one under the policy, of one shape.
    reference_chosen, reference_rejected : array
        The same under the reference model, of the same shape; zeros for a loss without one.
    beta : float, default 0.1
        How strongly the policy is kept near the reference; above 0.
    loss_type : {"sigmoid", "hinge", "ipo", "robust"}, default "sigmoid"
        "sigmoid" is the formula above; "hinge" is ``max(0, 1 - h)``; "ipo" is ``(h / beta - 1 / (2 beta))**2``, which
        does not press on once a pair is told apart; "robust" is without bias where a share of `label_smoothing` of the
        pairs is the wrong way round, ``-log sigmoid(h) - h s / (1 - 2 s)``.
    label_smoothing : float, default 0.0
        The chance, in [0, 1/2], that a pair is the wrong way round; s in the formula. With "robust" it is below 1/2,
        and with "hinge" and "ipo" it is 0.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `chosen` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Dpo.made(
        beta=beta,
        loss_type=loss_type,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(chosen, rejected, reference_chosen, reference_rejected, weight=weight, where=where)


@function_form(Kto)
def kto(
    policy: Array,
    reference: Array,
    target: Array,
    *,
    beta: Real | Sequence[float] = 0.1,
    kl: Any = 0.0,
    desirable_weight: Real | Sequence[float] = 1.0,
    undesirable_weight: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Kahneman-Tversky optimization: of answers that are each good or bad, and come in no pairs.

    .. math:: l = \lambda \, \sigma(-\beta \cdot \mathrm{target} \, (\mathrm{policy} - \mathrm{reference} -
        \mathrm{kl}));
        \quad \lambda = \text{desirable\_weight if } \mathrm{target} = 1, \text{ else undesirable\_weight}

    Parameters
    ----------
    policy, reference : array
        Log-probabilities of an answer under the policy and under the reference model, of one shape.
    target : array
        1 for a good answer, -1 for a bad one, of the same shape. An integer target is converted.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `policy` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Kto.made(
        beta=beta,
        kl=kl,
        desirable_weight=desirable_weight,
        undesirable_weight=undesirable_weight,
        reduction=reduction,
    )(policy, reference, target, weight=weight, where=where)


@function_form(Orpo)
def orpo(
    chosen: Array,
    rejected: Array,
    *,
    beta: Real | Sequence[float] = 0.1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Odds ratio preference optimization: supervised fine-tuning and preference in one, without a reference.

    .. math:: l = -\mathrm{chosen} - \beta \log \sigma(\log
        \frac{\mathrm{odds}(\mathrm{chosen})}{\mathrm{odds}(\mathrm{rejected})});
        \quad \mathrm{odds}(x) = \frac{e^x}{1 - e^x}

    Parameters
    ----------
    chosen, rejected : array
        Mean log-probabilities of a token of the preferred answer and of the other one under the policy, of one shape.
    beta : float, default 0.1
        Weight of the odds ratio, at least 0: the paper's lambda.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `chosen` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Orpo.made(
        beta=beta,
        reduction=reduction,
    )(chosen, rejected, weight=weight, where=where)


@function_form(Simpo)
def simpo(
    chosen: Array,
    rejected: Array,
    *,
    beta: Real | Sequence[float] = 2.0,
    margin: Real | Sequence[float] = 1.0,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Simple preference optimization: of mean log-probabilities, with a margin and without a reference.

    .. math:: l = -(1 - s) \log \sigma(h) - s \log \sigma(-h);
        \quad h = \beta \, (\mathrm{chosen} - \mathrm{rejected}) - \mathrm{margin}

    Parameters
    ----------
    chosen, rejected : array
        Mean log-probabilities of a token of the preferred answer and of the other one under the policy, of one shape.
    beta : float, default 2.0
        How much the difference of the log-probabilities counts; above 0.
    margin : float, default 1.0
        The difference of rewards that is asked for, at least 0: the paper's gamma.
    label_smoothing : float, default 0.0
        The chance, in [0, 1/2], that a pair is the wrong way round; s in the formula.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `chosen` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Simpo.made(
        beta=beta,
        margin=margin,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(chosen, rejected, weight=weight, where=where)
