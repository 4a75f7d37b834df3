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
    sequence,
    torch,
)
from ._entry import CLASS_WEIGHT, Entry, Equals, Peer, Refused

__all__ = ["CATALOGUE", "CLASS_WEIGHT", "Entry", "Equals", "Peer", "Refused"]

CATALOGUE: dict[str, Entry] = {
    **regression.ENTRIES,
    **likelihood.ENTRIES,
    **binary.ENTRIES,
    **multiclass.ENTRIES,
    **divergence.ENTRIES,
    **embedding.ENTRIES,
    **linear.ENTRIES,
    **contrastive.ENTRIES,
    **ranking.ENTRIES,
    **segmentation.ENTRIES,
    **sequence.ENTRIES,
    **{f"keras.{name}": entry for name, entry in keras.ENTRIES.items()},
    **{f"torch.{name}": entry for name, entry in torch.ENTRIES.items()},
}
"""The entries by the canonical names of the losses."""
