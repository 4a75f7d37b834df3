"""Beside torchmetrics 1.9, in value and gradient.

Where its conventions differ:

- Percentage errors are fractions, and their divisors are guarded by 1.17e-06.
- `kl_divergence(p, q)` is the divergence of p from q, which `kl_divergence` of ours takes as its target and prediction;
  both are divided by their sums.
- `cosine_similarity` is the similarity, in single precision, and the loss is its negative.
- `hinge_loss` takes what lies outside [0, 1] for logits, of which it takes the sigmoid.
- `perplexity` is the exponential of the cross entropy.
- The deviances take the mean, ours by default its logarithm.
"""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_torch, library

metrics = library("torchmetrics.functional", "torchmetrics", "1.9")
torch = pytest.importorskip("torch")

from torchmetrics.functional import regression  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

rng = np.random.default_rng(0)
X, TARGET = rng.normal(size=9), torch.tensor(rng.normal(size=9))
RATES, COUNTS = np.exp(X), torch.exp(TARGET)
LOGITS, LABELS = rng.normal(size=(2, 5, 4)), torch.tensor(rng.integers(0, 4, size=(2, 5)))
Q = torch.softmax(torch.tensor(rng.normal(size=(5, 4))), dim=1)


def softmax(z):
    return torch.softmax(z, dim=-1)


COMPARED = {
    "squared_error": (al.squared_error, metrics.mean_squared_error, X, TARGET),
    "absolute_error": (al.absolute_error, metrics.mean_absolute_error, X, TARGET),
    "squared_logarithmic_error": (al.squared_logarithmic_error, metrics.mean_squared_log_error, RATES, COUNTS),
    "log_cosh": (al.log_cosh, metrics.log_cosh_error, X, TARGET),
    "absolute_percentage_error": (
        lambda x, t: al.absolute_percentage_error(x, t) / 100,
        metrics.mean_absolute_percentage_error,
        X,
        TARGET,
    ),
    "symmetric_absolute_percentage_error": (
        lambda x, t: al.symmetric_absolute_percentage_error(x, t) / 100,
        metrics.symmetric_mean_absolute_percentage_error,
        RATES,
        COUNTS,
    ),
    "poisson_deviance": (
        lambda x, t: al.poisson_deviance(x, t, from_log=False),
        lambda x, t: metrics.tweedie_deviance_score(x, t, power=1.0),
        RATES,
        COUNTS,
    ),
    "gamma_deviance": (
        lambda x, t: al.gamma_deviance(x, t, from_log=False),
        lambda x, t: metrics.tweedie_deviance_score(x, t, power=2.0),
        RATES,
        COUNTS,
    ),
    "tweedie_deviance": (
        lambda x, t: al.tweedie_deviance(x, t, from_log=False, power=1.5),
        lambda x, t: metrics.tweedie_deviance_score(x, t, power=1.5),
        RATES,
        COUNTS,
    ),
    "hinge": (
        lambda x, t: al.hinge(x, torch.where(t > 0, 1, -1)),
        lambda x, t: metrics.hinge_loss(x, (t > 0).long(), task="binary"),
        RATES / 9,
        TARGET,
    ),
    "cosine_similarity": (
        al.cosine_similarity,
        lambda x, t: -metrics.cosine_similarity(x, t, reduction="mean"),
        LOGITS[0],
        Q,
    ),
    "kl_divergence": (
        lambda z, q: al.kl_divergence(torch.log_softmax(z, dim=-1), q),
        lambda z, q: metrics.kl_divergence(q, softmax(z)),
        LOGITS[0],
        Q,
    ),
    "js_divergence": (
        lambda z, q: al.js_divergence(torch.log_softmax(z, dim=-1), q),
        lambda z, q: regression.jensen_shannon_divergence(softmax(z), q),
        LOGITS[0],
        Q,
    ),
    "crps_ensemble": (al.crps_ensemble, regression.continuous_ranked_probability_score, LOGITS[0], TARGET[:5]),
    "cross_entropy": (al.cross_entropy, lambda z, y: torch.log(metrics.perplexity(z, y)), LOGITS, LABELS),
}


@pytest.mark.parametrize("name", COMPARED)
def test_values_and_gradients(name):
    ours, theirs, prediction, target = COMPARED[name]
    rtol = 1e-6 if name == "cosine_similarity" else 1e-10
    agree_on_torch(lambda x: ours(x, target), lambda x: theirs(x, target), prediction, rtol=rtol)
