"""Offloading: frozen layers lie in the main memory and come to the device one by one, ahead of need."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from studio.training.sharding import layers_of

# Of the free memory so much is used: what a process holds beyond its tensors is no exact figure.
_USED_SHARE = 0.95
# The layer that is computed, and the one that is on its way.
_RESIDENT = 2


@dataclass
class _Layer:
    """One layer's frozen tensors: `here` on the device, empty unless wanted, with their values `away`."""

    here: list[Tensor]
    away: list[Tensor]
    is_here: bool = False
    arrived: Any = None

    @property
    def bytes(self) -> int:
        return sum(value.numel() * value.element_size() for value in self.away)


@dataclass
class Offload:
    """The layers of one model that are fetched when they are wanted, in both passes.

    A tensor keeps its place: its memory is given back after use and filled again before the next, so
    what autograd saved of it is right when it is looked at. Nothing of it is computed: gradients are
    bit for bit those of a model that lies on the device as a whole.
    """

    device: torch.device
    layers: list[_Layer] = field(default_factory=list)
    _goes_back: bool = False
    _stream: Any = None

    @property
    def bytes(self) -> int:
        """What lies in the main memory."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def bytes_here(self) -> int:
        """What of it lies on the device now."""
        return sum(layer.bytes for layer in self.layers if layer.is_here)

    def add(self, module: nn.Module, frozen: Sequence[Tensor]) -> None:
        """Hold `module`'s `frozen` tensors away from the device from now on."""
        number = len(self.layers)
        away = [_held(value, self.device) for value in frozen]
        for value in frozen:
            value.data = torch.empty_like(value, device=self.device)
            _memory(value).resize_(0)
        self.layers.append(_Layer(list(frozen), away))
        module.register_forward_pre_hook(lambda *_: self._want(number))
        module.register_full_backward_pre_hook(lambda *_: self._want_back(number))

    def begin(self) -> None:
        """A forward pass of the whole model begins."""
        self._goes_back = False

    def _want_back(self, number: int) -> None:
        self._goes_back = True
        self._want(number)

    def _want(self, number: int) -> None:
        """Layer `number` is computed next, and after it its neighbour: no other has to be here."""
        next_one = number + (-1 if self._goes_back else 1)
        for other, layer in enumerate(self.layers):
            if layer.is_here and other not in (number, next_one):
                self._release(layer)
        self._fetch(self.layers[number])
        self._await(self.layers[number])
        if 0 <= next_one < len(self.layers):
            self._fetch(self.layers[next_one])

    def _fetch(self, layer: _Layer) -> None:
        if layer.is_here:
            return
        layer.is_here = True
        for value, held in zip(layer.here, layer.away, strict=True):
            _memory(value).resize_(held.numel() * held.element_size())
        if self.device.type != "cuda":
            _fill(layer)
            return
        self._stream = self._stream or torch.cuda.Stream(self.device)
        # The memory may have been another tensor's until now.
        self._stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._stream):
            _fill(layer)
            layer.arrived = self._stream.record_event()

    def _await(self, layer: _Layer) -> None:
        if layer.arrived is not None:
            torch.cuda.current_stream(self.device).wait_event(layer.arrived)
            layer.arrived = None

    def _release(self, layer: _Layer) -> None:
        self._await(layer)
        for value in layer.here:
            _memory(value).resize_(0)
        layer.is_here = False


def offload(model: nn.Module, device: torch.device, needs_bytes: int | None, free: int) -> Offload:
    """Put `model` on `device`, of its frozen layers only as many as there is room for.

    `needs_bytes` is what the training takes with all of them there; not known, none is left there.
    """
    plan = [(layer, frozen_of(layer, model)) for layer in layers_of(model)]
    plan = [(layer, frozen) for layer, frozen in plan if frozen]
    sizes = [sum(value.numel() * value.element_size() for value in frozen) for _, frozen in plan]
    offloaded = Offload(device)
    for layer, frozen in plan[: how_many(sizes, needs_bytes, free)]:
        offloaded.add(layer, frozen)
    model.register_forward_pre_hook(lambda *_: offloaded.begin())
    model.to(device)
    return offloaded


def how_many(sizes: Sequence[int], needs_bytes: int | None, free: int) -> int:
    """Of layers of these sizes, how many must lie elsewhere so that the rest finds room."""
    if needs_bytes is None:
        return len(sizes)
    missing = needs_bytes - _USED_SHARE * free
    if missing <= 0 or not sizes:
        return 0
    return min(len(sizes), _RESIDENT + math.ceil(missing / max(1, max(sizes))))


def frozen_of(layer: nn.Module, model: nn.Module) -> list[Tensor]:
    """The frozen tensors of a layer that nothing else holds: weights, and the codes of quantised ones."""
    owners = Counter(id(value) for module in model.modules() for value in _own(module))
    return [
        value
        for module in layer.modules()
        for value in _own(module)
        if not value.requires_grad and value.ndim > 0 and owners[id(value)] == 1
    ]


def _own(module: nn.Module) -> list[Tensor]:
    held = chain(module.parameters(recurse=False), module.buffers(recurse=False))
    return [value for value in held if value is not None]


def _held(value: Tensor, device: torch.device) -> Tensor:
    """The values in the main memory, where the device can fetch them by itself."""
    away = value.detach().cpu().contiguous()
    return away.pin_memory() if device.type == "cuda" else away.clone()


def _fill(layer: _Layer) -> None:
    for value, held in zip(layer.here, layer.away, strict=True):
        # By `data`: to autograd the tensor is what it was.
        value.data.copy_(held, non_blocking=True)


def _memory(value: Tensor) -> torch.UntypedStorage:
    return value.untyped_storage()
