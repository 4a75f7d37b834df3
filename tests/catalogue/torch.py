"""Entries of the losses of `dialects/torch/losses.py`."""

from __future__ import annotations

from . import binary, embedding
from ._entry import Entry, Refused

ENTRIES: dict[str, Entry] = {}

ENTRIES["bce_loss"] = Entry(
    reference=binary.binary_cross_entropy,
    exponential=True,
    settings=[{"log_floor": -1.5, "label_smoothing": 0.1}, {"from_logits": True, "pos_weight": 3.0}],
    refused=[
        *binary.ENTRIES["binary_cross_entropy"].refused,
        Refused({"log_floor": 1.0}, r"must lie in \(-inf, 0\)"),
    ],
)

ENTRIES["triplet_margin_loss"] = Entry(
    reference=embedding.triplet_margin,
    scale=embedding.triplet_margin_scale,
    settings=[{"swap": True, "epsilon": 0.125}, {"margin": 0.5, "p": 1.0, "axis": 1}],
    edges={"real": embedding.TRIPLETS},
    refused=[
        *embedding.ENTRIES["triplet_margin"].refused,
        Refused({"epsilon": -1e-6}, "must be at least 0"),
    ],
)
