"""SHiRA: trains a few single weights of the model, chosen at random, and leaves all others as they are."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets


class Settings(MethodSettings):
    """What can be set for SHiRA."""

    rank: int = fields.rank(
        32, "As many weights of each layer train as a LoRA of this rank would have."
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "SHIRA",
        "r": settings.rank,
        # A saved adapter holds its places; the seed makes a resumed run choose the same.
        "random_seed": 0,
        "target_modules": peft_targets(settings, base),
    }


def _too_many_weights(settings: Settings, base: Base) -> None:
    """Of a layer (in, out) rank (in + out) weights train: it must have so many."""
    least = min(
        module.inputs * module.outputs // (module.inputs + module.outputs)
        for module in choose(settings, base)
    )
    reason = "it asks for more weights than a layer that learns has"
    ranks.refuse(settings.rank, least, reason)


METHOD = Method(
    name="shira",
    title="SHiRA",
    sentence="Trains a few single weights of the model, chosen at random, and leaves all others as they are.",
    paragraph=(
        "A sparse adapter: in each layer as many single weights as a LoRA of the same rank would have are "
        "chosen at random, and only they change. In PEFT's benchmark it was among the best and forgot "
        "little; its file is larger, since it must say which weights they are. It merges without any "
        "loss."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2406.13175",
    settings=Settings,
    learning_rate=0.0003,
    rate_source="PEFT's MetaMathQA benchmark, run shira:lr_0.0003",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=_too_many_weights,
)
