"""Autocast as our own functions must handle it: torch's own wrap its operations, not ours."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

_NOTHING = contextlib.nullcontext()


def lowered(*tensors: Tensor | None) -> tuple[Any, ...]:
    """The tensors in autocast's precision where it is on, else as they are."""
    kind = _kind(tensors[0])
    if kind is None or not torch.is_autocast_enabled(kind):
        return tensors
    dtype = torch.get_autocast_dtype(kind)
    return tuple(None if tensor is None else tensor.to(dtype) for tensor in tensors)


def off(tensor: Tensor) -> AbstractContextManager[Any]:
    """Autocast switched off for what is done with `tensor`, so that our casts stand."""
    kind = _kind(tensor)
    # Its context costs more than a small operation: none where there is nothing to switch off.
    if kind is None or not torch.is_autocast_enabled(kind):
        return _NOTHING
    return torch.autocast(kind, enabled=False)


def _kind(tensor: Tensor | None) -> str | None:
    """The kind of device, None where autocast does not exist (on meta tensors)."""
    if tensor is None or tensor.is_meta:
        return None
    return tensor.device.type
