"""Beside MONAI 1.6, in value and gradient.

Where its conventions differ:

- `DiceLoss` and its kin have a `smooth` of 1e-5, ours of 1; that of Jaccard is half of MONAI's, which halves the
  overlap and the sum alike.
- Targets are one-hot, classes lie along axis 1, and `batch=True` is ``per_image=False``.
- `GeneralizedDiceLoss` gives an image one number, as ours, and adds `smooth` to sums that are weighted.
  Its weights are of single precision.
- `MCCLoss` counts a class that is nowhere in an image, or everywhere, with the loss 1; ours with 0.
- `FocalLoss` is a mean over classes too, where `categorical_focal` sums over them, and is computed in single
  precision.
- `BarlowTwinsLoss` standardizes by sample deviations and divides by N, so that its correlations are (N - 1) / N of
  ours.
- `ContrastiveLoss` is `nt_xent` of two views at a temperature of 0.5; `BoxGIoULoss` guards its divisors by 1e-7.
"""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_torch, library

monai = library("monai.losses", "monai", "1.6")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

rng = np.random.default_rng(0)
LOGITS = rng.normal(size=(3, 4, 5, 6))
LABELS = torch.tensor(rng.permuted(np.tile(np.arange(30) % 7 % 4, (3, 1)), axis=1).reshape(3, 5, 6))
HOT = torch.nn.functional.one_hot(LABELS, 4).movedim(-1, 1).double()
FOREGROUND = torch.tensor(rng.integers(0, 2, size=(3, 1, 5, 6))).double()
VIEWS = torch.arange(8).repeat(2)


def boxes(seed):
    low, size = np.random.default_rng(seed).uniform(size=(2, 7, 2))
    return np.concatenate([low, low + size], axis=1)


def of_monai(name, **settings):
    loss = getattr(monai, name)(**settings)
    return lambda z: loss(z, HOT)


def of_ours(name, **settings):
    return lambda z: getattr(al, name)(z, LABELS, axis=1, **settings)


COMPARED = {
    "dice": (of_ours("dice", smooth=1e-5), of_monai("DiceLoss", softmax=True)),
    "dice of the batch": (
        of_ours("dice", smooth=1e-5, per_image=False, include_background=False),
        of_monai("DiceLoss", softmax=True, batch=True, include_background=False),
    ),
    "dice of overlapping classes": (
        lambda z: al.dice(z, HOT, axis=1, mode="multilabel", smooth=1e-5),
        of_monai("DiceLoss", sigmoid=True),
    ),
    "dice of the foreground": (
        lambda z: al.dice(z[:, 0], FOREGROUND[:, 0], mode="binary", smooth=1e-5),
        lambda z: monai.DiceLoss(sigmoid=True)(z[:, :1], FOREGROUND),
    ),
    "jaccard": (
        of_ours("jaccard", smooth=1e-5),
        of_monai("DiceLoss", softmax=True, jaccard=True, smooth_nr=2e-5, smooth_dr=2e-5),
    ),
    "tversky": (
        of_ours("tversky", smooth=1e-5, alpha=0.3, beta=0.7),
        of_monai("TverskyLoss", softmax=True, alpha=0.3, beta=0.7),
    ),
    "generalized_dice": (
        of_ours("generalized_dice", smooth=0.0),
        of_monai("GeneralizedDiceLoss", softmax=True, smooth_nr=0.0, smooth_dr=0.0),
    ),
    "mcc": (of_ours("mcc"), of_monai("MCCLoss", softmax=True, smooth_nr=0.0, smooth_dr=0.0)),
}


@pytest.mark.parametrize("name", COMPARED)
def test_segmentation(name):
    ours, theirs = COMPARED[name]
    agree_on_torch(ours, theirs, LOGITS, rtol=1e-6 if name == "generalized_dice" else 1e-10)


def test_focal():
    agree_on_torch(lambda z: al.binary_focal(z, HOT, gamma=2.0), of_monai("FocalLoss", gamma=2.0), LOGITS, rtol=1e-6)
    theirs = of_monai("FocalLoss", gamma=2.0, use_softmax=True)
    agree_on_torch(lambda z: of_ours("categorical_focal", gamma=2.0)(z) / 4, theirs, LOGITS, rtol=1e-6)


def test_two_views():
    views = rng.normal(size=(2, 8, 4))
    ours = lambda a, b: al.nt_xent(torch.cat([a, b]), VIEWS, temperature=0.5)  # noqa: E731
    agree_on_torch(ours, monai.ContrastiveLoss(temperature=0.5), *views)


def test_giou():
    agree_on_torch(al.giou, monai.BoxGIoULoss(), boxes(1), boxes(2), rtol=1e-5)
