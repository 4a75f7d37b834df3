"""The samples of torch's own databases: what torch tests its losses with."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch.testing._internal import common_methods_invocations, common_modules

from arraylosses import special
from arraylosses.dialects import torch as dialect

OPERATORS = {
    f"{info.name.removeprefix('nn.functional.')}{'-' if info.variant_test_name else ''}{info.variant_test_name}": info
    for info in common_methods_invocations.op_db
    if info.name.removeprefix("nn.functional.") in dialect.__all__
}
MODULES = {
    info.module_cls.__name__: info for info in common_modules.module_db if info.module_cls.__name__ in dialect.__all__
}
NAMES = [*OPERATORS, *MODULES]


class Sample(NamedTuple):
    """One call: arguments of the constructor, for a class, and of the call."""

    name: str
    made_with: tuple[tuple[Any, ...], dict[str, Any]] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def call_of(self, module: Any, convert: Callable[[Any], Any] = lambda x: x) -> Callable[..., Any]:
        """The function, or the object of the class, of torch or of the dialect."""
        found = getattr(module, self.name)
        if self.made_with is None:
            return found
        args, kwargs = convert(self.made_with)
        return found(*args, **kwargs)


@functools.cache
def samples(name: str, dtype: torch.dtype) -> list[Sample]:
    torch.manual_seed(0)
    if name in MODULES:
        found = MODULES[name].module_inputs_func(
            MODULES[name], device="cpu", dtype=dtype, requires_grad=True, training=True
        )
        return [_of_module(name, x) for x in found]
    info = OPERATORS[name]
    given = [*info.sample_inputs("cpu", dtype, requires_grad=True)]
    return [_of_operator(name, x) for x in given]


def errors(name: str) -> list[Sample]:
    """Calls that torch refuses."""
    torch.manual_seed(0)
    if name in MODULES:
        info = MODULES[name]
        if info.module_error_inputs_func is None:
            return []
        found = info.module_error_inputs_func(
            info, device="cpu", dtype=torch.float64, requires_grad=False, training=True
        )
        return [_of_module(name, x.module_error_input) for x in found]
    if OPERATORS[name].error_inputs_func is None:
        return []
    return [_of_operator(name, x.sample_input) for x in OPERATORS[name].error_inputs("cpu")]


def _of_module(name: str, given: Any) -> Sample:
    made, forward = given.constructor_input, given.forward_input
    return Sample(name, (made.args, made.kwargs), *((forward.args, forward.kwargs) if forward else ((), {})))


def _of_operator(name: str, given: Any) -> Sample:
    return Sample(name.partition("-")[0], None, (given.input, *given.args), given.kwargs)


def mapped(value: Any, of_tensor: Callable[[torch.Tensor], Any]) -> Any:
    """Convert the tensors of nested arguments; what torch has for options and distances becomes the dialect's."""
    convert = functools.partial(mapped, of_tensor=of_tensor)
    if isinstance(value, torch.Tensor):
        return of_tensor(value)
    if isinstance(value, torch.nn.LinearCrossEntropyOptions):
        return dialect.LinearCrossEntropyOptions(**dataclasses.asdict(value))
    if isinstance(value, torch.nn.PairwiseDistance):
        return lambda x, y: special.vector_norm(x - y + value.eps)
    if isinstance(value, dict):
        return {key: convert(x) for key, x in value.items()}
    return type(value)(map(convert, value)) if isinstance(value, tuple | list) else value


def leaves(value: Any) -> list[torch.Tensor]:
    """The tensors of nested arguments that are to have gradients, each once."""
    return [*{id(x): x for x in _leaves(value)}.values()]


def _leaves(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor) and value.requires_grad:
        yield value
    elif isinstance(value, dict):
        yield from _leaves(list(value.values()))
    elif isinstance(value, tuple | list):
        for x in value:
            yield from _leaves(x)
