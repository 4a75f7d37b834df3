"""Losses of a policy in reinforcement learning, from the log-probabilities of its actions."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_nonnegative, require_range
from ..registry import register
from ._base import PureLoss

__all__ = ["PpoClip"]


@register
@dataclass(frozen=True, kw_only=True)
class PpoClip(PureLoss):
    r"""Proximal policy optimization: follows advantages, as long as the policy has not moved far for them.

    .. math:: l = -\min(\rho A, \; \mathrm{clip}(\rho, 1 - \mathrm{clip\_low}, 1 + \mathrm{clip\_high}) A);
        \quad \rho = \exp(\mathrm{log\_probability} - \mathrm{old\_log\_probability}), \; A = \mathrm{advantage}

    Parameters
    ----------
    clip_low : float, default 0.2
        How far the ratio may fall before a bad action counts no more, in [0, 1].
    clip_high : float, default 0.2
        How far it may rise before a good action counts no more, at least 0. DAPO has 0.28.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_probability, old_log_probability : array
        Log-probabilities of the actions under the policy, and under that which has taken them, or the logarithms of
        their densities, which may be above 0, where actions are numbers; of one shape.
    advantage : array
        How much better than expected each action was, of the same shape.

    See Also
    --------
    dpo : By preferences, without rewards.

    Notes
    -----
    An item is an action, which for a language model is a token. With masked tokens left out by `where`, the usual
    losses of whole answers are normalised so:

    - DAPO: the mean over all tokens, ``reduction="mean"``.
    - GRPO: the mean over answers of their means, ``weight=1 / length`` with the length of a token's answer. The
      advantage of an answer is its reward less the mean of its group, in standard deviations.
    - Dr. GRPO: ``reduction="sum"``, divided by a constant, with advantages that are not divided by a deviation.
    - GSPO: the mean log-probabilities of whole answers as arrays, one item an answer.

    A penalty of the divergence from a reference model is a loss of its own, and is added.

    References
    ----------
    Schulman et al., Proximal policy optimization algorithms (2017). https://arxiv.org/abs/1707.06347

    Shao et al., DeepSeekMath: pushing the limits of mathematical reasoning in open language models (2024), of GRPO.
    https://arxiv.org/abs/2402.03300

    Yu et al., DAPO: an open-source LLM reinforcement learning system at scale (2025). https://arxiv.org/abs/2503.14476

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> new, old = np.log(np.asarray([0.75, 0.75, 0.5])), np.log(np.asarray([0.5, 0.5, 0.5]))
    >>> al.ppo_clip(new, old, np.asarray([2.0, -2.0, 1.0]), reduction="none").round(6).tolist()
    [-2.4, 3.0, -1.0]
    """

    arrays = (
        "log_probability[...]: log_nonnegative, old_log_probability[...]: log_nonnegative, advantage[...]: real "
        "-> [...]"
    )

    clip_low: Real = 0.2
    clip_high: Real = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 1, clip_low=self.clip_low)
        require_nonnegative(clip_high=self.clip_high)

    # -A min(ratio, 1 + high) for A >= 0, -A max(ratio, 1 - low) below. A good action's logarithm is limited to `high`
    # first, at which the ratio is above 1 + high: it can't overflow.
    def call(self, log_probability: Array, old_log_probability: Array, advantage: Array) -> Array:
        log_ratio = log_probability - old_log_probability
        limited = special.clip(log_ratio, None, self.clip_high)
        xp, good = array_namespace(limited), advantage >= 0
        risen = special.clip(xp.exp(limited), None, 1.0 + self.clip_high)
        fallen = special.clip(xp.exp(special.where(good, 0.0, log_ratio)), 1.0 - self.clip_low, None)
        return -advantage * special.where(good, risen, fallen)
