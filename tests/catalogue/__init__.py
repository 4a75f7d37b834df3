"""All that is particular to a loss: one entry each, in the file of its family; dialects have a file a framework.

The laws and the benchmark read the entries, and know no loss by its name.
"""

from __future__ import annotations

import importlib
import pkgutil

from ._entry import CLASS_WEIGHT, Entry, Equals, Peer, Refused

__all__ = ["CATALOGUE", "CLASS_WEIGHT", "FAMILY_OF", "Entry", "Equals", "Peer", "Refused"]

DIALECTS = ("keras", "optax", "torch")

_ENTRIES: dict[str, dict[str, Entry]] = {
    file.name: importlib.import_module(f"{__name__}.{file.name}").ENTRIES
    for file in pkgutil.iter_modules(__path__)
    if not file.name.startswith("_")
}

CATALOGUE: dict[str, Entry] = {
    f"{file}.{name}" if file in DIALECTS else name: entry
    for file, entries in _ENTRIES.items()
    for name, entry in entries.items()
}
"""The entries by the canonical names of the losses."""

FAMILY_OF = {
    f"{file}.{name}" if file in DIALECTS else name: file for file, entries in _ENTRIES.items() for name in entries
}
"""The file of each loss."""
