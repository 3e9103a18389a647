"""Model folders and GGUF files of a few kilobytes, made without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import save_file

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 1,
    "hidden_size": 8,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 10,
    "max_position_embeddings": 64,
    "tie_word_embeddings": True,
}
EMBEDDINGS = "model.embed_tokens.weight"
PARAMETERS = 80 + 64  # the embeddings, 10 × 8, and one 8 × 8 projection


def weights(start: float = 0.0) -> dict[str, np.ndarray[Any, Any]]:
    """Two float32 tensors of `PARAMETERS` numbers in all."""
    return {
        EMBEDDINGS: np.arange(80, dtype=np.float32).reshape(10, 8) + start,
        "model.layers.0.self_attn.q_proj.weight": np.ones((8, 8), dtype=np.float32),
    }


def make_folder(folder: Path, **changes: Any) -> Path:
    """A complete model folder; `changes` go into its config, None takes a setting out."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {name: value for name, value in {**CONFIG, **changes}.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    save_file(weights(), folder / "model.safetensors")
    return folder


def make_sharded_folder(folder: Path) -> Path:
    """The same model in two files with an index."""
    make_folder(folder)
    (folder / "model.safetensors").unlink()
    places = {}
    for number, (name, tensor) in enumerate(weights().items(), 1):
        places[name] = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensor}, folder / places[name])
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def make_gguf(path: Path, *, architecture: str = "llama", layers: int | None = 1) -> Path:
    """A GGUF file with a header like a real one's and one embedding matrix in Q8_0."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny One")
    writer.add_license("mit")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    if layers is not None:
        writer.add_block_count(layers)
    writer.add_feed_forward_length(16)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token {number}" for number in range(100)])
    writer.add_chat_template("{{ messages }}")
    table = gguf.quants.quantize(np.ones((100, 32), np.float32), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("token_embd.weight", table, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
