"""The export `merged`: the whole model in safetensors, with everything needed to use it alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from studio.exporters.card import write_card
from studio.formats.merged import Settings
from studio.inference.opened import Opened
from studio.training import adapters, quantized
from studio.training.loading import DTYPES


def merged(opened: Opened, trained: Path, settings: Settings, folder: Path) -> None:
    """Merge the adapter into the weights and write them in files of at most `shard_gigabytes`.

    `opened` is used up: merging changes its base model in place.
    """
    model: Any = opened.model
    dtype = dtype_of(settings, opened.numbers.weights)
    if adapters.has_adapter(model):
        # Into the very numbers that it was trained on: merged into the unquantised base it is another
        # model, and merged in few bits most of what it learned is rounded away.
        model = adapters.merge(quantized.dequantize(model), dtype)
    model = model.to(dtype)
    model.config.dtype = dtype
    model.save_pretrained(
        folder, safe_serialization=True, max_shard_size=int(settings.shard_gigabytes * 10**9)
    )
    opened.tokenizer.save_pretrained(folder)
    write_card(opened.order, "merged", folder)


EXPORTER = merged


def dtype_of(settings: Settings, trained_in: torch.dtype) -> torch.dtype:
    """The number format that an export with these settings has."""
    return trained_in if settings.dtype == "same" else DTYPES[settings.dtype]
