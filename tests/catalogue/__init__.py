"""All that is particular to a loss: one entry each, in the file of its family; dialects have a file a framework.

The laws and the benchmark read the entries, and know no loss by its name.
"""

from __future__ import annotations

from . import (
    binary,
    contrastive,
    divergence,
    embedding,
    keras,
    likelihood,
    linear,
    multiclass,
    ranking,
    regression,
    segmentation,
    torch,
)
from ._entry import CLASS_WEIGHT, Entry, Equals, Peer, Refused

__all__ = ["CATALOGUE", "CLASS_WEIGHT", "FIRST_OF_FAMILIES", "Entry", "Equals", "Peer", "Refused"]

FAMILIES = (
    regression,
    likelihood,
    binary,
    multiclass,
    divergence,
    embedding,
    linear,
    contrastive,
    ranking,
    segmentation,
)

FIRST_OF_FAMILIES = {next(iter(family.ENTRIES)) for family in FAMILIES}
"""The losses that stand for their families, where a library takes its time."""

CATALOGUE: dict[str, Entry] = {
    **{name: entry for family in FAMILIES for name, entry in family.ENTRIES.items()},
    **{f"keras.{name}": entry for name, entry in keras.ENTRIES.items()},
    **{f"torch.{name}": entry for name, entry in torch.ENTRIES.items()},
}
"""The entries by the canonical names of the losses."""
