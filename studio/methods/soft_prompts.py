"""What the methods of learned tokens share: what PEFT is told of them, and why they cannot be merged."""

from __future__ import annotations

from typing import Any

from studio.methods.base import Base

UNMERGEABLE = "it is a prompt before each question, not a change of the model's weights"


def prompt_config(virtual_tokens: int, base: Base) -> dict[str, Any]:
    """What PEFT is told of every prompt, as plain data."""
    return {
        "num_virtual_tokens": virtual_tokens,
        "token_dim": base.hidden,
        # Of an encoder with a decoder only the encoder is given the prompt; PEFT would count it twice.
        "num_transformer_submodules": 1,
    }
