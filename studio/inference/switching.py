"""Switching: one base in memory, and on it the adapters of as many runs as are asked for, one in use."""

from __future__ import annotations

import gc
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
from torch import nn

from studio.inference.opened import (
    Opened,
    beneath_of,
    load_base,
    numbers_of,
    open_run,
    read_order,
    trained_folder,
)
from studio.spec import TrainOrder
from studio.training import adapters, loading
from studio.training.heads import Head
from studio.training.loading import Numbers

# Beyond so many the adapters are taken off again, and come back from their files.
MOST = 16


@dataclass
class _Held:
    """The base in memory, by all that decides its numbers, with what lies on it: adapters by their names."""

    ground: Hashable
    base: nn.Module | None
    tokenizer: Any
    model: peft.PeftModel | None = None
    names: tuple[str, ...] = ()


class Switching:
    """Opens runs one after another. The base is loaded anew only where it is another one.

    What `open` gave is in use until the next `open`: the runs share one model.
    """

    def __init__(self) -> None:
        self._held: _Held | None = None
        self._whole: tuple[Hashable, Opened] | None = None
        self.bases_loaded = 0

    def open(self, run_folder: Path, device: str = "auto") -> Opened:
        """A finished run, ready to answer. Raises StudioError as `open_run` does."""
        trained = trained_folder(run_folder)
        stamp = (str(trained), trained.stat().st_mtime_ns, device)
        if not adapters.is_adapter(trained):
            return self._open_whole(run_folder, stamp, device)
        order, where = read_order(run_folder), loading.choose_device(device)
        numbers = numbers_of(order, trained, where)
        beneath = beneath_of(order, run_folder)
        ground = ground_of(order, numbers, where)
        if self._held is None or self._held.ground != ground:
            self._let_go()
            tokenizer = loading.load_tokenizer(Path(order.base.folder))
            base = load_base(order, numbers, tokenizer, beneath).to(where).eval()
            self.bases_loaded += 1
            self._held = _Held(ground, base, tokenizer)
        if not self._use(self._held, trained, f"run{abs(hash(stamp))}"):
            # What lay on the base cannot be taken off: it is loaded anew.
            self._let_go()
            return self.open(run_folder, device)
        model = self._held.model
        assert model is not None
        return Opened(order, model, self._held.tokenizer, numbers, where, beneath)

    def _open_whole(self, run_folder: Path, stamp: Hashable, device: str) -> Opened:
        if self._whole is None or self._whole[0] != stamp:
            self._let_go()
            self._whole = (stamp, open_run(run_folder, device=device))
        return self._whole[1]

    def _use(self, held: _Held, trained: Path, name: str) -> bool:
        """Have the adapter in `trained` in use, of all that lie on the base; False where it must be anew."""
        if held.model is not None and name not in held.names:
            beside = len(held.names) < MOST and adapters.load_beside(held.model, trained, name)
            if beside:
                held.names = (*held.names, name)
            else:
                held.base, held.model, held.names = adapters.take_off(held.model), None, ()
        if held.model is None:
            if held.base is None:
                return False
            held.model, held.names = adapters.load(held.base, trained, name), (name,)
        held.model.set_adapter(name)
        held.model.eval()
        return True

    def _let_go(self) -> None:
        """Two bases need not be in memory at once."""
        self._held, self._whole = None, None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def ground_of(order: TrainOrder, numbers: Numbers, device: torch.device) -> Hashable:
    """All that decides what a run's base is in memory; runs alike in this differ in their adapters only."""
    base, model, head = order.base, order.spec.model, Head.of(order.spec.objective)
    return (
        *(base.folder, base.source, base.revision),
        tuple(each.revision for each in base.beneath),
        *(model.quantization, model.double_quantization),
        # "tokens" and "sequences" are one kind of model.
        *(head.kind.task_type, head.labels, head.several),
        # A head that the base does not hold begins at random.
        order.spec.training.seed if head.labels else None,
        *(numbers.name, str(numbers.weights), str(device)),
    )
