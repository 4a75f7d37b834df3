"""Rows of whole batches, images, boxes and sequences, against the libraries that people have these losses from."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import arraylosses as al

from .cases import CLASS_MAP, GRADIENT, VALUE, Case, MissingError, Pair, Shape, arrays_for
from .cases import Peer as Drawn

MAPS, EMBEDDINGS, BOXES = (4, 21, 128, 128), (4096, 256), (250_000, 4)
SPEECH = (32, 256, 64)
"""Sequences, their frames, and classes; with 40 labels each."""

Arrays = list[np.ndarray[Any, Any]]
Build = Callable[[Shape], tuple[Arrays, int, Callable[..., Any], Callable[..., Any]]]
"""Arrays, how many of them have a gradient, our loss and theirs."""


def torch_cases() -> Iterator[Case]:
    """Yield rows on torch against MONAI, Kornia, pytorch-metric-learning, and torch itself."""
    rows = {
        "dice": (_dice_of_monai, CLASS_MAP),
        "lovasz_softmax": (_lovasz_of_kornia, MAPS),
        "giou": (_giou_of_monai, BOXES),
        "info_nce": (functools.partial(_of_pairs, two=True), EMBEDDINGS),
        "nt_xent": (_of_pairs, EMBEDDINGS),
        "ctc": (_ctc_of_torch, SPEECH),
    }
    return _cases("torch-batches", rows, _on_torch)


def jax_cases() -> Iterator[Case]:
    """Yield rows on JAX against Optax, both jitted, and what is written by hand for what it lacks."""
    rows = {
        "dice": (_dice_of_optax, CLASS_MAP),
        "info_nce": (_info_nce_by_hand, EMBEDDINGS),
        "nt_xent": (_nt_xent_of_optax, (1024, 256)),  # at 4096, its gradient takes 35 GB
        "ctc": (_ctc_of_optax, SPEECH),
    }
    return _cases("jax-batches", rows, _on_jax)


def _cases(
    group: str, rows: dict[str, tuple[Build, Shape]], run: Callable[[Build, str, Shape], Pair]
) -> Iterator[Case]:
    for loss, (build, shape) in rows.items():
        for mode in (VALUE, GRADIENT):
            peak = shape == EMBEDDINGS and mode == GRADIENT
            tiny = (16, *shape[1:])
            yield Case(
                group, loss, shape, mode, functools.partial(run, build, mode), 1e-3, peak=peak, tiny=tiny, slow=True
            )


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingError(f"{name} is not installed") from None


def _on_torch(build: Build, mode: str, shape: Shape) -> Pair:
    torch = _library("torch")
    drawn, count, ours, theirs = build(shape)
    arrays = [torch.from_numpy(x) for x in drawn]
    with_gradient = [x.requires_grad_() for x in arrays[:count]] if mode == GRADIENT else []

    def call(function: Callable[..., Any]) -> Any:
        value = function(*arrays)
        return (value.detach(), torch.autograd.grad(value, with_gradient)) if with_gradient else value

    return Pair(lambda: call(ours), lambda: call(theirs), result=sum(x.nbytes for x in with_gradient))


def _on_jax(build: Build, mode: str, shape: Shape) -> Pair:
    jax = _library("jax")
    drawn, count, *both = build(shape)
    arrays = [jax.numpy.asarray(x.astype("int32") if x.dtype.kind == "i" else x) for x in drawn]
    ours, theirs = (jax.jit(jax.value_and_grad(f, range(count)) if mode == GRADIENT else f) for f in both)
    wait = jax.block_until_ready
    result = sum(x.nbytes for x in arrays[:count]) if mode == GRADIENT else 0
    return Pair(lambda: wait(ours(*arrays)), lambda: wait(theirs(*arrays)), result=result)


def _maps(loss: str, shape: Shape) -> Arrays:
    return arrays_for(Drawn(None, loss, {"axis": 1}), shape)


def _dice_of_monai(shape: Shape) -> Any:
    theirs = _library("monai.losses").DiceLoss(softmax=True, to_onehot_y=True)
    ours = functools.partial(al.dice, axis=1, smooth=1e-5)
    return _maps("dice", shape), 1, ours, lambda logits, labels: theirs(logits, labels[:, None])


def _dice_of_optax(shape: Shape) -> Any:
    hot, theirs = _library("jax.nn").one_hot, _library("optax.losses").dice_loss
    logits, labels = _maps("dice", shape)
    arrays = [np.ascontiguousarray(np.moveaxis(logits, 1, -1)), labels]
    ours = functools.partial(al.dice, smooth=2.0)
    return arrays, 1, ours, lambda logits, labels: theirs(logits, hot(labels, logits.shape[-1])).mean()


def _lovasz_of_kornia(shape: Shape) -> Any:
    ours = functools.partial(al.lovasz_softmax, axis=1)
    return _maps("lovasz_softmax", shape), 1, ours, _library("kornia.losses").lovasz_softmax_loss


def _giou_of_monai(shape: Shape) -> Any:
    return arrays_for(Drawn(None, "giou"), shape), 2, al.giou, _library("monai.losses").BoxGIoULoss()


def _views(shape: Shape) -> Arrays:
    """Embeddings of two views, one after the other, and which belong together."""
    rows = np.random.default_rng(0).standard_normal((shape[0] // 2, shape[1]), dtype="float32")
    noise = np.random.default_rng(1).standard_normal((2, *rows.shape), dtype="float32")
    return [np.concatenate(list(rows + noise / 2)), np.tile(np.arange(len(rows)), 2)]


def _of_pairs(shape: Shape, *, two: bool = False) -> Any:
    """Contrast one batch with itself, or with another one; with one positive a row, SupCon is both losses."""
    theirs = _library("pytorch_metric_learning.losses").SupConLoss(0.1)
    embeddings, labels = _views(shape)
    if not two:
        return [embeddings, labels], 1, al.nt_xent, theirs
    ids = np.arange(shape[0])
    keys = np.roll(embeddings, 1, axis=1) + embeddings
    return (
        [embeddings, keys, ids],
        2,
        lambda x, y, ids: al.info_nce(x, y),
        lambda x, y, ids: theirs(x, ids, ref_emb=y, ref_labels=ids.clone()),
    )


def _info_nce_by_hand(shape: Shape) -> Any:
    jax, losses = _library("jax"), _library("optax.losses")
    embeddings = _views(shape)[0]

    def theirs(x: Any, y: Any) -> Any:
        x, y = (z / jax.numpy.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
        scores = x @ y.T / 0.1
        return losses.softmax_cross_entropy_with_integer_labels(scores, jax.numpy.arange(len(x))).mean()

    return [embeddings, np.roll(embeddings, 1, axis=1) + embeddings], 2, al.info_nce, theirs


def _nt_xent_of_optax(shape: Shape) -> Any:
    theirs = functools.partial(_library("optax.losses").ntxent, temperature=0.1)
    return _views(shape), 1, al.nt_xent, theirs


def _speech(shape: Shape) -> Arrays:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(shape, dtype="float32")
    return [logits, rng.integers(1, shape[-1], size=(shape[0], 40))]


def _ctc_of_torch(shape: Shape) -> Any:
    torch = _library("torch")
    lengths = [torch.full((shape[0],), n) for n in (shape[1], 40)]

    def theirs(logits: Any, labels: Any) -> Any:
        rows = torch.log_softmax(logits, dim=-1).transpose(0, 1)
        return torch.nn.functional.ctc_loss(rows, labels, *lengths, reduction="sum")

    return _speech(shape), 1, functools.partial(al.ctc, reduction="sum"), theirs


def _ctc_of_optax(shape: Shape) -> Any:
    losses = _library("optax.losses")
    paddings = [np.zeros((shape[0], n), "float32") for n in (shape[1], 40)]

    def theirs(logits: Any, labels: Any) -> Any:
        return losses.ctc_loss(logits, paddings[0], labels, paddings[1]).sum()

    return _speech(shape), 1, functools.partial(al.ctc, reduction="sum"), theirs
