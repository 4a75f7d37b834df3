"""Settings of the whole process, and `config`, which changes them."""

from __future__ import annotations

from types import EllipsisType, TracebackType
from typing import Any, Self

__all__ = ["config", "setting"]

_settings: dict[str, Any] = {"threads": None, "check_values": False}


def setting(name: str) -> Any:
    """Return the present value of a setting of `config`."""
    return _settings[name]


class config:  # noqa: N801
    """Change how losses are computed, for the whole process or in a ``with`` block.

    Parameters
    ----------
    threads : int or None, optional
        The threads that share the work of one call on large arrays of NumPy. None, as at the start, stands for all
        cores that the process may use (``OMP_NUM_THREADS`` of them, where it is set) in the main thread, and for one in
        any other thread, since a program that starts its own threads uses the cores already. The other libraries have
        threads, and settings, of their own.
    check_values : bool, optional
        Whether to look at the values of eager arrays on the CPU, which takes a pass over each, and to refuse one that
        its loss is not defined for, such as a probability of 1.2, a sign of 0 or a negative weight. False at the
        start.

    Raises
    ------
    TypeError
        If a setting has another type.
    ValueError
        If `threads` is below 1.

    Examples
    --------
    >>> import arraylosses as al
    >>> with al.config(threads=1, check_values=True):
    ...     pass
    """

    def __init__(self, *, threads: int | EllipsisType | None = ..., check_values: bool | EllipsisType = ...) -> None:
        if threads is not ... and threads is not None:
            if isinstance(threads, bool) or not isinstance(threads, int):
                raise TypeError(f"`threads` must be an integer or None, got {threads!r}")
            if threads < 1:
                raise ValueError(f"`threads` must be at least 1, got {threads}")
        if check_values is not ... and not isinstance(check_values, bool):
            raise TypeError(f"`check_values` must be a bool, got {check_values!r}")
        given = {"threads": threads, "check_values": check_values}
        changes = {name: value for name, value in given.items() if value is not ...}
        self._before = {name: _settings[name] for name in changes}
        _settings.update(changes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _settings.update(self._before)
