"""A loss over more data than a program may hold at once, batch by batch and by Dask.

``python examples/more_than_memory.py`` writes logits and labels to files, and computes their mean loss three times: in
batches of a memory map by `al.Mean`, in two processes' shares that are merged, and by Dask, chunk by chunk. All agree
with the loss of the whole.
"""

import importlib.util
import json
import tempfile
from pathlib import Path

import numpy as np

import arraylosses as al
from arraylosses import data

LOSS = al.CrossEntropy(label_smoothing=0.1)


def write(folder: Path, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Write the logits and labels of the digits many times over, and return memory maps of the files."""
    sample = data.load("digits")
    np.save(folder / "logits.npy", np.tile(sample["logits"], (repeats, 1)).astype("float32"))
    np.save(folder / "labels.npy", np.tile(sample["labels"], repeats))
    return np.load(folder / "logits.npy", mmap_mode="r"), np.load(folder / "labels.npy", mmap_mode="r")


def stream(logits: np.ndarray, labels: np.ndarray, size: int) -> al.Mean:
    """Return the mean of batches of a size that need not divide the whole."""
    mean = al.Mean(LOSS)
    for start in range(0, len(labels), size):
        batch = slice(start, start + size)
        mean.update(np.asarray(logits[batch]), np.asarray(labels[batch]))
    return mean


def merged(logits: np.ndarray, labels: np.ndarray, size: int) -> float:
    """Return the same of two shares, each of which is handed over as JSON."""
    half = len(labels) // 3
    states = [json.dumps(stream(logits[s], labels[s], size).state()) for s in (slice(half), slice(half, None))]
    first, second = (al.Mean.from_state(json.loads(state)) for state in states)
    first.merge(second)
    return first.result()


def lazy(logits: np.ndarray, labels: np.ndarray, size: int) -> float:
    """Return the same by Dask, which holds some chunks at a time."""
    import dask.array as da

    given = da.from_array(logits, chunks=(size, -1)), da.from_array(labels, chunks=size)
    return float(LOSS(*given).compute(scheduler="synchronous"))


def main(repeats: int = 2000, size: int = 50_000) -> None:
    """Print the loss by each of the ways."""
    with tempfile.TemporaryDirectory() as folder:
        logits, labels = write(Path(folder), repeats)
        print(f"{len(labels)} rows in batches of {size}")
        print(f"stream {stream(logits, labels, size).result():.6f}")
        print(f"merged {merged(logits, labels, size):.6f}")
        print(
            f"dask   {lazy(logits, labels, size):.6f}" if importlib.util.find_spec("dask") else "dask   not installed"
        )
        print(f"whole  {float(LOSS(np.asarray(logits), np.asarray(labels))):.6f}")
        del logits, labels  # which hold the files open


if __name__ == "__main__":
    main()
