"""The parts of a transformer layer, told by names and widths: keys and values, the feed-forward's end."""

from __future__ import annotations

import re

from studio.methods.base import Base, Module

# Also where query, key and value are one layer: it is then the part that holds them.
_KEYS_AND_VALUES = re.compile(
    r"^(k|v|key|value|k_proj|v_proj|key_proj|value_proj|k_lin|v_lin|qkv|qkv_proj|wqkv|c_attn"
    r"|query_key_value)$",
    re.IGNORECASE,
)
_VALUES = re.compile(
    r"^(v|value|v_proj|value_proj|v_lin|qkv|qkv_proj|wqkv|c_attn|query_key_value)$", re.IGNORECASE
)


def keys_and_values(base: Base) -> list[Module]:
    """The layers that make keys and values."""
    return [module for module in base.linear if _KEYS_AND_VALUES.match(module.last_name)]


def values(base: Base) -> list[Module]:
    """The layers that make values."""
    return [module for module in base.linear if _VALUES.match(module.last_name)]


def feed_forward_ends(base: Base) -> list[Module]:
    """The last linear layer of each feed-forward: from its own width back to the model's."""
    return [
        module
        for module in base.linear
        if not module.is_attention
        and module.layer is not None
        and module.outputs == base.hidden != module.inputs
    ]


def norms(base: Base) -> list[Module]:
    """The normalisations with a weight."""
    return [module for module in base.modules if module.kind == "norm"]
