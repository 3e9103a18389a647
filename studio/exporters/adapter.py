"""The export `adapter`: what was trained, in PEFT's own format, with its tokenizer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from studio.exporters.card import write_card
from studio.inference.opened import Opened
from studio.spec import ADAPTER_FILES
from studio.training.earlier import BENEATH
from studio.training.heads import Head


def adapter(opened: Opened, trained: Path, settings: Any, folder: Path) -> None:
    """Copy the trained adapter file by file, and write the tokenizer and the card beside it."""
    for name in ADAPTER_FILES:
        shutil.copyfile(trained / name, folder / name)
    for number, kept in enumerate(opened.beneath):
        place = folder / BENEATH / str(number)
        place.mkdir(parents=True)
        for name in ADAPTER_FILES:
            shutil.copyfile(kept / name, place / name)
    opened.tokenizer.save_pretrained(folder)
    head = Head.of(opened.order.spec.objective)
    if head.labels:
        # The base's configuration with the labels' names: it knows neither their number nor them.
        opened.model.config.save_pretrained(folder)  # type: ignore[union-attr, operator]
    write_card(opened.order, "adapter", folder)


EXPORTER = adapter
