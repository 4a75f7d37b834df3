"""Beside pytorch-metric-learning 2.9, in value and gradient.

Where its conventions differ:

- Most of its losses divide embeddings by their lengths unless a `distance` says otherwise; of ours, those of cosines.
- `NTXentLoss` and `SupConLoss` have a temperature of 0.07 and 0.1.
- `TripletMarginLoss` takes all triplets of a batch, and by default the mean over those that cost something.
- `LiftedStructureLoss` is `lifted_structure`; `GeneralizedLiftedStructureLoss` is another loss.
- `ProxyNCALoss` has the own proxy in the denominator, and is the cross entropy of twice the cosines.
- The margins of `ArcFaceLoss` are in degrees, 28.6 for 0.5; `SphereFaceLoss` multiplies by the embedding's length in
  place of a scale.
- `ContrastiveLoss` squares nothing, and adds the means over pairs of one label and of two.
- `VICRegLoss` is `vicreg`, all defaults included.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_torch, library

pml = library("pytorch_metric_learning", "pytorch-metric-learning", "2.9")
torch = pytest.importorskip("torch")

from pytorch_metric_learning import distances, losses, miners, reducers  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 5))
IDS = torch.tensor([0, 0, 1, 1, 1, 2, 3, 3, 4, 0, 4, 7])
CLASSES = torch.tensor([0, 1, 2, 3, 1, 1, 0, 2, 2, 1, 0, 4])
PAIRS = torch.arange(6).repeat(2)
EUCLIDEAN = distances.LpDistance(normalize_embeddings=False)
MEAN = reducers.MeanReducer()


@functools.cache
def fixed(name):
    """A loss with weights of its own, of five classes and features, drawn once."""
    torch.manual_seed(0)
    return getattr(losses, name)(5, 5).double().requires_grad_(False)


def unit(x, dim=1):
    return torch.nn.functional.normalize(x, dim=dim)


def cosines(x, of):
    return unit(x) @ unit(fixed(of).W, dim=0)


def sphereface(x):
    rows, lengths = cosines(x, "SphereFaceLoss"), torch.linalg.vector_norm(x, dim=1)
    settings = {"angle_margin": 0.0, "angle_factor": 4.0}
    items = [
        al.angular_margin_softmax(row, label, scale=length, **settings)
        for row, label, length in zip(rows, CLASSES, lengths, strict=True)
    ]
    return sum(items) / len(items)


def triplets():
    return torch.tensor(
        [
            (a, p, n)
            for a in range(12)
            for p in range(12)
            for n in range(12)
            if a != p and IDS[a] == IDS[p] and IDS[a] != IDS[n]
        ]
    ).T


def of_triplets(x, **settings):
    return al.triplet_margin(*[x[k] for k in triplets()], margin=0.7, **settings)


def contrastive(x):
    i, j = torch.triu_indices(12, 12, 1)
    same = IDS[i] == IDS[j]
    target = torch.where(same, 1, -1)
    items = torch.sqrt(2 * al.pairwise_contrastive(x[i], x[j], target, margin=9.0, reduction="none"))
    return items[same].mean() + items[~same].mean()


def over_those_that_cost(items):
    return items.sum() / (items > 0).sum()


COMPARED = {
    "nt_xent": (lambda x: al.get("NTXentLoss")(x, IDS), lambda x: losses.NTXentLoss()(x, IDS)),
    "nt_xent of two views": (
        lambda x: al.nt_xent(x, PAIRS, temperature=0.07),
        lambda x: losses.SelfSupervisedLoss(losses.NTXentLoss())(x[:6], x[6:]),
    ),
    "info_nce": (
        lambda x: al.info_nce(x[:6], x[6:], temperature=0.2),
        lambda x: losses.NTXentLoss(0.2)(x[:6], PAIRS[:6], ref_emb=x[6:], ref_labels=PAIRS[:6]),
    ),
    "supervised_contrastive": (
        lambda x: al.supervised_contrastive(x, IDS),
        lambda x: losses.SupConLoss(temperature=0.1)(x, IDS),
    ),
    "circle": (lambda x: al.circle(x, IDS), lambda x: losses.CircleLoss()(x, IDS)),
    "multi_similarity": (
        lambda x: al.get("MultiSimilarityLoss")(x, IDS),
        lambda x: losses.MultiSimilarityLoss()(x, IDS),
    ),
    "lifted_structure": (
        lambda x: al.lifted_structure(x, IDS),
        lambda x: losses.LiftedStructureLoss(distance=EUCLIDEAN)(x, IDS),
    ),
    "n_pairs": (
        lambda x: al.get("n_pairs")(x[:6], x[6:]),
        lambda x: losses.NPairsLoss(distance=distances.DotProductSimilarity(normalize_embeddings=False))(
            torch.stack([x[:6], x[6:]], dim=1).reshape(12, 5), PAIRS[:6].repeat_interleave(2)
        ),
    ),
    "triplet_batch_hard": (
        lambda x: al.triplet_batch_hard(x, IDS, margin=0.7),
        lambda x: losses.TripletMarginLoss(margin=0.7, distance=EUCLIDEAN, reducer=MEAN)(
            x, IDS, miners.BatchHardMiner(distance=EUCLIDEAN)(x, IDS)
        ),
    ),
    "triplet_margin": (
        of_triplets,
        lambda x: losses.TripletMarginLoss(margin=0.7, distance=EUCLIDEAN, reducer=MEAN)(x, IDS),
    ),
    "triplet_margin with swap": (
        lambda x: of_triplets(x, swap=True),
        lambda x: losses.TripletMarginLoss(margin=0.7, distance=EUCLIDEAN, swap=True, reducer=MEAN)(x, IDS),
    ),
    "triplet_margin over those that cost something": (
        lambda x: over_those_that_cost(of_triplets(x, reduction="none")),
        lambda x: losses.TripletMarginLoss(margin=0.7, distance=EUCLIDEAN)(x, IDS),
    ),
    "pairwise_contrastive": (
        contrastive,
        lambda x: losses.ContrastiveLoss(neg_margin=9.0, distance=EUCLIDEAN, reducer=MEAN)(x, IDS),
    ),
    "proxy_anchor": (
        lambda x: al.proxy_anchor(x, fixed("ProxyAnchorLoss").proxies, CLASSES),
        lambda x: fixed("ProxyAnchorLoss")(x, CLASSES),
    ),
    "proxy_nca as a cross entropy": (
        lambda x: al.cross_entropy(2 * unit(x) @ unit(fixed("ProxyNCALoss").proxies).T, CLASSES),
        lambda x: fixed("ProxyNCALoss")(x, CLASSES),
    ),
    "arcface": (
        lambda x: al.angular_margin_softmax(cosines(x, "ArcFaceLoss"), CLASSES, angle_margin=math.radians(28.6)),
        lambda x: fixed("ArcFaceLoss")(x, CLASSES),
    ),
    "cosface": (
        lambda x: al.get("cosface")(cosines(x, "CosFaceLoss"), CLASSES),
        lambda x: fixed("CosFaceLoss")(x, CLASSES),
    ),
    "sphereface": (sphereface, lambda x: fixed("SphereFaceLoss")(x, CLASSES)),
    "vicreg": (lambda x: al.vicreg(x[:6], x[6:]), lambda x: losses.VICRegLoss()(x[:6], ref_emb=x[6:])),
}


@pytest.mark.parametrize("name", COMPARED)
def test_values_and_gradients(name):
    ours, theirs = COMPARED[name]
    agree_on_torch(ours, theirs, X)
