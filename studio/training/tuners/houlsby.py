"""Houlsby adapters: `y = z + U φ(D z + d) + u` on the output z of a sublayer's last projection.

Houlsby et al. 2019 (arXiv:1902.00751), section 2.1. With width H and bottleneck m an adapter has
2 H m + H + m parameters. U and u begin at zero, so that the model begins as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from studio.training.tuners.bottleneck import ACTIVATIONS, fresh
from studio.training.tuners.layers import Layer, LayerConfig, LayerModel, register


@dataclass
class HoulsbyConfig(LayerConfig):
    """How wide the adapters are, and the curve φ between their matrices."""

    bottleneck: int = 64
    activation: str = "gelu"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "HOULSBY"


class HoulsbyLayer(Layer):
    """A projection with an adapter after it."""

    adapter_layer_names = ("houlsby_down", "houlsby_up")
    parts: ClassVar[dict[str, type]] = {"houlsby_down": nn.ModuleDict, "houlsby_up": nn.ModuleDict}

    def build(self, adapter: str, config: Any) -> None:
        _, width = self.widths
        down, up = fresh(width, config.bottleneck)
        self.houlsby_down[adapter], self.houlsby_up[adapter] = down, up

    def adapt(self, adapter: str, x: Tensor, out: Tensor) -> Tensor:
        down, up = self.houlsby_down[adapter], self.houlsby_up[adapter]
        curve = ACTIVATIONS[self.configs[adapter].activation]
        change: Tensor = up(curve(down(out.to(down.weight.dtype))))
        return out + change.to(out.dtype)


class HoulsbyModel(LayerModel):
    """Houlsby adapters on a model."""

    prefix = "houlsby_"
    tuner_layer_cls = HoulsbyLayer
    why_unmergeable = (
        "Houlsby adapters cannot be merged into the model: they bend what passes through them, which no "
        'change of its weights does. Export the adapter instead (format "adapter").'
    )


register("houlsby", HoulsbyConfig, HoulsbyModel)
