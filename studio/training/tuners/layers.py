"""Layers of our own methods, made so that plain PEFT attaches, switches, saves and loads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from peft import PeftConfig, PeftType
from peft.tuners._buffer_dict import BufferDict
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer, check_adapters_to_merge
from peft.utils import register_peft_method
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from studio.errors import StudioError
from studio.training.quantized import QuantizedLinear


@dataclass
class LayerConfig(PeftConfig):  # type: ignore[misc]  # PEFT is untyped
    """What the configurations of our methods share: the modules they change, by full names."""

    target_modules: Any = None
    exclude_modules: Any = None
    modules_to_save: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.target_modules, list):
            self.target_modules = set(self.target_modules)


class Layer(nn.Module, BaseTunerLayer):  # type: ignore[misc]
    """A frozen module with what a method adds to it, by adapter name.

    `parts` says which containers it has, attribute to class; `build` fills them for one adapter. Names of
    containers begin with the model class's `prefix`: by it PEFT tells the method's tensors from the base's.
    """

    parts: ClassVar[dict[str, type]] = {}

    if TYPE_CHECKING:  # PEFT is untyped, and the containers are made by name

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, base_layer: nn.Module, adapter: str, config: Any, key: str) -> None:
        super().__init__()
        self.base_layer, self.key = base_layer, key
        self.merged_adapters: list[str] = []
        self._disable_adapters = False
        self._active_adapter = adapter
        self.configs: dict[str, Any] = {}
        self.is_transposed = isinstance(self.get_base_layer(), Conv1D)
        for name, kind in self.parts.items():
            setattr(self, name, BufferDict({}, persistent=True) if kind is BufferDict else kind())
        self.update_layer(adapter, config)

    @property
    def widths(self) -> tuple[int, int]:
        """Its inputs and outputs; those of a norm are one."""
        base = self.get_base_layer()
        if isinstance(base, nn.Linear):
            return base.in_features, base.out_features
        shape = base.weight.shape
        return int(shape[0]), int(shape[-1])

    def update_layer(self, adapter: str, config: Any) -> None:
        """Add an adapter, on the base's device."""
        self.configs[adapter] = config
        self.build(adapter, config)
        self._move_adapter_to_device_of_base_layer(adapter)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def build(self, adapter: str, config: Any) -> None:
        """Fill the containers for one adapter."""
        raise NotImplementedError

    def adapt(self, adapter: str, x: Tensor, out: Tensor) -> Tensor:
        """What the module gives with the adapter, from its input `x (…, in)` and output `out (…, out)`."""
        raise NotImplementedError

    def delta(self, adapter: str) -> tuple[Tensor | None, Tensor | None]:
        """The change of the weight `(out, in)` and of the bias `(out,)` that it amounts to; what it has."""
        raise NotImplementedError

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        out: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters or self.merged:
            return out
        for adapter in self.active_adapters:
            if adapter in self.configs:
                out = self.adapt(adapter, x, out)
        return out

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Add what the adapters amount to to the base's own weights, in fp32, cast once."""
        for adapter in check_adapters_to_merge(self, adapter_names):
            self._add(adapter, 1.0)
            self.merged_adapters.append(adapter)

    def unmerge(self) -> None:
        """Take it out again."""
        while self.merged_adapters:
            self._add(self.merged_adapters.pop(), -1.0)

    @torch.no_grad()
    def _add(self, adapter: str, sign: float) -> None:
        base = self.get_base_layer()
        weight, bias = self.delta(adapter)
        if weight is not None:
            if isinstance(base, QuantizedLinear):
                raise StudioError(
                    "The base is held in few bits; it is made whole first, then merged.",
                    code="merge",
                )
            change = weight.t() if self.is_transposed else weight
            base.weight.data = _sum(base.weight, sign * change.float())
        if bias is not None:
            if base.bias is None:
                base.bias = nn.Parameter(bias.new_zeros(bias.shape), requires_grad=False)
            base.bias.data = _sum(base.bias, sign * bias.float()).to(base.weight.dtype)


class LayerModel(BaseTuner):  # type: ignore[misc]
    """PEFT's side of a method: which layer class it puts in the place of its target modules.

    `why_unmergeable` says in words why what was learned cannot become weights, where that is so.
    """

    tuner_layer_cls: type[Layer]
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}
    why_unmergeable: ClassVar[str | None] = None

    def _create_and_replace(
        self,
        peft_config: Any,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        if isinstance(target, self.tuner_layer_cls):
            target.update_layer(adapter_name, peft_config)
            return
        made = self.tuner_layer_cls(target, adapter_name, peft_config, current_key)
        if adapter_name not in self.active_adapters:
            made.requires_grad_(False)
        self._replace_module(parent, target_name, made, target)

    def _check_merge_allowed(self) -> None:
        super()._check_merge_allowed()
        if self.why_unmergeable:
            raise StudioError(self.why_unmergeable, code="merge")

    def layers(self) -> list[Any]:
        """Its layers, in the model's order."""
        return [
            module for module in self.model.modules() if isinstance(module, self.tuner_layer_cls)
        ]


def register(name: str, config: type[LayerConfig], model: type[LayerModel]) -> None:
    """Tell PEFT of a method of ours, so that its own commands attach, save and load it.

    PEFT's list of types is a closed Enum: the member is added as the Enum itself would have made it.
    """
    member = str.__new__(PeftType, name.upper())
    member._name_, member._value_ = name.upper(), name.upper()
    PeftType._member_map_[member._name_] = member
    PeftType._value2member_map_[member._value_] = member
    PeftType._member_names_.append(member._name_)
    type.__setattr__(PeftType, member._name_, member)
    register_peft_method(name=name, config_cls=config, model_cls=model, prefix=model.prefix)


def _sum(held: Tensor, change: Tensor) -> Tensor:
    """Their sum in fp32, in the first one's format. Raises StudioError where it is not finite."""
    total = held.data.float() + change
    if not bool(torch.isfinite(total).all()):
        raise StudioError(
            "The merged weights hold numbers that are none (NaN): the adapter is damaged.",
            code="merge",
        )
    return total.to(held.dtype)
