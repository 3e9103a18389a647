"""BOFT as a tuner: PEFT's plain way, whose matrices of ones are not filled where nothing has values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.boft.layer import BOFTLayer
from torch import Tensor

from studio.training.replaced import replaced
from studio.training.tuners.tuner import Tuner


class BOFT(Tuner):
    """It orders its inputs anew, by a matrix as wide as the layer."""

    @contextmanager
    def outlined(self) -> Iterator[None]:
        own = BOFTLayer.block_butterfly_perm

        def order(layer: Any, *args: Any, **kwargs: Any) -> Any:
            with torch.device("cpu"):
                return own(layer, *args, **kwargs)

        def matrix(layer: Any, indices: Tensor) -> Tensor:
            return torch.empty((len(indices), len(indices)))

        with (
            replaced(BOFTLayer, "block_butterfly_perm", order),
            replaced(BOFTLayer, "perm2mat", matrix),
        ):
            yield


TUNER = BOFT()
