"""Entries of the losses of `losses/policy.py`."""

from __future__ import annotations

import mpmath

from ._entry import Entry, Refused

ENTRIES: dict[str, Entry] = {}


def ppo_clip(new, old, advantage, clip_low, clip_high):
    ratio = mpmath.exp(new - old)
    return -min(ratio * advantage, min(max(ratio, 1 - clip_low), 1 + clip_high) * advantage)


def ppo_clip_scale(new, old, advantage, clip_low, clip_high):
    # The exponent is rounded in the units of its largest term.
    value = abs(ppo_clip(new, old, advantage, clip_low, clip_high))
    return value * max(1, abs(new), abs(old))


ENTRIES["ppo_clip"] = Entry(
    reference=ppo_clip,
    scale=ppo_clip_scale,
    settings=[{"clip_low": 0.25, "clip_high": 0.5}],
    refused=[
        Refused({"clip_low": 1.5}, r"must lie in \[0, 1\], got 1.5"),
        Refused({"clip_high": -0.1}, "must be at least 0, got -0.1"),
    ],
)
