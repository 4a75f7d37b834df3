"""Entries of the losses of `losses/relative.py`."""

from __future__ import annotations

from mpmath import mpf

from ._entry import Entry, Equals, Peer, Refused

ENTRIES: dict[str, Entry] = {}

ENTRIES["absolute_percentage_error"] = Entry(
    reference=lambda p, t, percent, epsilon: (100 if percent else 1) * abs(p - t) / max(abs(t), epsilon),
    settings=[{"percent": False, "epsilon": 0.25}],
    refused=[
        Refused({"epsilon": -1.0}, "must be at least 0"),
        Refused({"percent": 100}, "must be a bool, got 100", TypeError),
    ],
    peers={  # of a target near 0 it says nothing
        "textbook": [Peer(lambda xp, x, t: 100 * xp.mean(xp.abs((t - x) / t)), domains=("real", "positive"))],
        "keras": [Peer("mean_absolute_percentage_error", domains=("real", "positive"))],
    },
)


def symmetric_absolute_percentage_error(p, t, percent, epsilon):
    size = max(abs(p) + abs(t), epsilon)
    return (200 if percent else 2) * abs(p - t) / size if size else mpf(0)


ENTRIES["symmetric_absolute_percentage_error"] = Entry(
    reference=symmetric_absolute_percentage_error,
    settings=[{"percent": False, "epsilon": 0.25}],
    refused=[
        Refused({"epsilon": -1.0}, "must be at least 0"),
        Refused({"percent": 1}, "must be a bool, got 1", TypeError),
    ],
    peers={"textbook": [Peer(lambda xp, x, t: 200 * xp.mean(xp.abs(x - t) / (xp.abs(x) + xp.abs(t))))]},
)

ENTRIES["squared_relative_error"] = Entry(
    reference=lambda p, t, epsilon: ((p - t) / max(abs(t), epsilon)) ** 2,
    settings=[{"epsilon": 0.25}],
    refused=[Refused({"epsilon": -1.0}, "must be at least 0")],
    special_cases=[Equals({"epsilon": 1e3}, "squared_error", factor=1e-6)],
    peers={"textbook": [Peer(lambda xp, x, t: xp.mean(((t - x) / t) ** 2), domains=("real", "positive"))]},
)
