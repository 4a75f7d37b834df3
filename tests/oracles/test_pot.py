"""Beside POT 0.9 (Python Optimal Transport), in value and gradient.

Where its conventions differ: it takes the places of both distributions, where ours are 0, 1, 2, ...; and a gradient by
weights is known but for a constant, so that logits are compared, of which it is none.
"""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_torch, library

ot = library("ot", "POT", "0.9")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

LOGITS = np.random.default_rng(0).normal(size=(4, 6))
TARGET = torch.softmax(torch.tensor(np.random.default_rng(1).normal(size=(4, 6))), dim=1)
PLACES = torch.arange(6, dtype=torch.float64)


def ours(z):
    return al.wasserstein_1d(z, TARGET)


def test_transport_along_a_line():
    def theirs(z):
        p = torch.softmax(z, dim=1)
        return sum(ot.wasserstein_1d(PLACES, PLACES, a, b, p=1) for a, b in zip(p, TARGET, strict=True)) / 4

    agree_on_torch(ours, theirs, LOGITS)


def test_transport_by_linear_programming():
    cost = torch.abs(PLACES[:, None] - PLACES)

    def theirs(z):
        return sum(ot.emd2(a, b, cost) for a, b in zip(torch.softmax(z, dim=1), TARGET, strict=True)) / 4

    agree_on_torch(ours, theirs, LOGITS, rtol=1e-9)
