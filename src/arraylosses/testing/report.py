"""Run the laws on a loss, and tell which of them it breaks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..arguments import require_choice
from ..comparison.backends import BACKENDS, look_up
from ..comparison.text import error_line
from ..loss import Loss
from ..registry import get
from .laws import LAWS, BrokenLawError
from .library import Library, Subject, drawn, forms_of

__all__ = ["Broken", "Report", "check_loss"]


@dataclass(frozen=True)
class Broken:
    """A law that a loss breaks."""

    law: str
    backend: str
    """The library that shows it."""
    said: str
    """What is wrong, in a line."""

    def __str__(self) -> str:
        return f"{self.law} ({self.backend}): {self.said}"


@dataclass(frozen=True)
class Report:
    """What `check_loss` found. It is true if no law is broken."""

    loss: Loss
    broken: tuple[Broken, ...]
    backends: tuple[str, ...]
    laws: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether no law is broken."""
        return not self.broken

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        where = f"{len(self.laws)} laws on {', '.join(self.backends)}"
        if self.passed:
            return f"{self.loss!r} keeps {where}"
        return "\n".join([f"{self.loss!r} breaks, of {where}:", *(f"  {broken}" for broken in self.broken)])

    __repr__ = __str__


def check_loss(
    loss: str | Loss | type[Loss] | Callable[..., Any],
    /,
    *,
    backends: str | Iterable[str] | None = None,
    seed: int = 0,
    **settings: Any,
) -> Report:
    """Check a loss against the laws that every loss of this package keeps.

    The arrays are drawn by what the loss declares.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        The loss, such as your own.
    backends : {"numpy", "torch", "jax", "cupy", "dask", "strict"} or iterable of them, optional
        The libraries to check it on; all that are installed if not given.
    seed : int, default 0
        Of the arrays that are drawn.
    **settings
        Settings of the loss.

    Returns
    -------
    Report
        True if no law is broken. Printed, it has a line for each broken law, with the library that shows it.

    Raises
    ------
    TypeError
        For a sum over the outputs of a model, which declares no arrays: check the loss of each output.
    ValueError
        For a backend of another name, or one that is not installed.

    Examples
    --------
    >>> import arraylosses as al
    >>> from arraylosses.testing import check_loss
    >>> @al.loss
    ... def widened(prediction, target):
    ...     return ((prediction - target) ** 2).astype("float64")
    >>> print(check_loss(widened, backends=["numpy"]))
    Widened(reduction='mean') breaks, of 17 laws on numpy:
      dtype (numpy): float32 arrays give a result of float64
      half precision (numpy): float16 arrays give a result of float64, not float32
    """
    checked = get(loss, **settings)
    if not checked.declaration.arguments:
        raise TypeError(f"`loss` must declare its arrays, got {type(checked).__name__}; check the loss of each output")
    backends = [backends] if isinstance(backends, str) else backends
    chosen = list(backends) if backends is not None else None
    for name in chosen or ():
        require_choice(BACKENDS, backends=name)
    broken, libraries = [], []
    for name in chosen if chosen is not None else BACKENDS:
        status = look_up(name).status
        if status.status == "installed":
            libraries.append(Library(name))
        elif chosen is not None:
            raise ValueError(f"`backends` must be installed, got {name}, which is {status.status}")
    for library in libraries:
        for law, check in LAWS.items():
            for soft in forms_of(checked):
                on = Subject(checked, library, libraries[0], drawn(checked, soft), seed)
                with libraries[0].active(), library.active():
                    said = _broken(functools.partial(check, on))
                if said is not None:
                    broken.append(Broken(law, library.backend, said))
                    break
    return Report(replace(checked), tuple(broken), tuple([library.backend for library in libraries]), tuple(LAWS))


def _broken(check: Callable[[], None]) -> str | None:
    try:
        check()
    except BrokenLawError as broken:
        return str(broken)
    except Exception as error:  # whatever a user's formula raises is what is to be told
        return error_line(error)
    return None
