"""BitFit: only the biases learn, one number for each output of a layer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from studio.methods.base import Base, Module
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, Layers, in_layers


class Settings(MethodSettings):
    """What can be set for BitFit."""

    missing: Literal["auto", "always", "never"] = Field(
        "auto",
        title="Add biases",
        description="Models like Llama have none to train: automatic adds some (beginning at zero) to every "
        "linear layer of a model without any; always adds them wherever one is missing.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    layers: Layers = LAYERS


def targets(settings: Settings, base: Base) -> list[Module]:
    """The modules whose bias learns: those that have one, and those that are given one."""
    inside = in_layers(base.modules, settings.layers, base.depth)
    those = [module for module in inside if module.kind in ("linear", "conv1d", "norm")]
    adds = settings.missing == "always"
    adds |= settings.missing == "auto" and not any(module.has_bias for module in those)
    return [each for each in those if each.has_bias or (adds and each.kind != "norm")]


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """Our BitfitConfig as plain data."""
    return {
        "peft_type": "BITFIT",
        "target_modules": [module.name for module in targets(settings, base)],
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """Without biases there is nothing to train."""
    if not targets(settings, base):
        return 'it has no biases in the chosen layers; set "missing" to "auto" to have some added'
    return None


def remark(settings: Settings, base: Base) -> str:
    """How many biases are added, where the model has none."""
    added = [each for each in targets(settings, base) if not each.has_bias]
    if not added:
        return ""
    numbers = sum(each.outputs for each in added)
    return f"Adds {len(added):,} biases that this model does not have: {numbers:,} numbers, all 0 at first."


METHOD = Method(
    name="bitfit",
    title="BitFit",
    sentence="Trains only the biases, one number for each output of a layer: the smallest file.",
    paragraph=(
        "A bias is a number that a layer adds to each of its outputs. BitFit trains these and nothing "
        "else, less than one number in a thousand. It suits small models and little data, and learns "
        "less than LoRA. Many of today's models (Llama, Qwen 3, Gemma) have no biases: they are then "
        "added, beginning at zero, and the file beside the model holds them. A merged model keeps added "
        "biases only where its kind can hold them; elsewhere merging is refused, and the adapter is exported."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2106.10199",
    settings=Settings,
    learning_rate=1e-3,
    rate_source="the paper's README (github.com/benzakenelad/BitFit): 1e-3 where full fine-tuning takes 1e-5",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=unsuited,
    remark=remark,
)
