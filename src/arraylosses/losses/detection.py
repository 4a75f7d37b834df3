"""Losses of boxes, by how far a predicted one and the true one overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_choice
from ..numerics import elementwise
from ..registry import register
from ._base import PureRowLoss

__all__ = ["Ciou", "Diou", "Giou", "Iou"]


def _share(x: Array, y: Array) -> Array:
    """x / y, and 0 where y is so small that y² is out of range, of which the derivative is made."""
    none = y < math.sqrt(elementwise.finfo(y).smallest_normal)
    return special.where(none, 0.0, x / special.where(none, 1.0, y))


def _inverse(length: Array) -> Array:
    """4 / length as a constant, which is in range for any length; of 0 it is some number."""
    return 4.0 / (special.stop_gradient(length) + 2.0 * elementwise.finfo(length).smallest_normal)


class _Side:
    """One side of a predicted box and of the true one."""

    def __init__(self, low: Array, high: Array, true_low: Array, true_high: Array, sizes: tuple[Array, Array]) -> None:
        # At a tie, each of both gets half of the derivative: it is 0 where the boxes are equal.
        xp = array_namespace(low, true_low)
        self.ends = low, high, true_low, true_high
        self.size, self.true_size = sizes
        self.overlap = special.relu(xp.minimum(high, true_high) - xp.maximum(low, true_low))
        self.hull = xp.maximum(high, true_high) - xp.minimum(low, true_low)

    @property
    def offset(self) -> Array:
        low, high, true_low, true_high = self.ends
        return 0.5 * ((true_low - low) + (true_high - high))


class _Pair:
    """A predicted box and the true one: what the losses are made of.

    No area is out of range, as each side is in a unit of its own, in which no length is above 4; shares do not depend
    on it.
    """

    def __init__(self, sides: list[_Side]) -> None:
        self.x, self.y = x, y = sides
        # A predicted size below 0 may be longer than the hull.
        self.units = [_inverse(abs(side.size) + abs(side.hull)) for side in sides]
        unit_x, unit_y = self.units
        intersection = (x.overlap * unit_x) * (y.overlap * unit_y)
        area, true_area = (x.size * unit_x) * (y.size * unit_y), (x.true_size * unit_x) * (y.true_size * unit_y)
        self.union = area + true_area - intersection
        self.iou = _share(intersection, self.union)


@dataclass(frozen=True, kw_only=True)
class _BoxLoss(PureRowLoss):
    """What the losses of boxes share: how a box is given."""

    box_format: str = "xyxy"

    arrays = (
        "prediction[..., 4]: box if box_format is xyxy else sized_box, "
        "target[..., 4]: box if box_format is xyxy else sized_box -> [...]"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(("xyxy", "xywh", "cxcywh"), box_format=self.box_format)

    def call(self, prediction: Array, target: Array) -> Array:
        before = (slice(None),) * (self.row_axis(prediction) % prediction.ndim)
        numbers = [[boxes[(*before, k, ...)] for k in range(4)] for boxes in (prediction, target)]
        sides = [self._side(*[box[k] for box in numbers for k in (first, first + 2)]) for first in (0, 1)]
        return self._of_pair(_Pair(sides))

    def _side(self, a: Array, b: Array, true_a: Array, true_b: Array) -> _Side:
        if self.box_format == "xyxy":
            return _Side(a, b, true_a, true_b, (b - a, true_b - true_a))
        # Seen from the predicted box's corner or centre, no digit is lost to where the boxes are.
        offset, below, above = true_a - a, *((0.0, 1.0) if self.box_format == "xywh" else (0.5, 0.5))
        return _Side(-below * b, above * b, offset - below * true_b, offset + above * true_b, (b, true_b))

    def _of_pair(self, pair: _Pair) -> Array:
        """The loss of each item."""
        raise TypeError(f"{type(self).__name__} must define `_of_pair`")


@register
@dataclass(frozen=True, kw_only=True)
class Iou(_BoxLoss):
    r"""One minus the intersection of two boxes over their union: blind to how far boxes lie apart.

    .. math:: l = 1 - \frac{I}{U}

    Parameters
    ----------
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.

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

    # 1 - IoU
    def _of_pair(self, pair: _Pair) -> Array:
        return 1.0 - pair.iou


@register("generalized_box_iou_loss", "giou_loss", "GIoULoss", "BoxGIoULoss")
@dataclass(frozen=True, kw_only=True)
class Giou(_BoxLoss):
    r"""The IoU loss, and the empty share of the smallest box around both: draws disjoint boxes together.

    .. math:: l = 1 - \frac{I}{U} + \frac{H - U}{H}

    Parameters
    ----------
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.

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

    # 1 - IoU + (H - U) / H
    def _of_pair(self, pair: _Pair) -> Array:
        hull = (pair.x.hull * pair.units[0]) * (pair.y.hull * pair.units[1])
        return 1.0 - pair.iou + _share(hull - pair.union, hull)


def _distance(pair: _Pair) -> Array:
    """The square of the distance of the centres, in that of the diagonal around both boxes."""
    unit = array_namespace(*pair.units).minimum(*pair.units)
    offsets, hulls = [side.offset * unit for side in (pair.x, pair.y)], [side.hull * unit for side in (pair.x, pair.y)]
    return _share(offsets[0] * offsets[0] + offsets[1] * offsets[1], hulls[0] * hulls[0] + hulls[1] * hulls[1])


@register("distance_box_iou_loss", "diou_loss")
@dataclass(frozen=True, kw_only=True)
class Diou(_BoxLoss):
    r"""The IoU loss, and the distance of both centres: draws boxes together faster than `giou`.

    .. math:: l = 1 - \frac{I}{U} + \frac{d^2}{c^2}

    Parameters
    ----------
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.

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

    # 1 - IoU + d² / c²
    def _of_pair(self, pair: _Pair) -> Array:
        return 1.0 - pair.iou + _distance(pair)


# The angles arctan(w / h) of both boxes lie within a right angle, so the tangent of their difference decides it, in any
# unit of either box.
def _turn(x: _Side, y: _Side) -> Array:
    """arctan(w / h) of the true box less that of the predicted one, and 0 where that has no tangent."""
    unit, true_unit = _inverse(abs(x.size) + abs(y.size)), _inverse(abs(x.true_size) + abs(y.true_size))
    w, h, true_w, true_h = x.size * unit, y.size * unit, x.true_size * true_unit, y.true_size * true_unit
    across = true_w * h - w * true_h
    return array_namespace(across).atan(_share(across, w * true_w + h * true_h))


@register("complete_box_iou_loss", "ciou_loss", "CIoULoss")
@dataclass(frozen=True, kw_only=True)
class Ciou(_BoxLoss):
    r"""The loss `diou`, and the difference of the aspect ratios: what many detectors are trained with.

    .. math:: l = 1 - \frac{I}{U} + \frac{d^2}{c^2} + \alpha \, v;
        \quad \alpha = \frac{v}{1 - I / U + v}, \; v = \frac{4}{\pi^2} (\arctan(w_T / h_T) - \arctan(w_P / h_P))^2

    Parameters
    ----------
    box_format : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers of a box are: two opposite corners, the lower ends of both sides first; or the first of
        these, as in COCO, or the centre, and the lengths of both sides.
    axis : int, default -1
        The axis of a box's four numbers.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., 4)
        Floating boxes along `axis`, of one shape. A box alone, (4,), is one item.

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

    # 1 - IoU + d² / c² + alpha v
    def _of_pair(self, pair: _Pair) -> Array:
        v = (2.0 / math.pi * _turn(pair.x, pair.y)) ** 2
        alpha = special.stop_gradient(_share(v, 1.0 - pair.iou + v))
        return 1.0 - pair.iou + _distance(pair) + alpha * v
