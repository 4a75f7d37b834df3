"""Settings of the whole process, and `config`, which changes them."""

from __future__ import annotations

import contextlib
import weakref
from types import EllipsisType, TracebackType
from typing import Any, Self

__all__ = ["config", "setting"]


class _Setting:
    """A setting of the process: the one made last, of those that hold.

    One that is made in a ``with`` block holds until its end, whichever of several blocks ends first. Nothing here takes
    a lock, so that a signal finds none taken.
    """

    def __init__(self, default: Any) -> None:
        self.default = default
        self.made: list[_Made] = []

    def make(self, owner: object, value: Any) -> None:
        before = self.made[:]
        self.made.append(_Made(owner, value))
        # One whose owner is gone can't be ended any more, and hides for good what is older.
        for_good = max([k for k, made in enumerate(before) if made.owner() is None], default=0)
        for k, made in enumerate(before):
            if k < for_good or made.owner() is owner:
                self._remove(made)

    def end(self, owner: object) -> None:
        for made in self.made[:]:
            if made.owner() is owner:
                self._remove(made)

    def _remove(self, made: _Made) -> None:
        with contextlib.suppress(ValueError):  # another thread was faster
            self.made.remove(made)


class _Made:
    def __init__(self, owner: object, value: Any) -> None:
        self.owner, self.value = weakref.ref(owner), value


_settings = {"threads": _Setting(None), "check_values": _Setting(False)}


def setting(name: str) -> Any:
    """Return the present value of a setting of `config`."""
    found = _settings[name]
    last = found.made[-1:]
    return last[0].value if last else found.default


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
        self._changes = {name: value for name, value in given.items() if value is not ...}
        self.__enter__()

    def __enter__(self) -> Self:
        for name, value in self._changes.items():
            _settings[name].make(self, value)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._changes:
            _settings[name].end(self)
