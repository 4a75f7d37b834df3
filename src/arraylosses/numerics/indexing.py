"""One entry of each row, by an integer index: read, written, or marked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, array_namespace, at_most, is_torch, known_size, on_mesh_of, single_device
from ._jax import has_explicit_sharding, lies_on_mesh
from ._variants import primitive
from .elementwise import stop_gradient, where
from .reductions import reduce_sum, starts


def expand_dims(x: Array, axis: int) -> Array:
    """Give `x` an axis of length 1. Dask's own function has to know all lengths, an index does not."""
    if is_torch(x):  # to which an index takes longer
        return x.unsqueeze(axis)
    before = axis if axis >= 0 else x.ndim + 1 + axis
    return x[(*(slice(None),) * before, None, ...)]


def _join_dask(dask: Any, *arrays: Array) -> Array:
    # In chunks of which some hold one entry, what is computed of entries beside each other is cut ever finer.
    joined = dask.concatenate(arrays, axis=-1, allow_unknown_chunksizes=True)
    return joined.rechunk({joined.ndim - 1: -1})


@primitive(arrays=None, dask=_join_dask)
def join(xp: Namespace, *arrays: Array) -> Array:
    """The standard's `concat` along the last axis."""
    return xp.concat(arrays, axis=-1)


def _stack_dask(dask: Any, *arrays: Array, axis: int = 0) -> Array:
    return dask.stack(arrays, axis=axis, allow_unknown_chunksizes=True)


@primitive(arrays=None, dask=_stack_dask)
def stack(xp: Namespace, *arrays: Array, axis: int = 0) -> Array:
    """The standard's `stack`."""
    return xp.stack(arrays, axis=axis)


def move_axis(x: Array, source: int, destination: int) -> Array:
    """The standard's `moveaxis` of one axis, for which torch's vmap has no rule."""
    order = list(range(x.ndim))
    order.insert(destination % x.ndim, order.pop(source))
    return array_namespace(x).permute_dims(x, tuple(order))


# What NumPy's functions do for any axis, they do with much Python, and with two numbers for each place.
def lie_in_rows(x: Array, axis: int) -> bool:
    """Whether the rows of an array of NumPy along `axis` lie one after the other in its memory."""
    return axis in (-1, x.ndim - 1) and x.flags.c_contiguous


def are_rows(x: Array, axis: int) -> bool:
    """Whether they are all of its two axes, too."""
    return x.ndim == 2 and lie_in_rows(x, axis)


def _flat_places(x: Array, index: Array) -> Array:
    """The places of one entry a row in the flat memory of `x`."""
    return starts(*x.shape) + index[:, 0]


def take_along_axis(library: Any, x: Array, index: Array, axis: int) -> Array:
    """Take the entries of an array of NumPy or torch that `index`, which has the axis, names."""
    if library is not np:
        return x.gather(axis, index)
    if not (are_rows(x, axis) and len(x) == len(index)):
        return np.take_along_axis(x, index, axis)
    return x.reshape(-1)[_flat_places(x, index)][:, None]


def put_along_axis(library: Any, x: Array, index: Array, values: Array | float, axis: int) -> None:
    """Write to the entries of an array of NumPy or torch that `index`, which has the axis, names."""
    if library is not np:
        x.scatter_(axis, index, values)
    elif are_rows(x, axis):
        x.reshape(-1)[_flat_places(x, index)] = values if isinstance(values, float) else values[:, 0]
    else:
        np.put_along_axis(x, index, values, axis)


def argmax(library: Any, x: Array, axis: int) -> Array:
    """The place of the largest entry along `axis` of an array of NumPy or torch, with the axis."""
    if library is np:
        return np.argmax(x, axis, keepdims=True)
    if not x.is_cpu:
        return x.argmax(axis, keepdim=True)
    # torch's takes ten times as long there.
    return library.from_numpy(np.argmax(x.numpy(force=True), axis, keepdims=True))


def _gather_numpy(numpy: Any, x: Array, index: Array, axis: int) -> Array:
    if x.size == x.shape[axis]:  # one row for all
        return x.reshape(-1)[index]
    return take_along_axis(numpy, x, expand_dims(index, axis), axis).squeeze(axis)


def _gather_torch(torch: Any, x: Array, index: Array, axis: int) -> Array:
    # Its take_along_dim is compiled for one shape alone.
    place = expand_dims(index, axis)
    shape = [x.shape[axis] if k == axis % x.ndim else size for k, size in enumerate(place.shape)]
    return torch.broadcast_to(x, tuple(shape)).gather(axis, place.to(torch.int64)).squeeze(axis)


def _gather_jax(_: Any, x: Array, index: Array, axis: int) -> Array | None:
    # It takes no entries of a single row for labels that lie on a mesh of explicit axes.
    if x.shape[axis] != math.prod(x.shape) or not has_explicit_sharding(place := expand_dims(index, axis)):
        return None
    return reduce_sum(where(one_hot_mask(place, x, axis), x, 0.0), axis)


@primitive(arrays=2, numpy=_gather_numpy, torch=_gather_torch, jax=_gather_jax)
def gather(xp: Namespace, x: Array, index: Array, axis: int) -> Array:
    """Take the entry of each row of `x` along `axis` that `index` names."""
    place = expand_dims(index, axis)
    if not hasattr(xp, "take_along_axis"):
        return xp.sum(where(one_hot_mask(place, x, axis), x, 0.0), axis=axis)
    # A graph may not broadcast here: by a product where it does not know the lengths.
    if known_size(place.shape) is None:
        x = x * xp.ones_like(place, dtype=x.dtype)
    elif x.shape != (shape := (*place.shape[: axis % x.ndim], x.shape[axis], *place.shape[axis % x.ndim + 1 :])):
        x = xp.broadcast_to(x, shape)
    return xp.squeeze(xp.take_along_axis(x, place, axis=axis), axis=axis)


def _take_entries_torch(torch: Any, x: Array, index: Array, axis: int) -> Array:
    # Its take_along_dim is compiled for one shape alone.
    pairs = zip(x.shape, index.shape, strict=True)
    others = [1 if k == axis % x.ndim else size if other == 1 else other for k, (size, other) in enumerate(pairs)]
    rows, places = (list(others) for _ in range(2))
    rows[axis], places[axis] = x.shape[axis], index.shape[axis]
    return torch.broadcast_to(x, tuple(rows)).gather(axis, torch.broadcast_to(index, tuple(places)).to(torch.int64))


@primitive(arrays=2, torch=_take_entries_torch)
def take_entries(xp: Namespace, x: Array, index: Array, axis: int) -> Array:
    """Take the entries of each row of `x` along `axis` that those of `index` name."""
    if hasattr(xp, "take_along_axis"):
        return xp.take_along_axis(x, index, axis=axis)
    rows, index = expand_dims(xp.moveaxis(x, axis, -1), -2), expand_dims(xp.moveaxis(index, axis, -1), -1)
    return xp.moveaxis(xp.sum(where(one_hot_mask(index, rows, -1), rows, 0.0), axis=-1), -1, axis)


def _take_columns_torch(torch: Any, x: Array, index: Array) -> Array:
    place = index.unsqueeze(-2).to(torch.int64)
    return x.gather(-1, torch.broadcast_to(place, (*x.shape[:-1], place.shape[-1])))


def _take_columns_broadcast(library: Any, x: Array, index: Array) -> Array:
    return library.take_along_axis(x, expand_dims(index, -2), -1)


@primitive(
    arrays=2,
    numpy=_take_columns_broadcast,
    torch=_take_columns_torch,
    jax=lambda jax, *given: _take_columns_broadcast(jax.numpy, *given),
)
def take_columns(xp: Namespace, x: Array, index: Array) -> Array:
    """Take the entries along the last axis of `x` that `index` names, for all places of the axis before it alike."""
    if not hasattr(xp, "take_along_axis"):
        is_named = expand_dims(one_hot_mask(expand_dims(index, -1), x, -1), -3)
        return xp.sum(where(is_named, expand_dims(x, -2), 0.0), axis=-1)
    # A graph may not broadcast here, and by a sum it need not know the lengths.
    place = expand_dims(index, -2) + xp.zeros_like(x[..., :1], dtype=index.dtype)
    return xp.take_along_axis(x, place, axis=-1)


def places(like: Array, count: int, dtype: Any = None) -> Array:
    """0, 1, ... up to a count, on the device or the mesh of another array."""
    found = array_namespace(like).arange(count, dtype=dtype, device=single_device(like, to_make=True))
    return on_mesh_of(like, found)


def along(x: Array, axis: int, dtype: Any = None) -> Array:
    """0, 1, ... along an axis of `x`, of which a lazy array need not know the length."""
    if known_size(x.shape[axis : axis + 1 or None]) is not None:
        return places(x, x.shape[axis], dtype)
    return _counted(stop_gradient(x), axis, dtype)


def _counted_dask(dask: Any, x: Array, axis: int, dtype: Any) -> Array:
    axis %= x.ndim
    others = [k for k in range(x.ndim) if k != axis]
    first = x.blocks[tuple([slice(None) if k == axis else slice(1) for k in range(x.ndim)])]
    sizes = dask.map_blocks(
        lambda block: np.asarray([block.shape[axis]]),
        first,
        drop_axis=others,
        chunks=((1,) * x.numblocks[axis],),
        meta=np.empty(0, np.int64),
    )
    dtype = np.dtype(np.int64 if dtype is None else dtype)
    return dask.map_blocks(
        lambda size, end: np.arange(end[0] - size[0], end[0]).astype(dtype),
        sizes,
        dask.cumsum(sizes, 0),
        chunks=(x.chunks[axis],),
        meta=np.empty(0, dtype),
    )


@primitive(dask=_counted_dask)
def _counted(_: Namespace, x: Array, axis: int, dtype: Any) -> Array:
    return places(x, x.shape[axis], dtype)


def _take_dask(dask: Any, x: Array, index: Array) -> Array | None:
    # It takes no entries by an array where the length is not known.
    if known_size(x.shape) is not None:
        return None
    return dask.sum((index[:, None] == along(x, 0, index.dtype)[None, :]) * x[None, :], axis=1)


@primitive(arrays=2, dask=_take_dask)
def take(xp: Namespace, x: Array, index: Array) -> Array:
    """The entries of an array of one axis, of integers, that `index` names."""
    return xp.take(x, index, axis=0)


def _reshape_last_dask(dask: Any, x: Array, count: int, shape: tuple[int, ...]) -> Array | None:
    # It asks for all lengths, those of axes that stay as they are too.
    if known_size(x.shape) is not None:
        return None
    first = x.ndim - count
    if known_size(x.shape[first:]) is None:
        raise ValueError(
            f"an array of shape {tuple(x.shape)}, of which a length is not known, can't be taken as one row; write "
            "`x = x.compute_chunk_sizes()` for each array"
        )
    x = x.rechunk(dict.fromkeys(range(first, x.ndim), -1))
    return dask.map_blocks(
        lambda block: np.reshape(block, (*block.shape[:first], *shape)),
        x,
        drop_axis=list(range(first, x.ndim)),
        new_axis=list(range(first, first + len(shape))),
        chunks=(*x.chunks[:first], *[(size,) for size in shape]),
        meta=np.empty((0,) * (first + len(shape)), x.dtype),
    )


@primitive(dask=_reshape_last_dask)
def reshape_last(xp: Namespace, x: Array, count: int, shape: tuple[int, ...]) -> Array:
    """`x` with its last axes, of which there are `count`, in another shape."""
    return xp.reshape(x, (*x.shape[: x.ndim - count], *shape))


def _along(x: Array, axis: int) -> tuple[int, ...]:
    """The shape of one number for each place along `axis` of `x`."""
    return tuple([size if k == axis % x.ndim else 1 for k, size in enumerate(x.shape)])


def _one_hot_mask_torch(torch: Any, index: Array, x: Array, axis: int) -> Array:
    # Its compiler vectorizes no comparison of 64-bit integers; up to 2^24, every integer is a float32.
    is_exact = x.dtype in (torch.float32, torch.float64) and at_most(x.shape[axis], 1 << 24)
    places = torch.arange(x.shape[axis], dtype=x.dtype if is_exact else index.dtype, device=index.device)
    return on_mesh_of(x, places).reshape(_along(x, axis)) == index.to(places.dtype)


@primitive(arrays=2, torch=_one_hot_mask_torch)
def one_hot_mask(xp: Namespace, index: Array, x: Array, axis: int) -> Array:
    """One boolean an entry of `x`: whether `index`, which has the axis, names its place along `axis`."""
    if known_size(x.shape[axis : axis + 1 or None]) is None:
        axis %= x.ndim
        return along(x, axis, index.dtype)[(*(None,) * axis, slice(None), *(None,) * (x.ndim - axis - 1))] == index
    places = xp.arange(x.shape[axis], dtype=index.dtype, device=single_device(index, to_make=True))
    return xp.reshape(places, _along(x, axis)) == index


def _one_hot_in_place(library: Any, like: Array, index: Array, axis: int, value: float) -> Array:
    result = library.zeros_like(like)
    put_along_axis(library, result, expand_dims(index, axis), value, axis)
    return result


@primitive(in_place=_one_hot_in_place)
def one_hot(xp: Namespace, like: Array, index: Array, axis: int, value: float) -> Array:
    """An array like `like` that holds `value` where `index` names the place along `axis`, and 0 elsewhere."""
    return where(one_hot_mask(expand_dims(index, axis), like, axis), xp.full_like(like, value), 0.0)


def _scatter_in_place(library: Any, x: Array, index: Array, values: Array | float, axis: int) -> Array:
    x = x.copy() if library is np else library.clone(x)
    put_along_axis(library, x, expand_dims(index, axis), _values(values, axis), axis)
    return x


def _values(values: Array | float, axis: int) -> Array | float:
    return values if isinstance(values, float) else expand_dims(values, axis)


@primitive(in_place=_scatter_in_place)
def scatter(xp: Namespace, x: Array, index: Array, values: Array | float, axis: int) -> Array:
    """`x` with other values where `index` names the place along `axis`: one each, or one for all."""
    return where(one_hot_mask(expand_dims(index, axis), x, axis), _values(values, axis), x)


def _clear_jax(jax: Any, x: Array, index: Array, axis: int) -> Array | None:
    # XLA vectorizes no comparison on the CPU. |place - index| is 0 at one place, and at least 1 elsewhere.
    if not at_most(x.shape[axis], 1 << 24):
        return None
    along = places(x, x.shape[axis], x.dtype).reshape(_along(x, axis))
    return x * jax.numpy.minimum(jax.numpy.abs(expand_dims(index, axis).astype(x.dtype) - along), 1.0)


@primitive(arrays=2, jax=_clear_jax)
def clear(_: Namespace, x: Array, index: Array, axis: int) -> Array:
    """`x`, of finite numbers, with 0 where `index` names the place along `axis`."""
    return scatter(x, index, 0.0, axis)


def _sum_by_index_in_place(library: Any, values: Array, index: Array, like: Array, axis: int) -> Array | None:
    if library is not np and not values.is_cpu:  # where all of a label would wait for one address
        return None
    length, count = len(values), like.shape[axis]
    first = count * library.arange(length, device=values.device)[:, None]
    flat = index.reshape(length, math.prod(index.shape[1:])) + first
    values = values.reshape(-1)
    if library is np:
        sums = np.bincount(flat.reshape(-1), values, length * count).astype(values.dtype)
    else:
        sums = library.bincount(flat.reshape(-1), values.double(), length * count).to(values.dtype)
    return sums.reshape(length, count)


def _sum_by_index_jax(jax: Any, values: Array, index: Array, like: Array, axis: int) -> Array | None:
    if lies_on_mesh(values):
        return None
    length, count, size = values.shape[0], like.shape[axis], math.prod(values.shape[1:])

    def added(values: Array, index: Array) -> Array:
        rows = jax.numpy.arange(length)[:, None]
        zeros = jax.numpy.zeros((length, count), values.dtype)
        return zeros.at[rows, index.reshape(length, size)].add(values.reshape(length, size))

    def masked(values: Array, index: Array) -> Array:
        return _masked_sums(values, index, like, axis)

    # An accelerator would have all of a label wait for one address.
    return jax.lax.platform_dependent(values, index, cpu=added, default=masked)


def _masked_sums(values: Array, index: Array, like: Array, axis: int) -> Array:
    is_named = one_hot_mask(expand_dims(index, axis), like, axis)
    return _of_first_axis(where(is_named, expand_dims(values, axis), 0.0), axis)


def _of_first_axis(x: Array, axis: int) -> Array:
    """The sums of `x` along all axes but `axis` and the first one beside it, which comes first."""
    first = 0 if axis else 1
    others = tuple([k for k in range(x.ndim) if k not in (first, axis)])
    total = array_namespace(x).sum(x, axis=others) if others else x
    return total if first < axis else array_namespace(x).matrix_transpose(total)


@primitive(arrays=3, in_place=_sum_by_index_in_place, jax=_sum_by_index_jax)
def sum_by_index(_: Namespace, values: Array, index: Array, like: Array, axis: int) -> Array:
    """Sums of finite values by the place along `axis` of `like` that `index` names, for each of the first axis."""
    return _masked_sums(values, index, like, axis)


def _count_equal_sorted(library: Any, ids: Array, kept: Array) -> Array:
    order = library.argsort(ids)
    ordered, counts = ids[order], library.cumsum(kept[order], 0)
    counts = library.concatenate((library.zeros_like(counts[:1]), counts))
    first, last = (library.searchsorted(ordered, ids, side=side) for side in ("left", "right"))
    return counts[last] - counts[first]


def _count_equal_in_place(library: Any, ids: Array, kept: Array) -> Array:
    # torch warns of a search for what is a column of a table.
    return _count_equal_sorted(library, ids if library is np else ids.contiguous(), kept)


def _count_equal_jax(jax: Any, ids: Array, kept: Array) -> Array | None:
    # Its searchsorted takes no symbol for a length.
    return _count_equal_sorted(jax.numpy, ids, kept) if isinstance(ids.shape[0], int) else None


@primitive(arrays=2, in_place=_count_equal_in_place, jax=_count_equal_jax)
def count_equal(xp: Namespace, ids: Array, kept: Array) -> Array:
    """How many of the `ids` that are `kept` are equal to each of them."""
    return xp.sum(xp.astype(xp.logical_and(ids[:, None] == ids[None, :], kept[None, :]), ids.dtype), axis=1)
