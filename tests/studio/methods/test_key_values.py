"""What keys and values cannot be handed to is known before anything is built."""

from __future__ import annotations

import pytest

from studio.methods import METHODS, Base, Module


@pytest.mark.parametrize("method", ["prefix_tuning", "cartridge"])
def test_state_space_layers_and_shared_heads_are_named(method: str) -> None:
    chosen = METHODS[method]
    settings = chosen.settings()

    def why_not(family: str, name: str) -> str:
        modules = (Module(name, 0, inputs=8, outputs=8),)
        return chosen.why_not(settings, Base(family, "CAUSAL_LM", 8, 32, modules)) or ""

    assert "no keys and values" in why_not("jamba", "model.layers.0.mamba.in_proj")
    assert "share one key" in why_not("falcon", "transformer.h.0.self_attention.query_key_value")
    assert why_not("llama", "model.layers.0.self_attn.q_proj") == ""
