"""Beside Kornia 0.9, in value and gradient.

Where its conventions differ:

- `dice_loss` by default takes one overlap over all classes of an image, "micro"; "macro" is the mean over the classes
  that are in it. There is no `smooth`: a divisor is guarded by 1e-8.
- `focal_loss` is a mean over the entries of all classes, where `categorical_focal` has one loss a pixel.
- `lovasz_softmax_loss` counts a class that is not in an image, which ours leaves out.
- `js_div_loss_2d` and `kl_div_loss_2d` take heat maps of probabilities, which lie along two axes, and the KL divergence
  is that of the second from the first.
- `charbonnier_loss`, `cauchy_loss`, `geman_mcclure_loss` and `welsch_loss` are `general_robust` at alpha 1, 0, -2 and
  -inf.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_torch, library

kornia = library("kornia.losses", "kornia", "0.9")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

rng = np.random.default_rng(0)
LOGITS = rng.normal(size=(3, 4, 5, 6))
LABELS = torch.tensor(rng.permuted(np.tile(np.arange(30) % 7 % 4, (3, 1)), axis=1).reshape(3, 5, 6))
HOT = torch.nn.functional.one_hot(LABELS, 4).movedim(-1, 1).double()
FOREGROUND = torch.tensor(rng.integers(0, 2, size=(3, 5, 6)))


def of_kornia(name, **settings):
    return lambda z: getattr(kornia, name)(z, LABELS, **settings)


def of_ours(name, **settings):
    return lambda z: getattr(al, name)(z, LABELS, axis=1, **settings)


COMPARED = {
    "dice of all classes at once": (
        lambda z: al.dice(torch.softmax(z, dim=1), HOT, mode="binary", from_logits=False, smooth=0.0),
        of_kornia("dice_loss", eps=1e-300),
    ),
    "dice": (of_ours("dice", smooth=0.0), of_kornia("dice_loss", average="macro", eps=1e-300)),
    "tversky": (
        of_ours("tversky", alpha=0.3, beta=0.7, smooth=0.0),
        of_kornia("tversky_loss", alpha=0.3, beta=0.7, eps=1e-300),
    ),
    "categorical_focal": (
        of_ours("categorical_focal", gamma=1.5, reduction="sum"),
        of_kornia("focal_loss", alpha=None, gamma=1.5, reduction="sum"),
    ),
    "binary_focal": (
        lambda z: al.binary_focal(z[:, 0], FOREGROUND.double(), gamma=1.5, alpha=0.25),
        lambda z: kornia.binary_focal_loss_with_logits(
            z[:, :1], FOREGROUND[:, None].double(), alpha=0.25, gamma=1.5, reduction="mean"
        ),
    ),
    "lovasz_softmax": (of_ours("lovasz_softmax"), of_kornia("lovasz_softmax_loss")),
    "lovasz_hinge": (
        lambda z: al.lovasz_hinge(z[:, 0], FOREGROUND),
        lambda z: kornia.lovasz_hinge_loss(z[:, :1], FOREGROUND),
    ),
}


@pytest.mark.parametrize("name", COMPARED)
def test_segmentation(name):
    ours, theirs = COMPARED[name]
    agree_on_torch(ours, theirs, LOGITS)


@pytest.mark.parametrize(
    ("name", "alpha"), [("charbonnier", 1.0), ("cauchy", 0.0), ("geman_mcclure", -2.0), ("welsch", -math.inf)]
)
def test_general_robust(name, alpha):
    theirs = getattr(kornia, f"{name}_loss")
    agree_on_torch(
        lambda a, b: al.general_robust(a, b, alpha=alpha), lambda a, b: theirs(a, b, reduction="mean"), *LOGITS[:2]
    )


def distribution(z):
    """Probabilities over two axes."""
    return torch.softmax(z.flatten(2), dim=-1).reshape(z.shape)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(al.kl_divergence, "kl_div_loss_2d"), (al.js_divergence, "js_div_loss_2d")]
)
def test_divergence(ours, theirs):
    target = distribution(torch.tensor(LOGITS[:2] ** 2))

    def of_maps(z):
        p, q = distribution(z).flatten(2), target.flatten(2)
        return ours(torch.log(p), q)

    agree_on_torch(of_maps, lambda z: getattr(kornia, theirs)(distribution(z), target), LOGITS[:2])
