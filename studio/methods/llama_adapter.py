"""LLaMA-Adapter: a learned prompt beside each layer's attention, let in by a gate that begins shut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from studio.methods.base import Base
from studio.methods.blocks import blocks
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, Layers, layer_numbers

# Kinds of models that compute attention by code of their own, which nothing can be added to.
_OWN_ATTENTION = {"bloom", "falcon", "mpt"}


class Settings(MethodSettings):
    """What can be set for LLaMA-Adapter."""

    formerly: ClassVar[Mapping[str, str]] = {"virtual_tokens": "adapter_length"}

    adapter_length: int = Field(
        10,
        ge=1,
        le=1000,
        title="Length of the prompts",
        description="How many learned places each chosen layer attends to beside the text. More can hold more.",
        json_schema_extra={"unit": "tokens", "cost": "memory", "level": "basic"},
    )
    layers: Layers = LAYERS


def attentions(settings: Settings, base: Base) -> list[str]:
    """The names of the chosen layers' attention modules: what holds an attention's linear layers."""
    chosen = layer_numbers(settings.layers, base.depth)
    return [
        modules[0].name.rpartition(".")[0]
        for block in blocks(base)
        if block.layer in chosen
        for modules in block.attentions
    ]


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """Our LlamaAdapterConfig as plain data."""
    return {
        "peft_type": "LLAMA_ADAPTER",
        "virtual_tokens": settings.adapter_length,
        "target_modules": attentions(settings, base),
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """There must be attentions, and they must let something be added to them."""
    if base.family in _OWN_ATTENTION:
        return (
            f"models of the kind '{base.family}' compute attention by code of their own, which a "
            "gated prompt cannot be added to"
        )
    if not attentions(settings, base):
        return "the chosen layers have no attention that a gated prompt could stand beside"
    return None


METHOD = Method(
    name="llama_adapter",
    title="LLaMA-Adapter",
    sentence="Lets each layer attend to a learned prompt through a gate that begins shut; small file.",
    paragraph=(
        "Every chosen layer is given a few learned places that its words can look at, and one number, the "
        "gate, that says how much comes in. The gate begins at zero, so training begins with exactly the "
        "model as it was and cannot harm it at first. The model itself stays frozen; the file is small, "
        "about a width times the places for each layer. In PEFT's comparison on a 3-billion model "
        "it solved 38 % of school mathematics at a high learning rate and 21 % at a tenth of it; LoRA "
        "reached 48 %. It was made for LLaMA; here it works on every kind of model whose attention can be "
        "added to. It cannot be merged into the model."
    ),
    family="additive",
    paper="https://arxiv.org/abs/2303.16199",
    settings=Settings,
    learning_rate=5e-3,
    rate_source=(
        "PEFT's method comparison (MetaMathQA, Llama-3.2-3B): 5e-3, 38.4 %; 5e-4 gave 21.2 %. The authors' "
        "script for Alpaca names a base rate of 9e-3"
    ),
    is_mergeable=False,
    memory="exact",
    unmergeable="it is something that attention looks at besides the text, not a change of the model's weights",
    peft_config=peft_config,
    tasks=frozenset({"CAUSAL_LM", "SEQ_CLS"}),
    unsuited=unsuited,
)
