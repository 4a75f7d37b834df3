"""What `compare` returns."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from . import text
from .backends import BackendStatus

__all__ = ["Comparison", "ComparisonRow"]


@dataclass(frozen=True)
class ComparisonRow:
    """What one loss gave on one backend in one dtype."""

    loss: str
    settings: dict[str, Any]
    """All settings of the loss; one that is an array as a list."""
    sample: str
    """What it was computed on: "digits", "diabetes", or "given" for arrays of the caller."""
    backend: str
    dtype: str
    status: Literal["agrees", "differs", "failed"]
    """"failed" where there is an error, or nothing but NaN to compare."""
    value: float | None = None
    """The result; the mean of the results for reduction "none"."""
    reference: float | None = None
    """The same of NumPy in float64, from inputs that were rounded to `dtype`."""
    absolute_difference: float | None = None
    """|value - reference|, the largest for reduction "none"."""
    ulp_difference: float | None = None
    """The absolute difference in units in the last place of the reference."""
    gradient_difference: float | None = None
    """The largest difference of a gradient's entry, as a fraction of the gradient's largest entry."""
    error: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What `compare` found."""

    rows: tuple[ComparisonRow, ...]
    backends: tuple[BackendStatus, ...]
    tolerance: dict[str, float]
    skipped: dict[str, str]
    """The losses that were left out, each with the reason."""

    @property
    def agree(self) -> bool:
        """Whether there are results, and all of them agree within the tolerance.

        A missing backend has no results. A broken one does not agree.
        """
        agreeing = all(row.status == "agrees" for row in self.rows)
        return bool(self.rows) and agreeing and all(b.status != "broken" for b in self.backends)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; a number that JSON lacks, NaN or an infinity, is None."""
        plain: dict[str, Any] = _plain({"agree": self.agree, **dataclasses.asdict(self)})
        return plain

    def to_json(self) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_markdown(self) -> str:
        """Return a Markdown table of all rows, with the backends above and the conclusion below it."""
        return text.markdown(self)

    def to_table(self, width: int = 80) -> str:
        """Return plain text with all rows, those of each loss in a group, in lines of at most `width` characters."""
        return text.table(self, width)

    def to_summary(self, width: int = 80) -> str:
        """Return plain text with a line for each loss, and what does not agree in full below."""
        return text.summary(self, width)

    def conclusion(self) -> str:
        """Return in one line whether all agree, and if not, what does not."""
        return text.conclusion(self)

    def __str__(self) -> str:
        return self.to_table()


def _plain(value: Any) -> Any:
    """Return what JSON can hold."""
    if isinstance(value, Mapping):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
