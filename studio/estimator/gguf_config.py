"""The configuration in a GGUF header, without reading the whole file as transformers does.

transformers takes five seconds for it, most of them for the vocabulary, which no estimate needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

from studio.models.architecture import from_gguf
from studio.models.gguf_header import ArrayLength, GgufHeader, read_gguf_header


def quick_config(path: Path) -> Any | None:
    """transformers' configuration for `path`, by its own table of names; None where that is not enough.

    It is enough where a model built from it has exactly as many parameters as the file.
    """
    header = read_gguf_header(path)
    try:
        config = AutoConfig.for_model(header.architecture, **_values(header, path))
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except (ValueError, KeyError, TypeError, RuntimeError, AttributeError, ZeroDivisionError):
        return None
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return config if parameters == header.parameters else None


def _values(header: GgufHeader, path: Path) -> dict[str, Any]:
    """The configuration's fields, named as transformers names them."""
    names = GGUF_CONFIG_MAPPING[header.architecture]
    found = {name: header.about(key) for key, name in names.items() if name}
    values = {
        name: value
        for name, value in found.items()
        if value is not None and not isinstance(value, ArrayLength)
    }
    shape = from_gguf(header, path)
    return {"vocab_size": shape.vocab, **values, "tie_word_embeddings": shape.tied}
