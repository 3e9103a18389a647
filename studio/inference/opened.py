"""A finished run opened: its model and tokenizer in memory, with the base model at hand for comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from studio.errors import StudioError
from studio.spec import TrainOrder
from studio.training import adapters, loading
from studio.training.heads import Head
from studio.training.loading import Numbers

ORDER_FILE = "order.json"
SHAPE_FILE = "shape.json"
"""How many rows and tokens were trained on; a model card says so."""
ADAPTER_FOLDER = "adapter"
MODEL_FOLDER = "model"


def trained_folder(run_folder: Path) -> Path:
    """Where a run keeps what it trained: `adapter/`, or `model/` where the weights themselves trained.

    Raises StudioError when the run has not come that far.
    """
    for name in (ADAPTER_FOLDER, MODEL_FOLDER):
        if (run_folder / name).is_dir():
            return run_folder / name
    raise StudioError(
        f"Run {run_folder.name} has no trained model yet. Wait until it is done, or look at its log.",
        code="not_trained",
    )


def read_order(run_folder: Path) -> TrainOrder:
    """The order that a run was trained by. Raises StudioError when the folder is no training run."""
    try:
        document = json.loads((run_folder / ORDER_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudioError(
            f"Run {run_folder.name} is not a training that was started, so there is nothing to use.",
            code="not_trained",
        ) from error
    return TrainOrder.parse(document)


@dataclass
class Opened:
    """A run's tuned model, its tokenizer, and a way to the base model."""

    order: TrainOrder
    model: nn.Module
    tokenizer: Any
    numbers: Numbers
    device: torch.device

    @contextmanager
    def base(self) -> Iterator[nn.Module]:
        """The base model: the adapter switched off, or, after full fine-tuning, loaded anew."""
        if adapters.has_adapter(self.model):
            with adapters.without(self.model) as base:
                yield base
        else:
            base = _load(Path(self.order.base.folder), self.order, self.numbers, self.tokenizer)
            yield base.to(self.device).eval()


def _load(folder: Path, order: TrainOrder, numbers: Numbers, tokenizer: Any) -> nn.Module:
    """The model in `folder` with the head that the order's objective needs, as training began with it."""
    head, seed = Head.of(order.spec.objective), order.spec.training.seed
    # What was trained whole is not held in few bits.
    held = order.spec.model if folder == Path(order.base.folder) else None
    model = loading.load_base(folder, numbers.weights, held=held, head=head, seed=seed)
    loading.padding_id(model, tokenizer, head)
    return model


def open_run(run_folder: Path, *, device: str = "auto") -> Opened:
    """Load the tuned model of a run, in the precision that it was trained in, ready to answer."""
    order = read_order(run_folder)
    trained = trained_folder(run_folder)
    where = loading.choose_device(device)
    is_adapter = adapters.is_adapter(trained)
    numbers = loading.choose_numbers(
        order.spec.training.precision, where, trains_weights=not is_adapter
    )
    base_folder = Path(order.base.folder)
    tokenizer = loading.load_tokenizer(base_folder)
    model = _load(base_folder if is_adapter else trained, order, numbers, tokenizer)
    if is_adapter:
        model = adapters.load(model, trained)
    return Opened(order, model.to(where).eval(), tokenizer, numbers, where)
