"""Entries of the losses of `losses/detection.py`."""

from __future__ import annotations

import functools

import mpmath
from mpmath import mpf

from ._entry import AXIS, Entry, Peer, Refused

ENTRIES: dict[str, Entry] = {}


def corners(box, box_format):
    a, b, c, d = box
    if box_format == "cxcywh":
        return [a - c / 2, b - d / 2, a + c / 2, b + d / 2]
    return [a, b, c, d] if box_format == "xyxy" else [a, b, a + c, b + d]


def iou_terms(p, t, box_format):
    """The intersection over union, and that part of it that each loss adds to 1 minus it, by name."""
    p, t = corners(p, box_format), corners(t, box_format)
    low, high = [max(p[k], t[k]) for k in (0, 1)], [min(p[k], t[k]) for k in (2, 3)]
    intersection = max(mpf(0), high[0] - low[0]) * max(mpf(0), high[1] - low[1])
    union = (p[2] - p[0]) * (p[3] - p[1]) + (t[2] - t[0]) * (t[3] - t[1]) - intersection
    iou = intersection / union if union else mpf(0)
    around = [max(p[k + 2], t[k + 2]) - min(p[k], t[k]) for k in (0, 1)]
    hull, diagonal = around[0] * around[1], around[0] ** 2 + around[1] ** 2
    apart = sum(((p[k] + p[k + 2]) / 2 - (t[k] + t[k + 2]) / 2) ** 2 for k in (0, 1))
    angles = [mpmath.atan2(box[2] - box[0], box[3] - box[1]) for box in (t, p)]
    v = 4 / mpmath.pi**2 * (angles[0] - angles[1]) ** 2
    giou = (hull - union) / hull if hull else mpf(0)
    diou = apart / diagonal if diagonal else mpf(0)
    ciou = diou + (v**2 / (1 - iou + v) if v else 0)
    return iou, {"iou": mpf(0), "giou": giou, "diou": diou, "ciou": ciou}


def reference(name, p, t, box_format):
    iou, more = iou_terms(p, t, box_format)
    return 1 - iou + more[name]


def textbook(name, xp, p, t):
    low, high = xp.maximum(p[..., :2], t[..., :2]), xp.minimum(p[..., 2:], t[..., 2:])
    sides = xp.clip(high - low, 0.0, None)
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (p, t)]
    intersection = sides[..., 0] * sides[..., 1]
    union = areas[0] + areas[1] - intersection
    loss = 1 - intersection / union
    around = xp.maximum(p[..., 2:], t[..., 2:]) - xp.minimum(p[..., :2], t[..., :2])
    if name == "giou":
        hull = around[..., 0] * around[..., 1]
        loss = loss + (hull - union) / hull
    return xp.mean(loss)


for name in ("iou", "giou", "diou", "ciou"):
    ENTRIES[name] = Entry(
        reference=functools.partial(reference, name),
        scale=lambda p, t, box_format: mpf(1),  # from which the intersection over union is taken
        constant="alpha" if name == "ciou" else "",
        settings=[{"box_format": "cxcywh", "axis": 1}, {"box_format": "xywh"}],
        refused=[AXIS, Refused({"box_format": "yxyx"}, "must be one of 'xyxy', 'xywh', 'cxcywh', got 'yxyx'")],
        peers={"textbook": [Peer(functools.partial(textbook, name))]} if name in ("iou", "giou") else {},
    )
