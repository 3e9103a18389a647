"""SHiRA as a tuner: PEFT's plain way, whose places are not drawn where nothing has values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.shira.layer import ShiraLayer

from studio.training.replaced import replaced
from studio.training.tuners.tuner import Tuner


class SHiRA(Tuner):
    """It draws the places of its weights."""

    @contextmanager
    def outlined(self) -> Iterator[None]:
        own = ShiraLayer.update_layer

        def update_layer(layer: Any, adapter: str, mask: Any, *args: Any, **kwargs: Any) -> None:
            own(layer, adapter, None, *args, **kwargs)
            shape = (2, len(layer.shira_weight[adapter]))
            layer.shira_indices[adapter] = torch.empty(shape, dtype=torch.int32)

        with replaced(ShiraLayer, "update_layer", update_layer):
            yield


TUNER = SHiRA()
