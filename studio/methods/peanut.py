"""PEANuT: a small network reads each layer's weights and writes the change to them."""

from __future__ import annotations

from typing import Any, Literal

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets


class Settings(MethodSettings):
    """What can be set for PEANuT."""

    rank: int = fields.rank(32)
    depth: int = fields.number(
        0,
        "Layers between",
        "How many layers the small network has between its first and last.",
        at_least=0,
        at_most=8,
        cost="time",
    )
    activation: Literal["relu", "gelu", "silu", "tanh"] = fields.choice(
        "relu", "The bend", "The function between the layers of the small network."
    )
    scaling: float = fields.number(
        2.0,
        "Strength of the adapter",
        "What the change is multiplied by.",
        at_least=0.01,
        at_most=100,
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "PEANUT",
        "r": settings.rank,
        "depth": settings.depth,
        "act_fn": settings.activation,
        "scaling": settings.scaling,
        "target_modules": peft_targets(settings, base),
    }


def _too_wide_a_network(settings: Settings, base: Base) -> None:
    """The network reads a row of `outputs` weights for each input and writes as many: with one inner number
    for each input its last matrix reaches any change at all."""
    ranks.refuse_idle(settings.rank, (module.inputs for module in choose(settings, base)))


METHOD = Method(
    name="peanut",
    title="PEANuT",
    sentence="A small network reads each layer's weights and writes the change to them.",
    paragraph=(
        "The change of each layer is computed from its own weights by a narrow network with a bend in it, "
        "so that it can be more than a low-rank product. About LoRA's quality in PEFT's benchmark, "
        "somewhat slower and with more memory. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2410.01870",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run peanut:rank32-relu-depth0-s2.0",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=_too_wide_a_network,
)
