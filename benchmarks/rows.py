"""What was measured of a case."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .measure import Spread


@dataclass
class Row:
    """What was measured of a case. Times are in seconds, memory in bytes."""

    name: str
    group: str
    loss: str
    shape: tuple[int, ...]
    mode: str
    ours: Spread | None = None
    theirs: Spread | None = None
    ratio: Spread | None = None
    pairs: int = 0
    floor: float | None = None
    result: int = 0
    peak_ours: int | None = None
    peak_theirs: int | None = None
    note: str = ""

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def plain(self) -> dict[str, Any]:
        """Return what JSON takes: the name, and what was measured to four digits."""
        kept: dict[str, Any] = {"name": self.name}
        for key in ("ours", "theirs", "ratio"):
            if (spread := getattr(self, key)) is not None:
                kept[key] = [_rounded(x) for x in spread]
        for key in ("pairs", "result", "note"):
            if value := getattr(self, key):
                kept[key] = value
        for key in ("floor", "peak_ours", "peak_theirs"):
            if (value := getattr(self, key)) is not None:
                kept[key] = _rounded(value)
        return kept

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Row:
        """Return the row that `plain` was made of."""
        group, loss, shape, mode = data["name"].split("/")
        sizes = tuple(int(float(size)) for size in shape.split("x") if size != "-")
        spreads = {key: Spread(*data[key]) for key in ("ours", "theirs", "ratio") if key in data}
        return cls(**{**data, **spreads, "group": group, "loss": loss, "shape": sizes, "mode": mode})


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
