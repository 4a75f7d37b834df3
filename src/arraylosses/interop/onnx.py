"""Losses as graphs of ONNX, by ndonnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ndonnx

from ..arguments import Declaration, closest
from ..loss import Loss
from ..loss_function import LossFunction
from ..registry import get

__all__ = ["export"]


def export(
    loss: str | Loss | type[Loss] | LossFunction[...],
    shapes: Mapping[str, Sequence[int | str | None]],
    *,
    dtype: str = "float32",
) -> Any:
    """Return a loss as a graph of ONNX, for arrays of any batch.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        The loss.
    shapes : mapping of str to sequence of int, str or None
        The shape of each array by its name, and of `weight` and `where` if the graph is to take them. A length that is
        a name or None is known when the graph runs; one name is one length.
    dtype : {"float32", "float64"}, default "float32"
        That of the floating arrays. Labels and lengths are int64: a target is one of labels if its shape is.

    Returns
    -------
    onnx.ModelProto
        A graph whose inputs have the names of the arrays, and whose output is ``loss``. ``onnx.save`` writes it.

    Raises
    ------
    TypeError
        If `loss` is no loss, or a shape is lacking.
    ValueError
        If the shapes do not belong together, a length is not known of a loss that has to know it, such as one that
        compares the items of a batch, or ndonnx lacks a function of the loss.

    Notes
    -----
    A label that is no class makes its item NaN in the graph, which can't refuse it.

    The graph computes the formula step by step, with the functions of its runtime. In float32, with ONNX Runtime on a
    CPU, an item differs from what NumPy computes by at most 32 units in the last place, or by 2 of those of the largest
    item of its call where the formula subtracts what is nearly equal; by 32 of them for `distillation`, and by 256 for
    `aft` of two bounds that are nearly equal.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> import arraylosses as al
    >>> from arraylosses.interop.onnx import export
    >>> model = export(al.CrossEntropy(), {"logits": ("N", 3), "labels": ("N",)})
    >>> session = onnxruntime.InferenceSession(model.SerializeToString())
    >>> logits, labels = np.zeros((2, 3), dtype="float32"), np.asarray([0, 2])
    >>> (value,) = session.run(["loss"], {"logits": logits, "labels": labels})
    >>> round(float(value), 4)
    1.0986
    """
    made = get(loss)
    declaration = made.declaration
    known = (*declaration.names, "weight", "where")
    for name in declaration.names[: declaration.required]:
        if name not in shapes:
            raise TypeError(f"`shapes` must have a shape for `{name}`, got {', '.join(map(repr, shapes)) or 'none'}")
    for name in shapes:
        if name not in known:
            raise TypeError(f"`shapes` must have the names of arrays, got {name!r}{closest(name, known)}")
    _check_classes(made, shapes)
    arrays = {
        name: ndonnx.argument(shape=tuple(shape), dtype=getattr(ndonnx, _dtype(declaration, name, shapes, dtype)))
        for name, shape in shapes.items()
    }
    return ndonnx.build(arrays, {"loss": _traced(made, arrays, shapes)})


def _traced(loss: Loss, arrays: Mapping[str, Any], shapes: Mapping[str, Sequence[Any]]) -> Any:
    """Call a loss, and say what is due where ndonnx ends within it."""
    try:
        return loss(**arrays)
    except Exception as error:
        if str(error).startswith("`"):  # of an argument
            raise
        name = type(loss).__name__
        if all([isinstance(n, int) for shape in shapes.values() for n in shape]):
            raise ValueError(f"`loss` must be of functions that ndonnx has, which {name} is not") from error
        given = ", ".join([f"{name!r}: {tuple(shape)}" for name, shape in shapes.items()])
        raise ValueError(
            f"`shapes` must have all lengths for {name}, as ndonnx lacks a step else, got {given}"
        ) from error


def _check_classes(loss: Loss, shapes: Mapping[str, Sequence[Any]]) -> None:
    """Refuse rows of classes whose number is not known: a graph compares labels with it."""
    declaration, axis = loss.declaration, loss.class_axis()
    if axis is None or "class" not in declaration.domains:
        return
    name = declaration.names[0]
    shape = tuple(shapes[name])
    if not isinstance(shape[-1 if len(shape) == 1 else axis], int):
        raise ValueError(f"`shapes` must have the number of classes of `{name}` along axis {axis}, got {shape}")


def _dtype(declaration: Declaration, name: str, shapes: Mapping[str, Sequence[Any]], dtype: str) -> str:
    """The dtype of an array: of one that may hold labels or probabilities, by the number of its axes."""
    if name in ("weight", "where"):
        return dtype if name == "weight" else "bool"
    first = declaration.arguments[0]
    more = len(shapes[first.name]) - len(first.forms[0].axes)
    forms = declaration.arguments[declaration.names.index(name)].forms
    fitting = [form for form in forms if len(form.axes) + more * ("..." in form.axes) == len(shapes[name])]
    return "int64" if (fitting or forms)[0].domain.is_integer else dtype
