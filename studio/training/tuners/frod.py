"""FRoD as a tuner: PEFT's plain way, whose directions are not computed where nothing has values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners._buffer_dict import BufferDict
from peft.tuners.frod.layer import FrodLayer
from peft.tuners.frod.model import FrodModel, _category_from_key
from torch import Tensor, nn

from studio.training.replaced import replaced
from studio.training.tuners.tuner import Tuner


class FRoD(Tuner):
    """It takes the base's weights apart."""

    needs_values = True

    @contextmanager
    def outlined(self) -> Iterator[None]:
        with (
            replaced(FrodModel, "_init_frod_projections", _projections_without_values),
            replaced(FrodLayer, "_calculate_frod_u_and_lambda", _parts_without_values),
        ):
            yield


def _projections_without_values(model: Any, config: Any, adapter: str) -> None:
    """Of each kind of module its directions `(in, in)` and the places of its links, as PEFT keeps them."""
    own = model._prepare_adapter_config(config, model.get_model_config(model.model))
    kinds: dict[str, Tensor] = {
        _category_from_key(key): module.weight if isinstance(module, nn.Linear) else module.weight.T
        for key, module in model.model.named_modules()
        if model._check_target_module_exists(own, key) and hasattr(module, "weight")
    }
    model.frod_V, model.frod_s_indices = nn.ModuleDict(), nn.ModuleDict()
    model.frod_s_size = nn.ModuleDict()
    for kind, weight in sorted(kinds.items()):
        width = weight.shape[1]
        links = max(1, min(int(width * width * config.sparse_rate), width * width - width))
        for part, value in (
            (model.frod_V, _nothing(weight.dtype, width, width)),
            (model.frod_s_indices, _nothing(torch.int64, 2, links)),
            (model.frod_s_size, torch.tensor([width, width])),
        ):
            part[kind] = BufferDict({}, persistent=config.save_projection)
            part[kind][adapter] = value


def _parts_without_values(layer: Any, v: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """U `(out, in)` and the diagonal λ `(in,)`."""
    return _nothing(torch.float32, *weight.shape), _nothing(torch.float32, weight.shape[1])


def _nothing(dtype: torch.dtype, *shape: int) -> Tensor:
    """Zeros that take the memory of one."""
    return torch.zeros((), dtype=dtype).expand(shape)


TUNER = FRoD()
