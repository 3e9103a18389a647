"""Plain LoRA: any adapter that is a product of two narrow matrices, written so that PEFT alone loads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from peft import LoraConfig
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import Tensor

_WHOLE = ".modules_to_save.default."


@dataclass(frozen=True)
class Factors:
    """`scale · b a` is added to a module's weight: `a (r, in)`, `b (out, r)`."""

    a: Tensor
    b: Tensor
    scale: float

    @property
    def rank(self) -> int:
        return int(self.a.shape[0])


def write(
    model: Any, folder: Path, factors: Mapping[str, Factors], adapter: str = "default"
) -> None:
    """Write `factors`, by the modules' full names in the base, and what trained whole beside them."""
    own = model.peft_config[adapter]
    ((common, scale), _) = Counter(
        (each.rank, each.scale) for each in factors.values()
    ).most_common(1)[0]
    others = {n: f for n, f in factors.items() if (f.rank, f.scale) != (common, scale)}
    config = LoraConfig(
        task_type=own.task_type,
        base_model_name_or_path=own.base_model_name_or_path,
        inference_mode=True,
        r=common,
        lora_alpha=scale * common,
        rank_pattern={name: each.rank for name, each in others.items()},
        alpha_pattern={name: each.scale * each.rank for name, each in others.items()},
        target_modules=sorted(factors),
        modules_to_save=own.modules_to_save,
        fan_in_fan_out=own.fan_in_fan_out,
    )
    tensors = whole_modules(model)
    for name, each in factors.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = each.a
        tensors[f"base_model.model.{name}.lora_B.weight"] = each.b
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(
        {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()},
        folder / SAFETENSORS_WEIGHTS_NAME,
        metadata={"format": "pt"},
    )
    config.save_pretrained(str(folder))


def whole_modules(model: Any) -> dict[str, Tensor]:
    """What trained whole beside an adapter, by the names that it has in a file."""
    return {
        name.replace(_WHOLE, "."): value
        for name, value in model.state_dict().items()
        if _WHOLE in name
    }
