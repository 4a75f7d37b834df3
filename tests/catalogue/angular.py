"""Entries of the losses of `losses/angular.py`."""

from __future__ import annotations

import numpy as np

from ._entry import AXIS, Entry, Refused
from ._numpy import softmax

ENTRIES: dict[str, Entry] = {}


def falling(angle):
    """The cosine up to π, and beyond it what keeps on falling."""
    k = int(angle // np.pi)
    return (-1) ** k * np.cos(angle) - 2 * k


def angular_margin_softmax(loss, arrays, where):
    cosines, labels = np.moveaxis(arrays[0], loss.axis, -1), arrays[1]
    items = np.zeros(labels.shape)
    for index in np.ndindex(labels.shape):
        if where[index]:
            logits, y = loss.scale * cosines[index], labels[index]
            angle = loss.angle_factor * np.arccos(cosines[index][y]) + loss.angle_margin
            logits[y] = loss.scale * (falling(angle) - loss.cosine_margin)
            items[index] = -np.log(softmax(logits[None])[0, y])
    return items, where


ENTRIES["angular_margin_softmax"] = Entry(
    of_batch=angular_margin_softmax,
    settings=[{"scale": 4.0, "cosine_margin": 0.25, "angle_factor": 2.5, "angle_margin": 0.75, "axis": 1}],
    refused=[
        AXIS,
        Refused({"scale": 0.0}, "must be above 0"),
        Refused({"angle_margin": -0.5}, "must be at least 0"),
        Refused({"cosine_margin": float("inf")}, "must be finite"),
        Refused({"angle_factor": 0.0}, "must be above 0"),
    ],
)
