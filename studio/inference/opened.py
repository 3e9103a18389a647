"""A finished run opened: its model and tokenizer in memory, with the base model at hand for comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from studio.errors import StudioError
from studio.settings import Home
from studio.spec import ModelChoice, TrainOrder
from studio.training import adapters, earlier, loading
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
    # What is part of the base, in this order.
    beneath: tuple[Path, ...] = ()

    @contextmanager
    def base(self) -> Iterator[nn.Module]:
        """The base model: the adapter switched off, or, after full fine-tuning, loaded anew."""
        if adapters.has_adapter(self.model):
            with adapters.without(self.model) as base:
                yield base
        else:
            base = load_base(self.order, self.numbers, self.tokenizer, self.beneath)
            yield base.to(self.device).eval()


def load_base(
    order: TrainOrder, numbers: Numbers, tokenizer: Any, beneath: Sequence[Path] = ()
) -> nn.Module:
    """The model as the order's training began with it, without its method."""
    base = _load(Path(order.base.folder), order, numbers, tokenizer, held=order.spec.model)
    return earlier.merged_into(base, beneath)


def _load(
    folder: Path,
    order: TrainOrder,
    numbers: Numbers,
    tokenizer: Any,
    held: ModelChoice | None = None,
) -> nn.Module:
    """The model in `folder` with the head that the order's objective needs."""
    head, seed = Head.of(order.spec.objective), order.spec.training.seed
    model = loading.load_base(folder, numbers.weights, held=held, head=head, seed=seed)
    loading.padding_id(model, tokenizer, head)
    return model


def numbers_of(order: TrainOrder, trained: Path, device: torch.device) -> Numbers:
    """The precision that a run was trained in."""
    trains_weights = not adapters.is_adapter(trained)
    return loading.choose_numbers(
        order.spec.training.precision, device, trains_weights=trains_weights
    )


def beneath_of(order: TrainOrder, run_folder: Path) -> tuple[Path, ...]:
    """The kept adapters that are part of the base. Raises StudioError where one is gone."""
    home = Home.of_run(run_folder)
    return tuple(earlier.folder_of(each, home) for each in order.base.beneath)


def open_run(run_folder: Path, *, device: str = "auto") -> Opened:
    """Load the tuned model of a run, in the precision that it was trained in, ready to answer."""
    order, where = read_order(run_folder), loading.choose_device(device)
    trained, beneath = trained_folder(run_folder), beneath_of(order, run_folder)
    numbers = numbers_of(order, trained, where)
    tokenizer = loading.load_tokenizer(Path(order.base.folder))
    model: nn.Module
    if adapters.is_adapter(trained):
        model = adapters.load(load_base(order, numbers, tokenizer, beneath), trained)
    else:
        # What was trained whole is not held in few bits, and has what lay beneath it.
        model = _load(trained, order, numbers, tokenizer)
    return Opened(order, model.to(where).eval(), tokenizer, numbers, where, beneath)
