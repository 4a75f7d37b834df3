"""Make the samples of this directory from data sets that scikit-learn bundles.

Needs scikit-learn: ``python -m arraylosses.data.make_samples [DIRECTORY]``. Run again, it writes the same files, byte
for byte: the splits are seeded, the fits converge far beyond the decimals that are kept, and NumPy dates the members
of an archive 1980.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["diabetes", "digits", "main"]

# What is kept of a model's output: enough that float32 has to round it, few enough that every machine agrees on it.
_DECIMALS = 6

Arrays = dict[str, np.ndarray[Any, Any]]


def digits() -> Arrays:
    """Return held-out logits and labels of a logistic regression on the digits data."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    seen, held_out, seen_labels, held_out_labels = train_test_split(
        images / 16, labels, test_size=300, random_state=0, stratify=labels
    )
    model = LogisticRegression(solver="newton-cholesky", tol=1e-8).fit(seen, seen_labels)
    return {
        "logits": model.decision_function(held_out).round(_DECIMALS),
        "labels": held_out_labels.astype(np.int64),
    }


def diabetes() -> Arrays:
    """Return held-out predictions and targets of a ridge regression on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import train_test_split

    features, progression = load_diabetes(return_X_y=True)
    seen, held_out, seen_target, held_out_target = train_test_split(
        features, progression, test_size=120, random_state=0
    )
    model = Ridge(alpha=0.1, solver="cholesky").fit(seen, seen_target)
    return {
        "prediction": model.predict(held_out).round(_DECIMALS),
        "target": held_out_target.astype(np.float64),
    }


def main(directory: Path = Path(__file__).parent) -> None:
    """Write digits.npz and diabetes.npz to `directory`."""
    for sample in (digits, diabetes):
        arrays: Any = sample()
        np.savez_compressed(directory / f"{sample.__name__}.npz", **arrays)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
