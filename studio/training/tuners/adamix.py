"""AdaMix: `y = z + U_j φ(D_i z)` with i and j drawn anew for each pass, averaged to one adapter.

Wang et al. 2022 (arXiv:2205.12410): of M networks at each place a pass takes one D and one U at random
(section 3.1). Each row passes twice; the loss is the mean of both, and the symmetric Kullback-Leibler
divergence between them is added (equation 6). In use, and in the file, are the averages (section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import peft
import safetensors.torch
import torch
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import Tensor, nn
from torch.nn import functional

from studio.training import step
from studio.training.batching import IGNORED, Batch
from studio.training.losses import Loss
from studio.training.tuners.bottleneck import ACTIVATIONS, fresh
from studio.training.tuners.layers import Layer, LayerConfig, LayerModel, register
from studio.training.tuners.plain_lora import whole_modules
from studio.training.tuners.tuner import Tuner


@dataclass
class AdamixConfig(LayerConfig):
    """As Houlsby adapters, `experts` of them at each place."""

    bottleneck: int = 16
    activation: str = "gelu"
    experts: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "ADAMIX"


class AdamixLayer(Layer):
    """A projection with several adapters after it."""

    adapter_layer_names = ("adamix_down", "adamix_up")
    parts: ClassVar[dict[str, type]] = {"adamix_down": nn.ModuleDict, "adamix_up": nn.ModuleDict}

    def build(self, adapter: str, config: Any) -> None:
        pairs = [fresh(self.widths[1], config.bottleneck) for _ in range(config.experts)]
        self.adamix_down[adapter] = nn.ModuleList(down for down, _ in pairs)
        self.adamix_up[adapter] = nn.ModuleList(up for _, up in pairs)

    def adapt(self, adapter: str, x: Tensor, out: Tensor) -> Tensor:
        down, up = self._chosen(self.adamix_down[adapter]), self._chosen(self.adamix_up[adapter])
        curve = ACTIVATIONS[self.configs[adapter].activation]
        inner = curve(functional.linear(out.to(down[0].dtype), *down))
        return out + functional.linear(inner, *up).to(out.dtype)

    def averaged(self, adapter: str) -> dict[str, Tensor]:
        """The tensors of the one plain adapter that they amount to, by a Houlsby adapter's names."""
        found: dict[str, Tensor] = {}
        for part, experts in (("down", self.adamix_down), ("up", self.adamix_up)):
            weight, bias = _mean(experts[adapter])
            found |= {f"houlsby_{part}.weight": weight, f"houlsby_{part}.bias": bias}
        return found

    def _chosen(self, experts: Any) -> tuple[Tensor, Tensor]:
        """In training one at random: recomputing activations plays torch's random numbers again, and so
        the choice. Otherwise the average."""
        if not self.training:
            return _mean(experts)
        first = experts[0].weight
        is_outline = first.is_meta or type(first.data) is not Tensor
        number = 0 if is_outline else int(torch.randint(len(experts), (), device="cpu"))
        return experts[number].weight, experts[number].bias


class AdamixModel(LayerModel):
    """AdaMix on a model."""

    prefix = "adamix_"
    tuner_layer_cls = AdamixLayer
    why_unmergeable = (
        "AdaMix's adapter cannot be merged into the model: it bends what passes through it, which no "
        'change of its weights does. Export the adapter instead (format "adapter").'
    )


class AdamixTuner(Tuner):
    """Two passes that are made to agree, and one plain Houlsby adapter at the end."""

    def total(
        self, model: nn.Module, loss: Loss, batch: Batch, settings: Any
    ) -> tuple[Tensor, Tensor | None]:
        first, second = step.logits_of(model, batch), step.logits_of(model, batch)
        own = 0.5 * (loss(first, batch) + loss(second, batch))
        if not settings.consistency:
            return own, None
        return own, settings.consistency * _disagreement(first, second, batch)

    def save(self, model: Any, folder: Path, settings: Any) -> None:
        own = model.peft_config["default"]
        config = peft.get_peft_config(
            {
                "peft_type": "HOULSBY",
                "task_type": own.task_type,
                "base_model_name_or_path": own.base_model_name_or_path,
                "inference_mode": True,
                "bottleneck": own.bottleneck,
                "activation": own.activation,
                "target_modules": sorted(own.target_modules),
                "modules_to_save": own.modules_to_save,
            }
        )
        folder.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(
            {name: v.detach().cpu().clone() for name, v in self.saved(model, settings).items()},
            folder / SAFETENSORS_WEIGHTS_NAME,
            metadata={"format": "pt"},
        )
        config.save_pretrained(str(folder))

    def saved(self, model: Any, settings: Any) -> dict[str, Tensor]:
        """The average of the experts, and what trained whole beside them."""
        tensors = whole_modules(model)
        for layer in model.base_model.layers():
            for name, value in layer.averaged("default").items():
                tensors[f"base_model.model.{layer.key}.{name}"] = value
        return tensors


def _mean(experts: Any) -> tuple[Tensor, Tensor]:
    """The average of several linear layers: weight and bias."""
    return (
        torch.stack([expert.weight for expert in experts]).mean(0),
        torch.stack([expert.bias for expert in experts]).mean(0),
    )


def _disagreement(first: Tensor, second: Tensor, batch: Batch) -> Tensor:
    """½ (KL(p‖q) + KL(q‖p)) summed over the trained positions `(B, K)`, or over the rows of classes."""
    left, right = first.float().log_softmax(-1), second.float().log_softmax(-1)
    each = 0.5 * ((left.exp() - right.exp()) * (left - right)).sum(-1)
    if each.shape == batch.targets.shape:
        each = each * (batch.targets != IGNORED)
    return each.sum()


register("adamix", AdamixConfig, AdamixModel)
TUNER = AdamixTuner()
