"""What was measured of a case."""

from __future__ import annotations

import dataclasses
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
        """Return what JSON takes."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Row:
        """Return the row that `plain` was made of."""
        spreads = {k: Spread(*data[k]) for k in ("ours", "theirs", "ratio") if data[k] is not None}
        return cls(**{**data, **spreads, "shape": tuple(data["shape"])})
