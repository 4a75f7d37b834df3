"""Entries of the losses of `losses/linear.py`."""

from __future__ import annotations

from ._entry import CLASS_WEIGHT, Entry
from .multiclass import OF_CLASSES, OF_ENTROPY, OF_LOGITS

ENTRIES: dict[str, Entry] = {}

ENTRIES["linear_cross_entropy"] = Entry(
    tested_in="test_linear_cross_entropy: its arrays have no one shape, and belong to no item",
    settings=[
        {"class_weight": CLASS_WEIGHT, "ignore_index": 1},
        {"label_smoothing": 0.1},
        {"z_loss": 0.25, "softcap": 2.5},
        {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.2, "z_loss": 0.5, "softcap": 4.0},
    ],
    refused=[r for r in [*OF_CLASSES, *OF_LOGITS, *OF_ENTROPY] if not {"axis", "from_logits"} & r.settings.keys()],
)
