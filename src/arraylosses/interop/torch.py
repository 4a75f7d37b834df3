"""Losses as modules of torch."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import torch

from .._array_api import is_array, to_numpy
from ..execution.settings import holds_numbers
from ..loss import CompositeLoss, Loss
from ..loss_function import LossFunction
from ..registry import get

__all__ = ["module"]


def module(loss: str | Loss | type[Loss] | LossFunction[...], /) -> torch.nn.Module:
    """Make a module of a loss, whose array settings are buffers or parameters.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A setting that is an ``nn.Parameter`` is learned. Another one that is an array or a sequence of numbers, such as
        `class_weight`, is a buffer.

    Returns
    -------
    torch.nn.Module
        It is called like the loss, with its arrays, `weight` and `where`. Buffers and parameters have the names of the
        settings: they are in the ``state_dict``, and move with ``.to``. The attribute `loss` is the loss at their
        present values.

    Raises
    ------
    TypeError
        If `loss` is no loss, a setting is a tensor that requires a gradient and no parameter, or a sum of losses has
        tensors among its settings.

    Notes
    -----
    A loss is a function of its arrays, so a training loop in plain torch needs no module: ``loss(logits, labels)`` has
    a gradient as it is. A module is for settings that are learned or saved, and for frameworks that ask for one. It
    goes through ``torch.compile(fullgraph=True)`` and ``torch.export``, whose `dynamic_shapes` name the arrays as the
    loss does; not through ``torch.jit.script``.

    A parameter is unbounded, and the domain of a setting may not be: a temperature that has to stay above 0 is better
    learned as its logarithm, in a module of one's own.

    Examples
    --------
    >>> import torch
    >>> import arraylosses as al
    >>> from arraylosses.interop.torch import module
    >>> criterion = module(al.CrossEntropy(class_weight=[1.0, 2.0]))
    >>> dict(criterion.state_dict())
    {'class_weight': tensor([1., 2.])}
    >>> criterion(torch.zeros(3, 2), torch.asarray([0, 1, 1]))
    tensor(0.6931)
    >>> learned = module(al.InfoNce(temperature=torch.nn.Parameter(torch.tensor(0.1))))
    >>> [name for name, _ in learned.named_parameters()]
    ['temperature']
    """
    made = get(loss)
    cls: Any = type(made)
    return _class_of(cls, made.array_names)(made)


class _LossModule(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self._given = loss
        self._held = _held(loss)
        for name in self._held:
            value = getattr(loss, name)
            if isinstance(value, torch.nn.Parameter):
                self.register_parameter(name, value)
            else:
                self.register_buffer(name, _tensor(name, value))

    @property
    def loss(self) -> Loss:
        """The loss, at the present values of buffers and parameters."""
        return get(self._given, **{name: getattr(self, name) for name in self._held})

    def extra_repr(self) -> str:
        settings = self._given.settings().items()
        return ", ".join(f"{name}={value!r}" for name, value in settings if name not in self._held)

    # A class that is made for a loss is in no module, so pickle makes it again.
    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, (type(self._given), self._given.array_names), self.__dict__


def _held(loss: Loss) -> list[str]:
    """Return the settings that are buffers or parameters: of a sum, those of its losses stay what they are."""
    if not isinstance(loss, CompositeLoss):
        return [name for name in loss.array_settings if holds_numbers(getattr(loss, name))]
    for factor, term in loss.leaves:
        if any([isinstance(x, torch.Tensor) for x in (factor, *term.settings().values())]):
            raise TypeError(
                "`loss` must be one loss to hold tensors, got a sum; make a module of each, and add these up"
            )
    return []


def _tensor(name: str, value: Any) -> torch.Tensor:
    """Return a setting as a tensor of its own, which may be written to."""
    if not isinstance(value, torch.Tensor):
        return torch.tensor(to_numpy(value) if is_array(value) else value)
    if value.requires_grad:
        raise TypeError(f"`{name}` must be an nn.Parameter to be learned, got a tensor that requires a gradient")
    return value.clone()


@functools.lru_cache(maxsize=256)
def _class_of(cls: Any, names: tuple[str, ...]) -> type[_LossModule]:
    def forward(self: _LossModule, *arrays: Any, **rest: Any) -> torch.Tensor:
        return self.loss(*arrays, **rest)

    # torch.export goes by the names of the parameters.
    taken, plain = inspect.signature(cls.call).parameters, inspect.Parameter.POSITIONAL_OR_KEYWORD
    arrays = [taken.get(name, inspect.Parameter(name, plain)) for name in ("self", *names)]
    of_items = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in ("weight", "where")]
    forward.__signature__ = inspect.Signature([*arrays, *of_items])  # type: ignore[attr-defined]
    doc = f"The loss `{cls.__name__}` as a module."
    return type(cls.__name__, (_LossModule,), {"forward": forward, "__doc__": doc})


def _empty(cls: Any, names: tuple[str, ...]) -> _LossModule:
    made = _class_of(cls, names)
    return made.__new__(made)
