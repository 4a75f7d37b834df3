"""A language model in Hugging Face's Trainer, with a loss of one's own over accumulated batches.

``python examples/hugging_face.py`` trains a GPT-2 of one layer, with random weights, on a text of a few sentences.

Sequences are of different lengths, so that the mean of the means of micro-batches is not the mean of the whole batch.
The Trainer counts the tokens of all of them, and hands that number to `compute_loss_func`: the sum of each micro-batch
divided by it gives the gradient of the whole batch.
"""

import tempfile
from collections.abc import Callable
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, PrinterCallback, Trainer, TrainingArguments, set_seed

import arraylosses as al

IGNORED = -100

LOSS = al.CrossEntropy(ignore_index=IGNORED, reduction="sum")

TEXT = (
    "A loss says how far a prediction is from the truth.",
    "Its gradient says where to go.",
    "Most of a model's life is spent between these two.",
    "Not every sentence is of one length.",
    "So it matters what a mean is taken over, and when.",
    "Short.",
    "Each token counts the same, in whatever batch it comes.",
    "That is all.",
)


def compute_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | None = None) -> torch.Tensor:
    """Return the cross entropy of each next token, over the number of tokens in all micro-batches of a step."""
    total = LOSS(outputs.logits[:, :-1], labels[:, 1:])
    count = (labels[:, 1:] != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
    return total / count


def examples() -> list[dict[str, torch.Tensor]]:
    """Return the sentences byte by byte, filled up to one length with labels that are left out."""
    width = max(map(len, TEXT))
    found = []
    for sentence in TEXT:
        bytes_ = torch.tensor(list(sentence.encode()))
        tokens, labels = torch.zeros(width, dtype=torch.int64), torch.full((width,), IGNORED)
        tokens[: len(bytes_)] = labels[: len(bytes_)] = bytes_
        found.append({"input_ids": tokens, "labels": labels, "attention_mask": (labels != IGNORED).long()})
    return found


def train(loss: Callable[..., torch.Tensor] | None, accumulation: int, steps: int = 3) -> list[float]:
    """Return the loss of each step, of four sentences in so many parts, by the given loss or the model's own."""
    set_seed(0)
    config = GPT2Config(
        vocab_size=128, n_positions=64, n_embd=16, n_layer=1, n_head=2, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=4 // accumulation,
            gradient_accumulation_steps=accumulation,
            max_steps=steps,
            learning_rate=0.01,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = Trainer(GPT2LMHeadModel(config), arguments, train_dataset=examples(), compute_loss_func=loss)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def main() -> None:
    """Train with our loss and with the model's own, in one part and in four."""
    for accumulation in (1, 4):
        for name, loss in (("ours", compute_loss), ("native", None)):
            values = ", ".join(f"{float(value):.4f}" for value in train(loss, accumulation))
            print(f"batches in {accumulation} parts, {name:7s} losses {values}")


if __name__ == "__main__":
    main()
