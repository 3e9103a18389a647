"""FourierFT: learns each layer's change as a few waves of chosen frequencies."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets
from studio.methods.widths import too_few_weights


class Settings(MethodSettings):
    """What can be set for FourierFT."""

    frequencies: int = fields.number(
        1000,
        "Waves a layer",
        "How many frequencies train in each layer.",
        at_least=1,
        at_most=100000,
        cost="memory",
        level="basic",
    )
    scaling: float = fields.number(
        150.0,
        "Strength of the adapter",
        "What the sum of the waves is multiplied by.",
        at_least=0.1,
        at_most=10000,
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "FOURIERFT",
        "n_frequency": settings.frequencies,
        "scaling": settings.scaling,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="fourierft",
    title="FourierFT",
    sentence="Learns each layer's change as a few waves of chosen frequencies.",
    paragraph=(
        "The change of each layer is written as the sum of a number of two-dimensional waves whose "
        "heights train (an inverse Fourier transform). The files are very small; building the whole "
        "change in every step makes it slower than LoRA, and it needs a high learning rate. It can be "
        "merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2405.03003",
    settings=Settings,
    learning_rate=0.05,
    rate_source=(
        "its authors' scripts (github.com/Chaos96/fourierft): 0.05 for Llama-2-7b, 0.043 to 0.12 on GLUE; at "
        "1e-4 it learned too little in PEFT's benchmark (9.6 % at most)"
    ),
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=lambda settings, base: too_few_weights(
        settings.frequencies, settings, base, "frequencies"
    ),
)
