"""Houlsby adapters: a narrow network of its own after each attention and each feed-forward."""

from __future__ import annotations

from typing import Any

from studio.methods import bottleneck
from studio.methods.base import Base
from studio.methods.bottleneck import Settings
from studio.methods.method import Method


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """Our HoulsbyConfig as plain data."""
    return {"peft_type": "HOULSBY", **bottleneck.peft_config(settings, base)}


METHOD = Method(
    name="houlsby",
    title="Houlsby adapters",
    sentence="Adds a narrow network after each part of each layer; learns well, and stays beside the model.",
    paragraph=(
        "After every attention and every feed-forward a small network is put: down to a few numbers, a "
        "curve, and up again, added to what was there. It begins as nothing and learns while the model "
        "itself stays frozen. It comes close to full fine-tuning with a few percent of the parameters. It "
        "cannot be merged into the model, since it is not a change of the model's weights: the result is "
        "a file beside the model, and answering gets a little slower."
    ),
    family="additive",
    paper="https://arxiv.org/abs/1902.00751",
    settings=Settings,
    learning_rate=3e-4,
    rate_source="its authors' readme (github.com/google-research/adapter-bert): 3e-4",
    is_mergeable=False,
    memory="exact",
    peft_config=peft_config,
    unsuited=bottleneck.unsuited,
)
