"""Real data that scikit-learn bundles, split in two halves, and what the boosters' tests share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import arraylosses as al


class Half(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray


def halves(name: str) -> tuple[Half, Half]:
    """Return a training half and a held-out half of a data set; the weights are drawn."""
    from sklearn import datasets

    features, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))[:800]
    weight = rng.uniform(0.5, 2.0, size=len(y))
    train, test = [Half(features[part], y[part].astype(float), weight[part]) for part in np.array_split(order, 2)]
    return train, test


# Losses that are linear in places, with what they are about: a booster can't be trained on their second derivatives.
LINEAR = {
    "absolute_error": al.AbsoluteError(),
    "quantile": al.Quantile(q=0.75),
    "absolute_percentage_error": al.AbsolutePercentageError(),
    "huber": al.Huber(),
}

# Losses whose second derivative is all but 0 on the diabetes data, with targets from 25 to 346, far from their starts.
NEARLY_LINEAR = {
    "pseudo_huber": al.PseudoHuber(),
    "log_cosh": al.LogCosh(),
    "fair": al.Fair(),
    "general_robust": al.GeneralRobust(),
    "symmetric_absolute_percentage_error": al.SymmetricAbsolutePercentageError(),
    "poisson_deviance": al.PoissonDeviance(),
}
