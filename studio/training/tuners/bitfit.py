"""BitFit: `y = W x + b + Δ`, only Δ trained; a bias of its own where the module has none.

Ben Zaken et al. 2022 (arXiv:2106.10199): the parameters are those of the biases, one an output. Δ is an
offset from b: the same gradient and the same models, and the base's own numbers stay as they are.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from studio.errors import StudioError
from studio.training.tuners.layers import Layer, LayerConfig, LayerModel, register


@dataclass
class BitfitConfig(LayerConfig):
    """Nothing but the modules."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "BITFIT"


class BitfitLayer(Layer):
    """A linear layer or a norm with an offset of its bias."""

    adapter_layer_names = ("bitfit_bias",)
    parts: ClassVar[dict[str, type]] = {"bitfit_bias": nn.ParameterDict}

    def build(self, adapter: str, config: Any) -> None:
        self.bitfit_bias[adapter] = nn.Parameter(torch.zeros(self.widths[1]))

    def adapt(self, adapter: str, x: Tensor, out: Tensor) -> Tensor:
        made: Tensor = out + self.bitfit_bias[adapter].to(out.dtype)
        return made

    def delta(self, adapter: str) -> tuple[None, Tensor]:
        return None, self.bitfit_bias[adapter].data


class BitfitModel(LayerModel):
    """Trained biases on a model."""

    prefix = "bitfit_"
    tuner_layer_cls = BitfitLayer

    def _unload_and_optionally_merge(self, merge: bool = True, **options: Any) -> nn.Module:
        """As PEFT does it; added biases are kept, in the configuration too.

        Raises StudioError before anything changes where the architecture has no place for them.
        """
        added = {layer.key for layer in self.layers() if layer.get_base_layer().bias is None}
        flags = _flags_for(self.model, added) if merge and added else {}
        model: nn.Module = super()._unload_and_optionally_merge(merge, **options)
        if flags:
            model.config.update(flags)  # type: ignore[operator, union-attr]
            _fill(model)
        return model

    def _check_merge_allowed(self) -> None:
        super()._check_merge_allowed()
        added = {layer.key for layer in self.layers() if layer.get_base_layer().bias is None}
        if added:
            _flags_for(self.model, added)


def _flags_for(model: Any, added: set[str]) -> dict[str, bool]:
    """What the configuration must say for the architecture to build its modules with these biases."""
    flags = {
        name: True
        for name, value in model.config.to_dict().items()
        if value is False and name.endswith("_bias")
    }
    missing = added - _biased(model, flags) if flags else added
    if missing:
        shown = ", ".join(sorted({name.rpartition(".")[2] for name in missing}))
        raise StudioError(
            f"BitFit gave this model biases that its kind ('{model.config.model_type}') has no place "
            f"for ({shown}): saved in a whole model they would be lost without a word. "
            'Export the adapter instead (format "adapter").',
            code="merge",
        )
    return flags


def _biased(model: Any, flags: dict[str, bool]) -> set[str]:
    """The names of the modules that have a bias when the architecture is built with these flags."""
    config = copy.deepcopy(model.config)
    config.update(flags)
    with torch.device("meta"):
        built = type(model)(config)
    return {name for name, each in built.named_modules() if getattr(each, "bias", None) is not None}


def _fill(model: nn.Module) -> None:
    """Zero biases where the configuration now asks for one and none was trained."""
    held = dict(model.named_modules())
    for name in _biased(model, {}):
        module: Any = held[name]
        if module.bias is None:
            zeros = module.weight.new_zeros(module.weight.shape[0])
            module.bias = nn.Parameter(zeros, requires_grad=False)


register("bitfit", BitfitConfig, BitfitModel)
