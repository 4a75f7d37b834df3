"""What a torch model puts out, evaluated by a pipeline of NumPy that never imports torch.

The model's side writes its logits and the labels, as in ::

    numpy.savez("outputs.npz", logits=model(images).detach().numpy(), labels=labels.numpy())

and this side reads them: ``python examples/evaluate_outputs.py outputs.npz``. Without a file it takes the sample that
comes with the package.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

import arraylosses as al
from arraylosses.data import load

LOSSES = {
    "cross entropy": al.CrossEntropy(),
    "cross entropy, each class alike": None,
    "focal loss": al.CategoricalFocal(),
    "hinge": al.CategoricalHinge(),
}


def evaluate(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return the mean of each loss by its name."""
    count = np.bincount(labels, minlength=logits.shape[-1])
    alike = al.CrossEntropy(class_weight=1 / np.maximum(count, 1))
    return {name: float((loss or alike)(logits, labels)) for name, loss in LOSSES.items()}


def hardest(logits: np.ndarray, labels: np.ndarray) -> list[tuple[int, float]]:
    """Return the classes with their cross entropy, the hardest first."""
    classes = [int(k) for k in np.unique(labels)]
    each = [(k, float(al.cross_entropy(logits, labels, where=labels == k))) for k in classes]
    return sorted(each, key=lambda pair: -pair[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the losses of the outputs in a file."""
    parser = argparse.ArgumentParser(description="Evaluate a model's outputs in NumPy.")
    parser.add_argument("file", nargs="?", help="an npz file of logits (N, C) and labels (N,)")
    options = parser.parse_args(arguments)
    outputs = np.load(options.file) if options.file else load("digits")
    logits, labels = outputs["logits"], outputs["labels"]
    for name, value in evaluate(logits, labels).items():
        print(f"{name:32s} {value:.6f}")
    for k, value in hardest(logits, labels)[:3]:
        print(f"{f'cross entropy of class {k}':32s} {value:.6f}")
    print("torch was imported" if "torch" in sys.modules else "torch was not imported")


if __name__ == "__main__":
    main()
