"""A model of Lightning, whose loss is a module with class weights that are saved with the model.

``python examples/lightning_training.py`` trains a perceptron on the digits that come with the package.
"""

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

import arraylosses as al
from arraylosses.data import load
from arraylosses.interop.torch import module


class Classifier(lightning.LightningModule):
    """Two layers, and a cross entropy that makes up for rare classes."""

    def __init__(self, criterion: torch.nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.Tanh(), torch.nn.Linear(16, 10))
        self.criterion = criterion
        self.curve: list[float] = []

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Return the loss of a batch."""
        features, labels = batch
        value = self.criterion(self.layers(features), labels)
        self.curve.append(value.item())
        return value

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam, for all parameters of the model and of its loss."""
        return torch.optim.Adam(self.parameters(), lr=0.02)


def data() -> tuple[torch.Tensor, torch.Tensor]:
    """Return ten features of images of digits, and which digits they are."""
    sample = load("digits")
    features = (sample["logits"] - sample["logits"].mean(axis=0)) / sample["logits"].std(axis=0)
    return torch.tensor(features, dtype=torch.float32), torch.tensor(sample["labels"])


def train(criterion: torch.nn.Module, epochs: int = 5) -> Classifier:
    """Train on batches of 60."""
    model = Classifier(criterion)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, DataLoader(TensorDataset(*data()), batch_size=60))
    return model


def weighted() -> torch.nn.Module:
    """Return a cross entropy in which each class counts alike."""
    count = np.bincount(data()[1].numpy(), minlength=10)
    return module(al.CrossEntropy(class_weight=(len(count) / count.sum() * count.mean() / count).tolist()))


def main() -> None:
    """Train, and print the loss before and after."""
    model = train(weighted())
    print(f"loss {model.curve[0]:.4f} to {model.curve[-1]:.4f}")
    print("saved with the model:", ", ".join(name for name in model.state_dict() if "criterion" in name))


if __name__ == "__main__":
    main()
