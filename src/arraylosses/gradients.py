"""Gradients of a loss, or of any function of arrays, on every library."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from . import special
from ._array_api import (
    Array,
    array_namespace,
    backend_of,
    dtype_kind,
    dtype_name,
    is_compiling,
    is_container,
    library_of,
    namespace_of,
    single_device,
)
from ._config import setting
from ._nested import by_arrays, is_nested
from .arguments import in_short, made_of
from .execution import Wanted, jitted
from .loss import Loss, setting_names, total
from .loss_function import LossFunction
from .registry import class_of, get

__all__ = ["callable_of", "grad", "value_and_grad", "value_grad_hess"]

P = ParamSpec("P")
ResultT = TypeVar("ResultT", covariant=True)

# What is called with more than the parameters that a type checker sees: a name, a class, what `loss` makes of a
# function. All else keeps its parameters. For what fits both, the checkers make do with `Any`.
WithSettings: TypeAlias = str | type[Loss] | LossFunction[...]


class Open(Protocol[ResultT]):
    """What takes any settings by keyword."""

    def __call__(self, *arrays: Array, **settings: Any) -> ResultT: ...


@overload
def value_and_grad(loss: WithSettings, argnums: int | Sequence[int] = 0) -> Open[tuple[Array, Any]]: ...
@overload
def value_and_grad(loss: Callable[P, Array], argnums: int | Sequence[int] = 0) -> Callable[P, tuple[Array, Any]]: ...
def value_and_grad(loss: Any, argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Array, Any]]:
    """Return a function that computes a loss and its gradient.

    Parameters
    ----------
    loss : callable or str
        A loss, as an instance, a class, a function form or a registered name, or any function of arrays that returns an
        array of shape (). A class, a function form and a name take the settings in the call.
    argnums : int or sequence of int, default 0
        The arguments that the gradient is taken with respect to, counted from 0: floating arrays, or nested dicts,
        lists and tuples of them, such as the parameters of a model.

    Returns
    -------
    callable
        It takes the arguments of `loss` and returns the value and the gradient: an array in the library, dtype and
        shape and on the device of the argument, in a structure like the argument's, or a tuple of them for several
        `argnums`. torch's tensors go through autograd, JAX's arrays through `jax.grad`, all others through the loss's
        closed form, where it has one by these arguments, else through `arraylosses.autodiff`. torch's tensors on the
        CPU take that closed form too, where nothing is recorded.

    Raises
    ------
    TypeError
        If `loss` can't be called, or an argument that the gradient is taken with respect to is no floating array.
    ValueError
        If the result does not have shape (), as with reduction "none".

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> value, gradient = al.value_and_grad(al.huber)(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), reduction="sum")
    >>> float(value), gradient.tolist()
    (2.625, [0.5, 1.0])
    >>> def f(parameters, x):
    ...     return al.squared_error(x @ parameters["weight"] + parameters["bias"], x[:, 0])
    >>> parameters = {"weight": np.asarray([1.0, 2.0]), "bias": np.asarray(0.5)}
    >>> gradient = al.grad(f)(parameters, np.asarray([[1.0, 0.0], [0.0, 1.0]]))
    >>> {name: g.tolist() for name, g in gradient.items()}
    {'weight': [0.5, 2.5], 'bias': 3.0}
    """
    positions = _positions(argnums)
    loss = callable_of(loss)

    def value_and_gradient(*arrays: Array, **settings: Any) -> tuple[Array, Any]:
        if len(arrays) <= max(positions):  # an array that is chosen may be given by its name
            given = _as_loss(loss, arrays, settings)
            if given is not None and len(given[1]) > len(arrays):
                return value_and_grad(given[0], argnums)(*given[1], **given[2])
        chosen = _at(arrays, positions)
        if any([is_nested(x) for x in chosen]):
            of_arrays, parts, restored = by_arrays(loss, arrays, positions)
            value, found = value_and_grad(of_arrays, range(len(parts)))(*parts, **settings)
            gradients = restored(found)
            return value, gradients[0] if isinstance(argnums, int) else gradients
        _require_floating(chosen, positions)
        backend = backend_of(namespace_of(chosen[0]))
        found = _in_closed_form(backend, loss, tuple([k % len(arrays) for k in positions]), arrays, settings)
        if found is None:
            if setting("check_values") and (given := _as_loss(loss, arrays, settings)) is not None:
                given[0].check(given[1], **{name: given[2].get(name) for name in _OF_ITEMS})  # traced, they can't be
            found = _BY_LIBRARY.get(backend, _by_tape)(loss, positions, arrays, settings)
        value, gradients = found
        return value, gradients[0] if isinstance(argnums, int) else gradients

    return value_and_gradient


@overload
def grad(loss: WithSettings, argnums: int | Sequence[int] = 0) -> Open[Any]: ...
@overload
def grad(loss: Callable[P, Array], argnums: int | Sequence[int] = 0) -> Callable[P, Any]: ...
def grad(loss: Any, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of a loss: `value_and_grad` without the value.

    Parameters
    ----------
    loss : callable or str
        A loss, or any function of arrays that returns an array of shape (), as for `value_and_grad`.
    argnums : int or sequence of int, default 0
        The arguments that the gradient is taken with respect to, counted from 0.

    Returns
    -------
    callable
        It takes the arguments of `loss` and returns the gradient, or a tuple of them for several `argnums`.

    Raises
    ------
    TypeError, ValueError
        As `value_and_grad` does.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.grad(al.SquaredError())(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.0])).tolist()
    [2.0, 0.0]
    """
    both = value_and_grad(loss, argnums)

    def gradient(*arrays: Array, **settings: Any) -> Any:
        return both(*arrays, **settings)[1]

    return gradient


@overload
def value_grad_hess(loss: WithSettings, argnums: int = 0) -> Open[tuple[Array, Array, Array]]: ...
@overload
def value_grad_hess(loss: Callable[P, Array], argnums: int = 0) -> Callable[P, tuple[Array, Array, Array]]: ...
def value_grad_hess(loss: Any, argnums: int = 0) -> Callable[..., tuple[Array, Array, Array]]:
    """Return a function that computes a loss, its gradient and the diagonal of its Hessian.

    It is what a booster of trees, or a diagonal Newton step, asks of a loss.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss, a user's own included. What it declares says which elements its items couple.
    argnums : int, default 0
        The argument that the derivatives are taken with respect to, counted from 0.

    Returns
    -------
    callable
        It takes the arguments of `loss`, and returns the value, the gradient and the second derivative of the value
        with respect to each element, both in the library, dtype and shape and on the device of the argument.

    Raises
    ------
    TypeError
        If `loss` is no loss, or the argument is no floating array.
    ValueError
        If the result does not have shape (), as with reduction "none".

    Notes
    -----
    The gradient and the diagonal are those of the value, and so of its reduction. A booster wants the derivatives of
    each item's own loss: choose ``reduction="sum"``, since "mean", the default, divides them by the number of items or
    by the sum of their weights. `weight` multiplies both, so where a booster applies the weights itself, leave it out.

    A loss that is piecewise linear in the argument, such as `absolute_error`, `quantile`, `hinge`, or `huber` beyond
    `delta`, has the second derivative 0 there. A booster that divides by the sum of them needs a floor of its own, as
    in ``np.maximum(diagonal, 1e-6)``, or ones in their place, which makes its steps those of the gradient; or a loss
    that is curved everywhere, such as `pseudo_huber` or `log_cosh`.

    The elements of a row are coupled, so for a loss of rows the diagonal is not the whole of the second derivatives.
    Without a closed form, and where torch records, transforms or compiles, it takes one pass for a loss of elements,
    and one for each place along the axis for a loss of rows. A weighted mean whose weights follow from the argument
    itself, as class weights follow from a target of probabilities, couples all elements: it takes one pass for each.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> compute = al.value_grad_hess(al.BinaryCrossEntropy(reduction="sum"))
    >>> value, gradient, diagonal = compute(np.asarray([0.0, 0.0]), np.asarray([1.0, 0.0]))
    >>> gradient.tolist(), diagonal.tolist()
    ([-0.5, 0.5], [0.25, 0.25])
    """
    (position,) = _positions((argnums,))
    loss = callable_of(loss)

    def value_gradient_and_diagonal(*arrays: Array, **settings: Any) -> tuple[Array, Array, Array]:
        (x,) = _at(arrays, (position,))
        _require_floating((x,), (position,))
        given = _as_loss(loss, arrays, settings)
        if given is None:
            said = in_short(loss)
            raise TypeError(f"`loss` must be a loss, or the function form of one with its own settings, got {said}")
        k = position % len(arrays)
        bound, arrays, of_items = given
        if k == 0 and bound.reduction != "none":
            found = bound._with_derivatives(arrays, **of_items, wanted=Wanted(second=True))
            if found is not None:
                value, gradient, diagonal = found
                return value, gradient, diagonal
        terms = bound.terms(arrays, **of_items)
        factors = [term.factor for term in terms]
        parts = [_value_grad_hess(term.loss, k, arrays, of_items) for term in terms]
        value, gradient, diagonal = [total(factors, of_terms) for of_terms in zip(*parts, strict=True)]
        return value, gradient, diagonal

    return value_gradient_and_diagonal


def _value_grad_hess(
    loss: Loss, k: int, arrays: tuple[Array, ...], of_items: dict[str, Any]
) -> tuple[Array, Array, Array]:
    value, gradient = value_and_grad(loss, k)(*arrays, **of_items)

    def by_one(x: Array) -> Array:
        derivative: Array = value_and_grad(loss, k)(*arrays[:k], x, *arrays[k + 1 :], **of_items)[1]
        return derivative

    return value, gradient, _diagonal(by_one, arrays[k], *_coupled(loss, k, arrays, of_items))


def _diagonal(gradient: Callable[[Array], Array], x: Array, place: Array | None, places: int) -> Array:
    """The Hessian's diagonal, from its product with one vector of ones and zeros for each place.

    Elements at the same place are not coupled, so that the product has their second derivatives unmixed.
    """
    xp = array_namespace(x)
    value, pull_back = _vjp(gradient, x)
    ones = xp.ones_like(value)
    if place is None:
        return pull_back(ones)
    diagonal = xp.zeros_like(x)
    for k in range(places):
        here = place == k
        diagonal = special.where(here, pull_back(special.where(here, ones, 0.0)), diagonal)
    return diagonal


def _coupled(loss: Loss, k: int, arrays: tuple[Array, ...], of_items: dict[str, Any]) -> tuple[Array | None, int]:
    """Number the elements of array `k`, broadcastable to it, so that those of one number are not coupled."""
    x = arrays[k]
    xp = array_namespace(x)
    inputs = loss.check(arrays, of_items.get("weight"), of_items.get("where"))
    mixes = loss.projected is not None or (loss.reduction == "mean" and loss.item_weight(*inputs.arrays) is not None)
    layout = inputs.layout[k]
    if loss.declaration.coupled or layout is None or (k and mixes):
        layout = tuple(range(-x.ndim, 0))
    if not layout:
        return None, 1
    shape = tuple([x.shape[axis] if axis in layout else 1 for axis in range(-x.ndim, 0)])
    return xp.reshape(xp.arange(math.prod(shape), device=single_device(x, to_make=True)), shape), math.prod(shape)


def _vjp(f: Callable[[Array], Array], x: Array) -> tuple[Array, Callable[[Array], Array]]:
    backend = backend_of(namespace_of(x))
    if backend in _BY_LIBRARY:
        transforms: Any = sys.modules[backend]
        value, pull_back = (transforms.func if backend == "torch" else transforms).vjp(f, x)
    else:
        from . import autodiff

        value, pull_back = autodiff.vjp(f, x)
    return value, lambda cotangent: _with_memory(pull_back(cotangent)[0])


def _with_memory(x: Array) -> Array:
    """Return zeros in the place of a tensor that torch holds no memory for, which can be neither read nor written."""
    if is_compiling():  # its compiler can't ask
        return x + sys.modules["torch"].zeros_like(x)
    return sys.modules["torch"].zeros_like(x) if getattr(x, "_is_zerotensor", bool)() else x


class _Form:
    """A loss that is given as a class or by its name, called like its function form: with the settings in the call."""

    def __init__(self, cls: type[Loss], make: Callable[..., Loss]) -> None:
        self.loss_class, self.make = cls, make

    def __call__(self, *arrays: Array, **settings: Any) -> Array:
        bound, arrays, of_items = _bound(self.loss_class, self.make, arrays, settings)
        return bound(*arrays, **of_items)


def callable_of(loss: Any) -> Callable[..., Array]:
    """Return what is called with arrays, for a loss that may be given as a class or by its name."""
    if isinstance(loss, str):
        return _Form(type(get(loss)), functools.partial(get, loss))
    if isinstance(loss, type) and issubclass(loss, Loss):
        return _Form(loss, loss)
    if isinstance(loss, type) or not callable(loss):
        said = in_short(loss)
        raise TypeError(f"`loss` must be a loss, its class, function form or name, or a function of arrays, got {said}")
    return loss  # type: ignore[no-any-return]


def _positions(argnums: int | Sequence[int]) -> tuple[int, ...]:
    positions = tuple(argnums) if isinstance(argnums, Sequence) else (argnums,)
    if not positions or any(isinstance(k, bool) or not isinstance(k, int) for k in positions):
        raise TypeError(f"`argnums` must be an integer or several, got {argnums!r}")
    return positions


def _at(arrays: tuple[Array, ...], positions: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the arguments at `positions`, each of which must be named once."""
    for k in positions:
        if not -len(arrays) <= k < len(arrays):
            raise ValueError(f"`argnums` must count from 0 to {len(arrays) - 1} for {len(arrays)} arguments, got {k}")
    if len(positions) > 1 and len({k % len(arrays) for k in positions}) < len(positions):
        raise ValueError(f"`argnums` must name each argument once, got {positions}")
    return tuple([arrays[k] for k in positions])


def _require_floating(chosen: tuple[Any, ...], positions: tuple[int, ...]) -> None:
    """Refuse what a gradient cannot be taken with respect to, of the arguments at `positions`."""
    for k, x in zip(positions, chosen, strict=True):
        xp = namespace_of(x)
        got = made_of("x", x) if xp is None or is_container(x) else None
        if got is None and dtype_kind(x.dtype) not in ("float", "half"):
            got = f"an array of {library_of(xp)} of dtype {dtype_name(x.dtype)}"
        if got is not None:
            raise TypeError(f"`argnums` must choose floating arrays, but argument {k} is {got}")


def _require_scalar(value: Array) -> Array:
    if not hasattr(value, "shape"):
        # What it returns beside the number, such as a prediction, has no gradient.
        hint = "; return the number alone" if isinstance(value, tuple | list | dict) else ""
        raise TypeError(f"`loss` must return an array of one number, got {type(value).__name__}{hint}")
    if tuple(value.shape) != ():
        raise ValueError(
            f"`loss` must return one number to have a gradient, got shape {tuple(value.shape)}; choose reduction "
            "'mean' or 'sum' instead of 'none'"
        )
    return value


_Gradients = tuple[Array, tuple[Array, ...]]

_OF_ITEMS = ("weight", "where")


def _as_loss(
    loss: Callable[..., Array], arrays: tuple[Array, ...], settings: dict[str, Any]
) -> tuple[Loss, tuple[Array, ...], dict[str, Any]] | None:
    """Return a loss, with all of its arrays and with `weight` and `where`; None for another function."""
    if isinstance(loss, _Form):
        return _bound(loss.loss_class, loss.make, arrays, settings)
    if isinstance(loss, Loss):
        takes: set[str] = {*_OF_ITEMS, *loss.array_names}
        return _bound(loss, lambda: loss, arrays, settings) if settings.keys() <= takes else None
    cls = class_of(loss)
    if cls is None or not settings.keys() <= {*_OF_ITEMS, *cls.array_names, *setting_names(cls)}:
        return None
    return _bound(cls, cls.made, arrays, settings)


def _bound(
    of: Loss | type[Loss], make: Callable[..., Loss], arrays: tuple[Array, ...], given: dict[str, Any]
) -> tuple[Loss, tuple[Array, ...], dict[str, Any]]:
    of_items = {name: given[name] for name in _OF_ITEMS if name in given}
    named = {name: given[name] for name in of.array_names if name in given}
    bound = make(**{name: value for name, value in given.items() if name not in of_items and name not in named})
    return bound, bound._in_order(arrays, named) if named else arrays, of_items


def _in_closed_form(
    backend: str,
    loss: Callable[..., Array],
    positions: tuple[int, ...],
    arrays: tuple[Array, ...],
    settings: dict[str, Any],
) -> _Gradients | None:
    given = None if backend == "jax" else _as_loss(loss, arrays, settings)
    if given is None:
        return None
    bound, arrays, of_items = given
    if bound.reduction == "none":
        return None
    found = bound._with_gradients(arrays, positions, of_items.get("weight"), of_items.get("where"))
    return None if found is None else (found[0], found[1:])


def _by_torch(
    loss: Callable[..., Array], positions: tuple[int, ...], arrays: tuple[Array, ...], settings: dict[str, Any]
) -> _Gradients:
    torch: Any = sys.modules["torch"]

    def scalar(*given: Array) -> Array:
        return _require_scalar(loss(*given, **settings))

    gradients, value = torch.func.grad_and_value(scalar, argnums=positions)(*arrays)
    return value, tuple([_with_memory(x) for x in gradients])


def _by_jax(
    loss: Callable[..., Array], positions: tuple[int, ...], arrays: tuple[Array, ...], settings: dict[str, Any]
) -> _Gradients:
    given = _as_loss(loss, arrays, settings)
    if given is not None:
        bound, in_order, of_items = given
        items = (of_items.get("weight"), of_items.get("where"))
        if bound.reduction != "none" and jitted.fits(bound, in_order, *items):
            positions = tuple(k % len(arrays) for k in positions)
            return jitted.value_and_grad(bound, positions, in_order, *items)
    jax: Any = sys.modules["jax"]
    value, gradients = jax.value_and_grad(lambda *given: _require_scalar(loss(*given, **settings)), argnums=positions)(
        *arrays
    )
    return value, gradients


def _by_tape(
    loss: Callable[..., Array], positions: tuple[int, ...], arrays: tuple[Array, ...], settings: dict[str, Any]
) -> _Gradients:
    from . import autodiff  # a third of the package's import time, for libraries that have no gradients of their own

    value, gradients = autodiff.value_and_grad(lambda *given: _require_scalar(loss(*given, **settings)), positions)(
        *arrays
    )
    return value, gradients


_BY_LIBRARY = {"torch": _by_torch, "jax": _by_jax}
