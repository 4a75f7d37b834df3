"""What is compared: a loss, beside a peer, on arrays of a shape."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from tests.catalogue import CATALOGUE

import arraylosses as al
from arraylosses.arguments import DOMAINS

Shape = tuple[int, ...]

VALUE, GRADIENT = "value", "gradient"  # "gradient" is the value with it
SHAPES: dict[str, tuple[Shape, ...]] = {
    "elements": ((100,), (10_000,), (1_000_000,), (10_000_000,)),
    "classes": ((128, 10), (4096, 1000), (1024, 32_000)),
    "vectors": ((2, 64), (157, 64), (15_625, 64), (156_250, 64)),
    "boxes": ((25, 4), (2_500, 4), (250_000, 4)),
}


Drawn = Literal["random", "trained", "one-hot", "one-hot, trained"]
"""How logits and targets are drawn: a trained model's logits have the label ahead by `LEAD` in `SHARE` of the rows."""

LEAD, SHARE = 10.0, 0.95
CLASS_MAP: Shape = (8, 21, 256, 256)
"""Images of a segmentation, with their classes on the axis of PyTorch."""


PAIRS = 1 << 28
"""Pairs of entries of which a formula that holds them all can still be measured."""


class MissingError(Exception):
    """Raised where a row cannot be measured, with the reason."""


@dataclass(frozen=True)
class Peer:
    """The same loss elsewhere: a function of the same arrays, and which of our settings make it the same."""

    call: Any  # None in a row of ours alone
    loss: str = ""  # ours; the key of the table if it is the same
    settings: dict[str, Any] = field(default_factory=dict)
    domains: tuple[str, ...] = ()  # what the arrays hold, where it is not what the loss says
    argnums: tuple[int, ...] = (0,)
    drawn: Drawn = "random"
    shapes: tuple[Shape, ...] = ()  # where they are not those of its kind


@dataclass
class Pair:
    """The two calls that are compared."""

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    moved: int = 0  # the bytes of the inputs and of the gradients; 0 where not all of them must move
    result: int = 0  # the bytes of the gradients
    translate: Callable[[Any], Any] = lambda result: result  # their result in terms of ours, to check it


@dataclass(frozen=True)
class Case:
    """A row of the benchmark."""

    group: str
    loss: str
    shape: Shape
    mode: str
    build: Callable[[Shape], Pair]
    rtol: float = 1e-4
    peak: bool = False  # whether memory is measured, too
    tiny: Shape = (128,)  # what warms up a process whose memory is measured; the shape itself where code is compiled
    slow: bool = False

    @property
    def name(self) -> str:
        """The row's name: group/loss/shape/mode."""
        return f"{self.group}/{self.loss}/{label(self.shape)}/{self.mode}"


def label(shape: Iterable[int]) -> str:
    """Write a shape: 1e6, or 1024x32000."""
    shape = tuple(shape)
    if len(shape) == 1:
        power = math.floor(math.log10(shape[0]))
        if shape[0] % 10**power == 0 and (shape[0] == 10**power or power > 3):
            return f"{shape[0] // 10**power}e{power}"
    return "x".join(map(str, shape))


def kind(loss: str) -> str:
    """Say what the rows of a loss's arrays are: none, classes, boxes, or vectors."""
    declaration = al.get(loss).declaration
    if declaration.of_elements:
        return "elements"
    if declaration.arguments[0].forms[0].axes[-1] == "4":
        return "boxes"
    return "classes" if declaration.moving == "C" else "vectors"


def peers_of(library: str, namespace: Any) -> dict[str, Peer]:
    """Return the peers that the catalogue names of a library, by the names of their rows."""
    peers = {}
    for name, entry in CATALOGUE.items():
        for peer in entry.peers.get(library, ()):
            key = f"{name}_of_{peer.of}" if peer.of else name
            peers[key] = Peer(peer.function(namespace), name, peer.settings, peer.domains, peer.argnums)
    return peers


def values(peers: dict[str, Any]) -> dict[str, Peer]:
    """Return the peers of the losses of classes on values that users have, by the name of the loss.

    ``cross_entropy_of_distributions`` is that of a target of probabilities, ``cross_entropy_of_maps`` of classes on the
    second axis.
    """
    forms: dict[str, tuple[str, Peer]] = {
        "cross_entropy_trained": ("cross_entropy", Peer(None, "cross_entropy", drawn="trained")),
        "cross_entropy_one_hot": (
            "cross_entropy_of_distributions",
            Peer(None, "cross_entropy", {}, ("real", "distribution"), drawn="one-hot, trained"),
        ),
        "cross_entropy_class_map": (
            "cross_entropy_of_maps",
            Peer(None, "cross_entropy", {"axis": 1}, drawn="trained", shapes=(CLASS_MAP,)),
        ),
        "categorical_focal_trained": ("categorical_focal", Peer(None, "categorical_focal", drawn="trained")),
    }
    return {key: dataclasses.replace(peer, call=peers[of]) for key, (of, peer) in forms.items() if of in peers}


OURS: dict[str, Peer] = values(
    dict.fromkeys(
        ("cross_entropy", "cross_entropy_of_distributions", "cross_entropy_of_maps", "categorical_focal"), None
    )
)
"""The same, for ours beside ours on random values."""


def beside_random(build: Callable[[Peer, str, Shape], Callable[[], Any]], peer: Peer, mode: str, shape: Shape) -> Pair:
    """Return ours on the values of `peer` and ours on random ones, which must take as long."""
    ours = build(peer, mode, shape)
    return Pair(ours, build(dataclasses.replace(peer, drawn="random"), mode, shape), translate=lambda _: ours())


def table(
    group: str,
    peers: dict[str, Peer],
    modes: Iterable[str],
    build: Callable[[Peer, str, Shape], Pair],
    shapes: dict[str, tuple[Shape, ...]] = SHAPES,
    **options: Any,
) -> Iterator[Case]:
    """Yield a case for every peer, shape and mode."""
    for key, peer in peers.items():
        named = dataclasses.replace(peer, loss=peer.loss or key)
        for shape in peer.shapes or shapes[kind(named.loss)]:
            for mode in modes:
                yield Case(group, key, shape, mode, functools.partial(build, named, mode), **options)


def arrays_for(peer: Peer, shape: Shape, dtype: str = "float32") -> list[np.ndarray]:
    """Draw the arrays that the loss of `peer` takes."""
    loss = al.get(peer.loss, **peer.settings)
    arguments = loss.declaration.arguments
    domains = peer.domains or loss.declaration.domains
    axis = peer.settings.get("axis", -1) % len(shape)
    items = shape[:axis] + shape[axis + 1 :]
    if loss.compares_pairs and domains[-1] != "class" and math.prod(shape) * shape[axis] > PAIRS:
        raise MissingError("all pairs at once, as the textbook formula has them, take gigabytes")
    # Vectors far from each other would have a mean near 0, which agrees with anything.
    near = kind(peer.loss) == "vectors"
    arrays = []
    for k, (argument, domain) in enumerate(zip(arguments, domains, strict=True)):
        form = next((form for form in argument.forms if form.domain.name == domain), argument.forms[0])
        whole = form.axes == arguments[0].forms[0].axes
        classes = int(form.of) if form.of.isdecimal() else shape[axis]
        arrays.append(_drawn(domain, shape if whole else items, k, dtype, near, axis, classes))
    return arrays if peer.drawn == "random" else _as_users_have(arrays, axis, peer.drawn)


def _as_users_have(arrays: list[np.ndarray], axis: int, drawn: Drawn) -> list[np.ndarray]:
    """Give the label its lead, and make a one-hot target of it."""
    logits, target, *rest = arrays
    labels = target if target.dtype.kind == "i" else np.argmax(target, axis=axis)
    place = np.expand_dims(labels, axis)
    if drawn.endswith("trained"):
        lead = np.random.default_rng(9).uniform(size=labels.shape) < SHARE
        logits = logits.copy()
        ahead = np.take_along_axis(logits, place, axis) + LEAD * np.expand_dims(lead, axis)
        np.put_along_axis(logits, place, ahead.astype(logits.dtype), axis)
    if drawn.startswith("one-hot"):
        target = np.zeros_like(logits)
        np.put_along_axis(target, place, 1.0, axis)
    return [logits, target, *rest]


@functools.lru_cache(maxsize=16)
def _drawn(name: str, shape: Shape, place: int, dtype: str, near: bool, axis: int, classes: int) -> np.ndarray:
    rng, domain = np.random.default_rng(place), DOMAINS[name]
    if domain.is_integer:
        return domain.draw(rng, shape, classes)
    x = domain.of_real(rng.standard_normal(shape, dtype="float32"), axis)  # `draw` would take float64, twice as large
    if name == "probability" and place:  # a target
        x = np.round(x)
    elif name == "real" and near and place:
        x = x + _drawn(name, shape, 0, dtype, near, axis, classes)
    return x.astype(dtype)


def ours_of(peer: Peer) -> Callable[..., Any]:
    """Return our loss in function form, with its settings."""
    function = getattr(al, peer.loss)
    return functools.partial(function, **peer.settings) if peer.settings else function


def bytes_of(peer: Peer, arrays: list[np.ndarray], mode: str) -> tuple[int, int]:
    """Return the bytes that must move, and those of the gradients among them."""
    gradients = sum(arrays[k].nbytes for k in peer.argnums) if mode == GRADIENT else 0
    picks = peer.loss == "nll" and arrays[1].dtype.kind == "i"  # it reads one number a row
    return 0 if picks else sum(x.nbytes for x in arrays) + gradients, gradients


def own_threads(count: int) -> None:
    """Have our side run on `count` threads, for good, where it knows of threads."""
    if hasattr(al, "config"):
        setting = al.config(threads=count)
        if hasattr(setting, "__enter__"):
            setting.__enter__()
