"""Losses of boxes, by how far a predicted one and the true one overlap.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.detection import Ciou, Diou, Giou, Iou
from ..reduction import Reduction

__all__ = ["ciou", "diou", "giou", "iou"]


@function_form(Ciou)
def ciou(
    prediction: Array,
    target: Array,
    *,
    box_format: str = "xyxy",
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""The loss `diou`, and the difference of the aspect ratios: what many detectors are trained with.

    .. math:: l = 1 - \frac{I}{U} + \frac{d^2}{c^2} + \alpha \, v;
        \quad \alpha = \frac{v}{1 - I / U + v}, \; v = \frac{4}{\pi^2} (\arctan(w_T / h_T) - \arctan(w_P / h_P))^2

    Parameters
    ----------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    diou : Without the aspect ratio.
    giou : By areas alone.

    Notes
    -----
    I and U are the areas of the intersection and of the union, d is the distance of the centres and c the diagonal of
    the smallest box that holds both, w and h are the lengths of the sides. The factor alpha counts as a constant in the
    gradient, which is therefore not that of the value, as in the paper. Where a box is a point, or both are lines
    across each other, v is 0.

    Two boxes without area have an intersection over union of 0, whether they are equal or not, and a derivative of 0.

    References
    ----------
    Zheng et al., Distance-IoU loss: faster and better learning for bounding box regression (2020).
    https://arxiv.org/abs/1911.08287

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.ciou(np.asarray([0.0, 0.0, 2.0, 1.0]), np.asarray([0.0, 0.0, 1.0, 2.0]))), 6)
    0.762918
    """
    return Ciou.made(
        box_format=box_format,
        axis=axis,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Diou)
def diou(
    prediction: Array,
    target: Array,
    *,
    box_format: str = "xyxy",
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""The IoU loss, and the distance of both centres: draws boxes together faster than `giou`.

    .. math:: l = 1 - \frac{I}{U} + \frac{d^2}{c^2}

    Parameters
    ----------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    ciou : With the aspect ratio.
    giou : By areas alone.

    Notes
    -----
    I and U are the areas of the intersection and of the union, d is the distance of the centres and c the diagonal of
    the smallest box that holds both; where c is 0, that term is 0.

    Two boxes without area have an intersection over union of 0, whether they are equal or not, and a derivative of 0.

    References
    ----------
    Zheng et al., Distance-IoU loss: faster and better learning for bounding box regression (2020).
    https://arxiv.org/abs/1911.08287

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.diou(np.asarray([0.0, 0.0, 1.0, 1.0]), np.asarray([3.0, 0.0, 4.0, 1.0]))), 6)
    1.529412
    """
    return Diou.made(
        box_format=box_format,
        axis=axis,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Giou)
def giou(
    prediction: Array,
    target: Array,
    *,
    box_format: str = "xyxy",
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""The IoU loss, and the empty share of the smallest box around both: draws disjoint boxes together.

    .. math:: l = 1 - \frac{I}{U} + \frac{H - U}{H}

    Parameters
    ----------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    diou : Faster, by the centres.
    iou : Where boxes overlap already.

    Notes
    -----
    I, U and H are the areas of the intersection, of the union and of the smallest box that holds both; where H is 0,
    the last term is 0.

    Two boxes without area have an intersection over union of 0, whether they are equal or not, and a derivative of 0.

    References
    ----------
    Rezatofighi et al., Generalized intersection over union: a metric and a loss for bounding box regression (2019).
    https://arxiv.org/abs/1902.09630

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.giou(np.asarray([0.0, 0.0, 1.0, 1.0]), np.asarray([3.0, 0.0, 4.0, 1.0])))
    1.5
    """
    return Giou.made(
        box_format=box_format,
        axis=axis,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Iou)
def iou(
    prediction: Array,
    target: Array,
    *,
    box_format: str = "xyxy",
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""One minus the intersection of two boxes over their union: blind to how far boxes lie apart.

    .. math:: l = 1 - \frac{I}{U}

    Parameters
    ----------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    giou : Where boxes may be disjoint.
    jaccard : For masks.

    Notes
    -----
    I and U are the areas of the intersection and of the union. It has no gradient where boxes are disjoint: `giou`,
    `diou` and `ciou` do.

    Two boxes without area have an intersection over union of 0, whether they are equal or not, and a derivative of 0.

    References
    ----------
    Yu et al., UnitBox: an advanced object detection network (2016), which has the logarithm of it.
    https://arxiv.org/abs/1608.01471

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.iou(np.asarray([0.0, 0.0, 2.0, 1.0]), np.asarray([1.0, 0.0, 2.0, 1.0])))
    0.5
    """
    return Iou.made(
        box_format=box_format,
        axis=axis,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
