"""The shape of a base model, as its `config.json` or GGUF header gives it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import ModelProblem
from studio.models.gguf_header import ArrayLength, GgufHeader

CONFIG_NAME = "config.json"

# Each number under the names that families of models have for it.
_NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "vocab": ("vocab_size",),
}
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
_INTERMEDIATE = ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size")
_MAX_LENGTH = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")


@dataclass(frozen=True)
class Architecture:
    """A causal language model's shape; all sizes are counts, `max_length` is in tokens.

    `parameters` is known only where weights or a tensor table were read; `config` is the raw
    `config.json` (empty for a GGUF file).
    """

    family: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    intermediate: int
    vocab: int
    tied: bool
    max_length: int
    parameters: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


def read_architecture(folder: Path) -> Architecture:
    """The architecture in `folder/config.json`; needs no weights. Raises ModelProblem."""
    return from_config(read_config(folder), folder / CONFIG_NAME)


def read_config(folder: Path) -> dict[str, Any]:
    """`folder/config.json` as it stands. Raises ModelProblem when missing or no JSON object."""
    path = folder / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelProblem(
            f"{folder} holds no '{CONFIG_NAME}', so it is no model folder. Choose the folder that "
            "holds config.json, the tokenizer and the .safetensors files."
        ) from error
    except OSError as error:
        raise ModelProblem(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ModelProblem(f"{path} is damaged: it is not JSON ({error}).") from error
    if not isinstance(config, dict):
        raise ModelProblem(f"{path} is damaged: it holds no settings of a model.")
    return config


def from_config(config: Mapping[str, Any], where: Path | str) -> Architecture:
    """The architecture that `config` describes; `where` is named in errors."""
    family = config.get("model_type")
    if not isinstance(family, str) or not family:
        raise ModelProblem(
            f"{where} names no 'model_type', so nobody can tell what kind of model this is."
        )
    nested = config.get("text_config")
    text = {**config, **nested} if isinstance(nested, Mapping) else config
    found = {name: _first_number(text, names) for name, names in _NAMES.items()}
    missing = [_NAMES[name][0] for name, number in found.items() if number is None]
    if missing:
        listed = ", ".join(f"'{name}'" for name in missing)
        raise ModelProblem(f"{where} lacks {listed}: this is no complete model of text.")
    sizes = {name: number for name, number in found.items() if number is not None}
    return Architecture(
        family=family,
        layers=sizes["layers"],
        hidden=sizes["hidden"],
        heads=sizes["heads"],
        kv_heads=_first_number(text, _KV_HEADS) or sizes["heads"],
        # GPT-2 and its kin leave it out where it is four times the width.
        intermediate=_first_number(text, _INTERMEDIATE) or 4 * sizes["hidden"],
        vocab=sizes["vocab"],
        tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", True))),
        max_length=_first_number(text, _MAX_LENGTH) or 2048,
        config=dict(config),
    )


def from_gguf(header: GgufHeader, path: Path) -> Architecture:
    """The architecture that a GGUF header describes; `path` is named in errors."""
    vocabulary = header.metadata.get("tokenizer.ggml.tokens")
    found = {
        "block_count": header.about("block_count"),
        "embedding_length": header.about("embedding_length"),
        "attention.head_count": header.about("attention.head_count"),
        "feed_forward_length": header.about("feed_forward_length"),
    }
    missing = [name for name, value in found.items() if value is None]
    if missing or not isinstance(vocabulary, ArrayLength | list):
        what = f"{header.architecture}.{missing[0]}" if missing else "a vocabulary"
        raise ModelProblem(f"{path} lacks '{what}': this is no complete model of text.")
    heads = _widest(found["attention.head_count"])
    return Architecture(
        family=header.architecture,
        layers=int(found["block_count"]),
        hidden=int(found["embedding_length"]),
        heads=heads,
        kv_heads=_widest(header.about("attention.head_count_kv") or heads),
        intermediate=_widest(found["feed_forward_length"]),
        vocab=_length(vocabulary),
        tied=all(tensor.name != "output.weight" for tensor in header.tensors),
        max_length=int(header.about("context_length") or 2048),
        parameters=header.parameters,
    )


def _first_number(config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of `names` that holds a positive whole number (a list of them: its largest)."""
    for name in names:
        value = config.get(name)
        if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
            value = max(value)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _widest(value: Any) -> int:
    """A number, or the largest of one number a layer."""
    return max(value) if isinstance(value, list) else int(value)


def _length(vocabulary: ArrayLength | list[str]) -> int:
    return vocabulary.length if isinstance(vocabulary, ArrayLength) else len(vocabulary)
