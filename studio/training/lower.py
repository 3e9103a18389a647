"""The layers below the first trained one: what they give for a row is computed once, then read back.

Where a method trains upper layers only (`layers: {"last": N}`), the lower ones give the same hidden
states for a row in every epoch. They lie in a scratch file of the run, mapped into memory. Each row is
computed alone, so that what it gives does not depend on the batch, the epoch or a resume.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.objectives import Encoded
from studio.training import attention
from studio.training.adapters import trainable
from studio.training.batching import Batch
from studio.training.clock import Spent
from studio.training.survey import layer_of

Precision = Callable[[], AbstractContextManager[Any]]
_ZEROS = bytes(1 << 22)


@dataclass(frozen=True)
class Cut:
    """A model's layers, and the number of the first one that trains."""

    layers: nn.ModuleList
    first: int

    @contextmanager
    def entering(self) -> Iterator[None]:
        """Let the model's forward begin at the cut: `inputs_embeds` are what the lower layers gave."""
        with ExitStack() as stack:
            for layer in self.layers[: self.first]:
                stack.enter_context(_replaced(layer, _passes))
            yield

    def states(self, model: nn.Module, **inputs: Any) -> Tensor:
        """What the lower layers give, `(B, T, H)`, without computing the upper ones."""
        with torch.no_grad(), _replaced(self.layers[self.first], _stops):
            try:
                model(**inputs, use_cache=False)
            except _Reached as reached:
                return reached.hidden
        raise RuntimeError("the model did not come to its first trained layer")


class _Reached(Exception):
    """The first trained layer was reached, with this hidden state."""

    def __init__(self, hidden: Tensor) -> None:
        super().__init__()
        self.hidden = hidden


def _passes(hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
    return hidden_states


def _stops(hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
    raise _Reached(hidden_states)


@contextmanager
def _replaced(layer: nn.Module, forward: Any) -> Iterator[None]:
    before = vars(layer).get("forward")
    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward
        if before is not None:
            layer.forward = before


def cut_of(model: Any) -> Cut | None:
    """Where the lowest trained parameter lies; None where that is no layer, or the first one."""
    numbers = {layer_of(name): name for name, _ in trainable(model)}
    if None in numbers or not numbers:
        return None
    first = min(number for number in numbers if number is not None)
    path = numbers[first].split(f".{first}.")[0]
    layers = model.get_submodule(path)
    if first == 0 or not isinstance(layers, nn.ModuleList) or len(layers) <= first:
        return None
    return Cut(layers, first)


def can_enter(model: Any, cut: Cut, vocabulary: int) -> bool:
    """Whether entering at the cut gives the very logits of the whole way, in training, on two short rows."""
    generator = torch.Generator().manual_seed(0)
    device = next(model.parameters()).device
    ids = torch.randint(0, vocabulary, (1, 12), generator=generator).to(device)
    positions = torch.cat([torch.arange(5), torch.arange(7)])[None].to(device)
    inputs = {"position_ids": positions, **attention.arguments(model, (5, 7))}
    was_training = model.training
    model.train()
    try:
        with torch.no_grad():
            whole = model(input_ids=ids, use_cache=False, **inputs).logits
            states = cut.states(model, input_ids=ids, **inputs)
            with cut.entering():
                entered = model(inputs_embeds=states, use_cache=False, **inputs).logits
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError):
        return False
    finally:
        model.train(was_training)
    return torch.equal(whole, entered)


class LowerStates:
    """The hidden states below the cut of every row of a run, in a file, computed when first wanted."""

    def __init__(
        self, model: nn.Module, cut: Cut, file: Path, rows: Sequence[Encoded], probe: Tensor
    ) -> None:
        self._model, self._cut, self._file = model, cut, file
        self.layers = cut.first
        self._places: dict[int, int] = {}
        tokens = 0
        for row in rows:
            self._places[id(row)] = tokens
            tokens += len(row.ids)
        self._width, self._known = probe.shape[-1], set[int]()
        # What computing them took so far: tokens, and seconds by the clock and of the processor.
        self.tokens, self.computed_tokens, self.spent = tokens, 0, Spent()
        self.bytes = tokens * self._width * probe.element_size()
        _fill(file, self.bytes)
        self._states = torch.from_file(
            str(file), shared=True, size=tokens * self._width, dtype=probe.dtype
        ).view(tokens, self._width)

    def entered(self, batch: Batch, rows: Sequence[Encoded], precision: Precision) -> Batch:
        """`batch`, a packed line of `rows`, made to enter the model at the cut."""
        positions = batch.inputs["position_ids"]
        with precision():
            states = torch.cat([self._of(row, positions.device) for row in rows])
        inputs = {"position_ids": positions, "inputs_embeds": states[None].to(positions.device)}
        return replace(batch, inputs=inputs, entering=self._cut.entering)

    def _of(self, row: Encoded, device: torch.device) -> Tensor:
        place = self._places[id(row)]
        lying = self._states[place : place + len(row.ids)]
        if id(row) not in self._known:
            began = Spent.now()
            ids = torch.tensor([row.ids], device=device)
            positions = torch.arange(len(row.ids), device=device)[None]
            inputs = {
                "position_ids": positions,
                **attention.arguments(self._model, (len(row.ids),)),
            }
            lying.copy_(self._cut.states(self._model, input_ids=ids, **inputs)[0])
            self._known.add(id(row))
            self.computed_tokens += len(row.ids)
            self.spent += Spent.now() - began
        return lying

    def close(self) -> None:
        """Remove the file."""
        del self._states
        self._file.unlink(missing_ok=True)


def keep_states(
    model: nn.Module,
    rows: Sequence[Encoded],
    file: Path,
    *,
    vocabulary: int,
    limit_bytes: int,
    precision: Precision,
) -> LowerStates | str | None:
    """Ready to keep the states of `rows` in `file`; a string says why that is left out, None: nothing to keep.

    Raises OSError when the disk has no room after all.
    """
    cut = cut_of(model)
    if cut is None or limit_bytes == 0:
        return None
    with precision():
        if not can_enter(model, cut, vocabulary):
            return None
        ids = torch.zeros((1, 2), dtype=torch.int64, device=next(model.parameters()).device)
        inputs = {"position_ids": torch.arange(2, device=ids.device)[None]}
        probe = cut.states(model, input_ids=ids, **inputs, **attention.arguments(model, (2,)))
    wanted = sum(len(row.ids) for row in rows) * probe.shape[-1] * probe.element_size()
    free = shutil.disk_usage(file.parent).free
    if wanted > min(limit_bytes, free // 2):
        return (
            f"What the {cut.first} untrained layers give would take {wanted / 1e9:.1f} GB on the disk "
            f"({free / 1e9:.1f} GB free, training.layer_cache_bytes allows {limit_bytes / 1e9:.1f}): "
            "it is computed anew in every epoch."
        )
    return LowerStates(model, cut, file, rows, probe)


def _fill(file: Path, size: int) -> None:
    """Make `file` `size` bytes long, with room on the disk: writing into a hole of a full disk kills."""
    with open(file, "wb") as out:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(out.fileno(), 0, max(1, size))
            return
        for begin in range(0, size, len(_ZEROS)):
            out.write(_ZEROS[: size - begin])
