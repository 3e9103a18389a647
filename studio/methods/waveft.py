"""WaveFT: learns each layer's change as a few wavelets: waves that are short and stand somewhere."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets
from studio.methods.widths import too_few_weights


class Settings(MethodSettings):
    """What can be set for WaveFT."""

    frequencies: int = fields.number(
        2592,
        "Wavelets a layer",
        "How many wavelet coefficients train in each layer.",
        at_least=1,
        at_most=100000,
        cost="memory",
        level="basic",
    )
    scaling: float = fields.number(
        25.0,
        "Strength of the adapter",
        "What the sum of the wavelets is multiplied by.",
        at_least=0.1,
        at_most=10000,
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "WAVEFT",
        "n_frequency": settings.frequencies,
        "scaling": settings.scaling,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="waveft",
    title="WaveFT",
    sentence="Learns each layer's change as a few wavelets: waves that are short and stand somewhere.",
    paragraph=(
        "Like FourierFT, with wavelets instead of waves that go through the whole layer: the numbers that "
        "train are places in a wavelet transform of the change. Very small files; slower steps than LoRA. "
        "It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2505.12532",
    settings=Settings,
    learning_rate=0.01,
    rate_source=(
        "ours: a hundred times the 1e-4 of PEFT's benchmark, which learned slowly; PEFT's example "
        "(examples/waveft_finetuning) takes 3e-4"
    ),
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=lambda settings, base: too_few_weights(
        settings.frequencies, settings, base, "wavelets"
    ),
)
