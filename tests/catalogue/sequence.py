"""Entries of the losses of `losses/sequence.py`."""

from __future__ import annotations

from ._entry import Entry, Refused

ENTRIES: dict[str, Entry] = {}

ALIGNED = [
    Refused({"blank": -1}, "must be at least 0, got -1"),
    Refused({"from_logits": "yes"}, "must be a bool, got 'yes'", TypeError),
    Refused({"zero_infinity": 1}, "must be a bool, got 1", TypeError),
]

for name in ("ctc", "transducer"):
    ENTRIES[name] = Entry(
        tested_in="test_sequence: its arrays have no one shape, and lengths say what of them is in use",
        settings=[{"blank": 2, "from_logits": False, "zero_infinity": True}],
        refused=ALIGNED,
    )
