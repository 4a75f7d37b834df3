"""Beside entmax 1.3, in value and gradient.

Where its conventions differ: the losses are functions of a batch (N, C) alone, and return an item each.
"""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_torch, library

entmax = library("entmax", "entmax", "1.3")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

LOGITS = 2 * np.random.default_rng(0).normal(size=(7, 5))
LABELS = torch.tensor([0, 3, 1, 1, 2, 4, 3])


@pytest.mark.parametrize(
    ("ours", "theirs"), [(al.entmax, "entmax15_loss"), (al.multiclass_sparsemax, "sparsemax_loss")]
)
def test_values_and_gradients(ours, theirs):
    agree_on_torch(lambda z: ours(z, LABELS), lambda z: getattr(entmax, theirs)(z, LABELS).mean(), LOGITS)
