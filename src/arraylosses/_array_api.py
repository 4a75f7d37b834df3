"""The one file that talks to array-api-compat: namespaces, libraries, dtypes and devices of arrays.

Nothing here imports an array library. An array of a library can only exist once that library is imported, so a
library is recognised by its arrays, and what was found is remembered by the array's type.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Literal, Protocol, TypeAlias

import array_api_compat
import numpy as np
from array_api_compat import device, size, to_device
from array_api_compat import numpy as numpy_namespace

__all__ = [
    "NUMBERS",
    "NUMPY_ARRAYS",
    "Array",
    "Kind",
    "Namespace",
    "array_namespace",
    "as_array",
    "as_index",
    "at_most",
    "backend_of",
    "broadcast_to",
    "broadcasts_to",
    "device",
    "dtype_kind",
    "dtype_name",
    "holds_values",
    "in_chunks_of",
    "in_forward_mode",
    "in_torch_compiler",
    "in_transform",
    "integer_range",
    "is_array",
    "is_container",
    "is_eager_jax",
    "is_eager_numpy",
    "is_eager_torch",
    "is_masked",
    "is_torch",
    "joined",
    "known_size",
    "library_of",
    "namespace_of",
    "numpy_namespace",
    "on_mesh_of",
    "result_dtype",
    "same_shape",
    "same_values",
    "single_device",
    "size",
    "to_device",
    "to_numpy",
    "traceable",
    "tracks_gradient",
    "untraced",
    "unwrapped_namespace",
    "with_axes",
]

# An array of any library, and a namespace of the standard. The standard defines no types for them.
Array: TypeAlias = Any
Namespace: TypeAlias = Any


class RealArray(Protocol):
    """An array of real numbers in the place of one: of no axes, traced, or one that broadcasts to the items."""

    @property
    def shape(self) -> Any: ...
    @property
    def dtype(self) -> Any: ...
    def __neg__(self) -> Any: ...
    def __add__(self, other: Any, /) -> Any: ...
    def __radd__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __rsub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...
    def __rtruediv__(self, other: Any, /) -> Any: ...
    def __pow__(self, other: Any, /) -> Any: ...
    def __lt__(self, other: Any, /) -> Any: ...
    def __le__(self, other: Any, /) -> Any: ...
    def __gt__(self, other: Any, /) -> Any: ...
    def __ge__(self, other: Any, /) -> Any: ...


Real: TypeAlias = float | RealArray
"""A real setting."""

Kind = Literal["half", "float", "int", "bool", "complex", "other"]

# A namespace that is a module belongs to the type of the array. Any other, such as a tracer's, belongs to the array.
_NAMESPACES: dict[type, Namespace] = {}
# By the dtype's type first: dtypes of two libraries may hash alike and warn when they are compared. torch's compiler is
# told nothing of these tables: it would have to replay what is added, and compile anew what has looked before.
_KINDS: dict[type, dict[Any, Kind]] = {}
_NAMES: dict[type, dict[Any, str]] = {}

# Plain tuples, not unions: torch's compiler cannot trace `|` of types.
NUMBERS = (float, int)
NUMPY_ARRAYS = (np.ndarray, np.generic)
_PLAIN = (tuple, list, float, int)

# By NumPy's own letters, which it makes up no names for.
_NAMES_OF_NUMPY = {np.dtype(name).char: name for name in ("float16", "float32", "float64", "int32", "int64", "bool")}

_BACKENDS = {
    "array_api_compat.numpy": "numpy",
    "array_api_compat.torch": "torch",
    "array_api_compat.cupy": "cupy",
    "array_api_compat.dask.array": "dask",
    "array_api_strict": "strict",
    "jax.numpy": "jax",
}

_LIBRARIES = {
    "numpy": "NumPy",
    "torch": "PyTorch",
    "jax": "JAX",
    "cupy": "CuPy",
    "dask": "Dask",
    "array_api_strict": "array_api_strict",
}


_NO_ARRAYS = frozenset((float, int, bool, str, tuple, list, dict, type(None)))

MOST = 256
"""Types of arrays, and dtypes of a type, that are remembered: there is no end of types that a program may make."""


def _remember(found: dict[Any, Any], key: Any, value: Any) -> None:
    if len(found) >= MOST:
        found.clear()
    found[key] = value


def namespace_of(x: object) -> Namespace:
    """Return the array API namespace of `x`, or None where `x` is no array."""
    if type(x) is np.ndarray:
        return numpy_namespace
    found = None if in_torch_compiler() else _NAMESPACES.get(type(x))
    return _look_up(x) if found is None else found


def _look_up(x: object) -> Namespace:
    if type(x) in _NO_ARRAYS or isinstance(x, Mapping):
        return None
    if is_torch(x) and is_compiling():  # the compiler warns of the caches of array-api-compat
        from array_api_compat import torch as wrapper

        return wrapper
    if is_masked(x) or isinstance(x, np.matrix):
        return None
    try:
        found = array_api_compat.array_namespace(x)
    except TypeError:
        return None
    if isinstance(found, ModuleType):
        _remember(_NAMESPACES, type(x), found)
    return found


def is_masked(x: object) -> bool:
    """Whether `x` is one of NumPy's masked arrays, whose mask the functions of the standard would drop."""
    masked: Any = sys.modules.get("numpy.ma")
    return masked is not None and isinstance(x, masked.MaskedArray)


def is_container(x: Any) -> bool:
    """Whether `x` is of the type of a library's arrays, but no array with a number in each place.

    A tensor of torch may be nested, sparse or masked, and the chunks of a lazy array may be masked ones of NumPy's.
    """
    if not is_torch(x):
        return is_masked(getattr(x, "_meta", None))
    torch: Any = sys.modules["torch"]
    masked = type(x) is not torch.Tensor and isinstance(x, torch.masked.MaskedTensor)
    return bool(masked or x.is_nested or x.layout is not torch.strided)


def is_array(x: object) -> bool:
    """Whether `x` is an array of some library."""
    return namespace_of(x) is not None


def array_namespace(*arrays: Array) -> Namespace:
    """Return the namespace of the array API standard that the given arrays share.

    This is the first line of a loss: everything after it is written against the namespace that it returns.

    Parameters
    ----------
    *arrays : array
        Arrays of one library. None is passed over, so an optional array needs no special case.

    Returns
    -------
    namespace
        The library's namespace, wrapped by array-api-compat where the library departs from the standard.

    Raises
    ------
    TypeError
        If an argument is no array, if two arrays come from different libraries, or if there is no array at all.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> xp = al.array_namespace(np.zeros(3))
    >>> float(xp.sum(xp.ones(3)))
    3.0
    """
    shared = None
    for x in arrays:
        if x is None:
            continue
        found = namespace_of(x)
        if found is None:
            raise TypeError(f"`arrays` must be arrays of one library, got {type(x).__name__}")
        if shared is None or shared is found:
            shared = found
            continue
        both = joined(shared, found)
        if both is None:
            raise TypeError(
                f"`arrays` must be arrays of one library, got {library_of(shared)} and {library_of(found)}; "
                "al.convert(x, like=y) moves one over"
            )
        shared = both
    if shared is None:
        raise TypeError("`arrays` must hold at least one array")
    return shared


def untraced(xp: Namespace) -> Namespace:
    """Return the library's own namespace for that of its traced arrays, and any other as it is."""
    return getattr(xp, "__wrapped_namespace__", xp)


def joined(first: Namespace, second: Namespace) -> Namespace | None:
    """Return the namespace that takes arrays of both, or None: that of traced arrays takes the library's own too."""
    if first is second or untraced(first) is second:
        return first
    return second if untraced(second) is first else None


def backend_of(xp: Namespace) -> str:
    """Return the short name of a namespace's library: `numpy`, `torch`, `jax`, `cupy`, `dask`, `strict`."""
    name: str = xp.__name__
    return _BACKENDS.get(name) or name.removeprefix("array_api_compat.").partition(".")[0]


_MODULES = {"numpy": "numpy", "torch": "torch", "dask": "dask.array"}


def unwrapped_namespace(xp: Namespace) -> Namespace:
    """Return the library itself in place of its wrapper, for functions whose wrapper is slow or breaks a compiler."""
    return sys.modules[_MODULES[backend]] if (backend := backend_of(xp)) in _MODULES else xp


def library_of(xp: Namespace) -> str:
    """Return the name of a namespace's library as people write it, for messages."""
    backend = backend_of(untraced(xp))
    return _LIBRARIES.get("array_api_strict" if backend == "strict" else backend, backend)


# shapes


def same_shape(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two shapes are equal as far as they are known; a lazy array has NaN or None for a length that is not."""
    return a == b or (len(a) == len(b) and all(m == n or _unknown(m) or _unknown(n) for m, n in zip(a, b, strict=True)))


def _unknown(length: float | None) -> bool:
    return length is None or length != length


def broadcasts_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a shape of as many axes broadcasts to `wanted`, as far as the lengths are known."""
    return all([m == 1 or same_shape((m,), (n,)) for m, n in zip(shape, wanted, strict=True)])


def known_size(shape: tuple[int, ...]) -> int | None:
    """Return the number of elements, or None where a lazy array does not know it."""
    for length in shape:
        if _unknown(length):
            return None
    return math.prod(shape)


def at_most(size: Any, limit: int) -> bool | None:
    """Whether a number of elements is at most `limit`; None where it is not known, or a symbol that stands for any.

    torch's compiler may be asked what a symbol is: it compiles anew beyond the limit. An exported program can't.
    """
    if isinstance(size, int):
        return size <= limit
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(size, torch.SymInt):
        return None
    is_exporting = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)  # of torch 2.7
    return None if is_exporting() else bool(size <= limit)


def broadcast_to(xp: Namespace, x: Array, shape: tuple[int, ...]) -> Array:
    """Broadcast `x` to `shape`. Where a length is not known, it gets the axes alone, and what uses it does the rest."""
    if tuple(x.shape) == tuple(shape):
        return x
    if known_size(shape) is None:
        return x[((None,) * (len(shape) - x.ndim) + (...,))] if x.ndim < len(shape) else x
    return x if same_shape(tuple(x.shape), tuple(shape)) else xp.broadcast_to(x, shape)


def with_axes(x: Array, axes: tuple[int, ...]) -> Array:
    """Give `x` axes of length 1, at places of the result that are counted from its end."""
    index: list[Any] = [slice(None)] * (x.ndim + len(axes))
    for axis in axes:
        index[axis] = None
    return x[tuple(index)] if axes else x


def in_chunks_of(x: Array, like: Array) -> Array:
    """Return a lazy array in the chunks of another; any other array, and a traced one, as it is."""
    chunks = getattr(like, "chunks", None)
    return x if chunks is None or getattr(x, "chunks", chunks) == chunks else x.rechunk(chunks)


# dtypes


def dtype_name(dtype: Any) -> str:
    """Return a dtype's bare name, such as `float32`, whichever library it comes from."""
    if isinstance(dtype, np.dtype) and dtype.char in _NAMES_OF_NUMPY:
        return _NAMES_OF_NUMPY[dtype.char]
    if in_torch_compiler():
        return _name_of(dtype)
    names = _NAMES.setdefault(type(dtype), {})
    name = names.get(dtype)
    if name is None:
        name = _name_of(dtype)
        _remember(names, dtype, name)
    return name


def _name_of(dtype: Any) -> str:
    own = getattr(dtype, "name", None)  # which NumPy makes up anew each time
    return own if isinstance(own, str) else str(dtype).rpartition(".")[2]


def dtype_kind(dtype: Any) -> Kind:
    """Say what a dtype holds: `half` is a floating dtype narrower than float32."""
    if isinstance(dtype, np.dtype) and dtype.char in _KINDS_OF_NUMPY:
        return _KINDS_OF_NUMPY[dtype.char]
    if in_torch_compiler():
        return _kind_by_name(_name_of(dtype))
    kinds = _KINDS.setdefault(type(dtype), {})
    kind = kinds.get(dtype)
    if kind is None:
        kind = _kind_by_name(dtype_name(dtype))
        _remember(kinds, dtype, kind)
    return kind


def _kind_by_name(name: str) -> Kind:
    if name.startswith(("float16", "bfloat", "float8", "float4")):
        return "half"
    if name in ("float32", "float64"):
        return "float"
    if name.startswith(("int", "uint")):
        return "int"
    if name.startswith("complex"):
        return "complex"
    return "bool" if name == "bool" else "other"


_KINDS_OF_NUMPY = {char: _kind_by_name(name) for char, name in _NAMES_OF_NUMPY.items()}


def integer_range(dtype: Any) -> tuple[int, int]:
    """Return the least and the largest number of an integer dtype."""
    name = dtype_name(dtype)
    bits = int(name.lstrip("uint"))
    return (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def result_dtype(xp: Namespace, arrays: list[Array]) -> Any:
    """Return the dtype in which floating arrays are computed: the widest of theirs, and float32 at the least."""
    # Two dtypes of half precision, or one of eight bits beside another, have no common one in some libraries.
    wide = [x.dtype for x in arrays if dtype_kind(x.dtype) != "half"] or [xp.float32]
    found = wide[0] if all([x == wide[0] for x in wide]) else xp.result_type(*wide)
    # What NumPy computes of another byte order comes in the machine's own, and its sums take the dtype of no other.
    return found.newbyteorder("=") if isinstance(found, np.dtype) and not found.isnative else found


# devices and values


def single_device(x: Array, *, to_make: bool = False) -> Any | None:
    """Return the device that holds `x`; None where there is no single one or none is told of.

    JAX's tracers have none, and its sharded arrays several; MLX's arrays do not say. `to_make` another array that is to
    meet `x`, an array that JAX may move has none: what is made on a device meets no array of a mesh.
    """
    backend = backend_of(namespace_of(x))
    if backend in ("numpy", "dask"):
        return "cpu"
    if backend == "jax" and (not is_eager_jax(x) or (to_make and not x.committed)):
        return None  # a tracer would say so after a walk through all of its program
    place = getattr(x, "device", None)
    return place if backend != "jax" or hasattr(place, "platform") else None  # a sharding has no platform


def holds_values(*arrays: Array) -> bool:
    """Whether the values can be looked at without a sync or a break: eager NumPy, and eager torch on the CPU."""
    if isinstance(arrays[0], NUMPY_ARRAYS):
        return all([isinstance(x, NUMPY_ARRAYS) for x in arrays])
    return _are_plain(arrays, on_cpu=True)


def same_values(a: Any, b: Any) -> bool:
    """Whether two arrays are equal by library, dtype, shape and values; lazy and traced ones by what they are."""
    if a is b:
        return True
    xp = namespace_of(a)
    if xp is None or namespace_of(b) is not xp or a.dtype != b.dtype or a.shape != b.shape:
        return False
    backend = backend_of(xp)
    if backend == "dask":
        return bool(a.name == b.name)
    if backend == "torch" and not (is_eager_torch(a, b) and a.device == b.device and not a.is_meta):
        return False
    if backend == "jax" and not (is_eager_jax(a) and is_eager_jax(b)):
        return False
    return np.array_equal(to_numpy(a), to_numpy(b), equal_nan=dtype_kind(a.dtype) in ("float", "half"))


def is_torch(x: Array) -> bool:
    """Whether `x` is a tensor of torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def is_compiling() -> bool:
    """Whether torch's compiler traces what is called."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.compiler.is_compiling())


def is_eager_torch(*arrays: Array) -> bool:
    """Whether these are plain tensors of torch that no compiler, transform or mode looks at."""
    return _are_plain(arrays, on_cpu=False)


def _are_plain(arrays: tuple[Array, ...], *, on_cpu: bool) -> bool:
    torch = sys.modules.get("torch")
    if torch is None or torch.compiler.is_compiling():
        return False
    inside, functorch = torch._C, torch._C._functorch
    for x in arrays:
        if type(x) is not torch.Tensor and type(x) is not torch.nn.Parameter:
            return False
        if x.layout is not torch.strided or x.is_nested or (on_cpu and not x.is_cpu):
            return False
        if functorch.is_functorch_wrapped_tensor(x) or functorch.is_legacy_batchedtensor(x):
            return False
    return not inside._len_torch_dispatch_stack() and inside._get_tracing_state() is None


def in_forward_mode() -> bool:
    """Whether torch computes derivatives in forward mode, which no tensor shows."""
    torch: Any = sys.modules["torch"]
    return bool(torch.autograd.forward_ad._current_level >= 0)


def in_torch_compiler() -> bool:
    """Whether torch's compiler is reading the Python of this call, rather than running it."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.compiler.is_dynamo_compiling())


def in_transform() -> bool:
    """Whether a transform of torch is about, forward mode included: plain tensors may be constants of it."""
    return in_forward_mode() or bool(sys.modules["torch"]._C._are_functorch_transforms_active())


def is_eager_jax(x: Array) -> bool:
    """Whether `x` is an array of JAX that is no tracer."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(x, jax.Array) and not isinstance(x, jax.core.Tracer)


def tracks_gradient(x: Array) -> str:
    """Say whether an array is "recorded", has a gradient, or is "traced", without values; else an empty string."""
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(x, jax.core.Tracer):
        return "traced"
    if not is_torch(x):
        return ""
    wrapped = sys.modules["torch"]._C._functorch.is_functorch_wrapped_tensor
    if x.is_meta or wrapped(x):
        return "traced"
    return "recorded" if x.requires_grad else ""


def is_eager_numpy(*arrays: Array) -> bool:
    """Whether these are plain arrays of NumPy; a subclass may mean something else by its operations."""
    for x in arrays:  # noqa: SIM110  # a generator takes twice the time
        if type(x) is not np.ndarray:
            return False
    return True


def as_index(xp: Namespace, x: Array) -> Array:
    """Return integers in the dtype in which the library indexes, so that none of them can wrap around."""
    if dtype_name(x.dtype) in ("int64", "int32"):
        return x if backend_of(xp) != "torch" else xp.astype(x, xp.int64, copy=False)
    wide = xp.__array_namespace_info__().default_dtypes()["indexing"] if backend_of(xp) == "jax" else xp.int64
    return xp.astype(x, wide, copy=False)


def as_array(value: Any, like: Array, dtype: Any = None) -> Array:
    """Return `value`, numbers or an array of any library, as an array of the library and on the device of `like`."""
    xp = namespace_of(like)
    if xp is None:
        raise TypeError(f"`like` must be an array, got {type(like).__name__}")
    found = None if isinstance(value, _PLAIN) else namespace_of(value := traceable(value))
    if found is not None and found is not xp and joined(found, xp) is None:
        value = _from_library(xp, value, like)
    if found is not None:
        value = value if dtype is None or value.dtype == dtype else namespace_of(value).astype(value, dtype)
        return on_mesh_of(like, _placed(value, single_device(like)))
    place = single_device(like, to_make=True)
    value = xp.asarray(value, dtype=dtype) if place is None else xp.asarray(value, dtype=dtype, device=place)
    return on_mesh_of(like, value)


def on_mesh_of(like: Array, x: Array) -> Array:
    """Return `x`, whole on each device of a mesh where `like` is a DTensor of torch, which takes no plain tensors."""
    distributed: Any = sys.modules.get("torch.distributed.tensor")
    if distributed is None or not isinstance(like, distributed.DTensor) or isinstance(x, distributed.DTensor):
        return x
    mesh = like.device_mesh
    return distributed.DTensor.from_local(x, mesh, [distributed.Replicate()] * mesh.ndim, run_check=False)


def traceable(x: Any) -> Any:
    """Return what torch's compiler traces as the tensor that it makes of it: it knows little of NumPy's arrays."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.compiler.is_compiling() and isinstance(x, np.ndarray):
        return torch.as_tensor(x)
    return x


def _from_library(xp: Namespace, x: Array, like: Array) -> Array:
    # DLPack where both sides speak it and the memory can be shared as it is; through NumPy for the rest, writable for
    # torch, which a stride below 0 may abort. JAX ties what comes by DLPack to a device, where one that is sharded or
    # traced wants it tied to none.
    place, backends = single_device(like), {backend_of(namespace_of(x)), backend_of(xp)}
    if place is not None and not backends & {"dask", "strict"} and min(getattr(x, "strides", ()), default=0) >= 0:
        with contextlib.suppress(AttributeError, BufferError, RuntimeError, TypeError, ValueError):
            return _placed(xp.from_dlpack(_detached(x)), place)
    return _placed(xp.asarray(np.require(to_numpy(x), requirements=["C", "W"])), place)


def _placed(x: Array, place: Any) -> Array:
    return x if place is None or single_device(x) in (None, place) else to_device(x, place)


def _detached(x: Array) -> Array:
    return x.detach() if backend_of(namespace_of(x)) == "torch" else x


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """Return a NumPy array with the values of `x`; half precision that NumPy lacks comes back as float32."""
    xp = namespace_of(x)
    backend = backend_of(xp)
    if backend in ("torch", "jax") and dtype_kind(x.dtype) == "half" and dtype_name(x.dtype) != "float16":
        x = xp.astype(x, xp.float32)
    if backend == "torch":
        x = x.detach().cpu().resolve_neg().resolve_conj()
    elif backend == "cupy":
        x = x.get()
    elif backend == "strict":
        x = to_device(x, xp.Device("CPU_DEVICE"))
    return np.asarray(x)
