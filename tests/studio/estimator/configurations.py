"""Small configurations of many architectures, and rows to train them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers

from studio.objectives import Encoded

_LIKE_LLAMA = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
_LIKE_NEOX = {name: value for name, value in _LIKE_LLAMA.items() if name != "num_key_value_heads"}
_SLIDING = {"head_dim": 16, "sliding_window": 32}
_EXPERTS = {"head_dim": 16, "num_experts_per_tok": 2, "moe_intermediate_size": 48}
_GPT2 = {"vocab_size": 512, "n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 512,
         "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
_OPT = {"ffn_dim": 160, "word_embed_proj_dim": 64, "dropout": 0.0}

CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", _LIKE_LLAMA),
    "llama, tied": ("LlamaConfig", {**_LIKE_LLAMA, "tie_word_embeddings": True}),
    "mistral": ("MistralConfig", {**_LIKE_LLAMA, "sliding_window": 32}),
    "qwen2": ("Qwen2Config", _LIKE_LLAMA),
    "qwen3": ("Qwen3Config", {**_LIKE_LLAMA, "head_dim": 16}),
    "gemma2": ("Gemma2Config", {**_LIKE_LLAMA, **_SLIDING}),
    "gemma3": ("Gemma3TextConfig", {**_LIKE_LLAMA, **_SLIDING}),
    "phi3": ("Phi3Config", {**_LIKE_LLAMA, "pad_token_id": 0}),
    "phi": ("PhiConfig", _LIKE_LLAMA),
    "gpt2": ("GPT2Config", _GPT2),
    "neox": ("GPTNeoXConfig", _LIKE_NEOX),
    "opt": ("OPTConfig", {**_LIKE_NEOX, **_OPT}),
    "bloom": ("BloomConfig", {"vocab_size": 512, "hidden_size": 64, "n_layer": 3, "n_head": 4}),
    "falcon": ("FalconConfig", _LIKE_NEOX),
    "stablelm": ("StableLmConfig", _LIKE_LLAMA),
    "olmo2": ("Olmo2Config", _LIKE_LLAMA),
    "cohere": ("CohereConfig", _LIKE_LLAMA),
    "granite": ("GraniteConfig", _LIKE_LLAMA),
    "smollm3": ("SmolLM3Config", {**_LIKE_LLAMA, "num_hidden_layers": 4, "pad_token_id": 0}),
    "qwen3 moe": ("Qwen3MoeConfig", {**_LIKE_LLAMA, **_EXPERTS, "num_experts": 4}),
    "jamba": ("JambaConfig", {**_LIKE_LLAMA, "num_experts": 2, "use_mamba_kernels": False}),
    "t5": (
        "T5Config",
        {
            "vocab_size": 512,
            "d_model": 64,
            "d_kv": 16,
            "d_ff": 160,
            "num_layers": 3,
            "num_heads": 4,
            "dropout_rate": 0.0,
        },
    ),
    "bert": (
        "BertConfig",
        {
            "vocab_size": 512,
            "hidden_size": 64,
            "intermediate_size": 160,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
        },
    ),
    "deepseek": (
        "DeepseekV3Config",
        {
            **_LIKE_LLAMA,
            "num_key_value_heads": 4,
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "v_head_dim": 16,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "n_group": 1,
            "topk_group": 1,
            "first_k_dense_replace": 1,
        },
    ),
    "cohere2": ("Cohere2Config", {**_LIKE_LLAMA, "sliding_window": 32}),
    "mpt": (
        "MptConfig",
        {"vocab_size": 512, "d_model": 64, "n_layers": 3, "n_heads": 4, "max_seq_len": 512},
    ),
    "olmo": ("OlmoConfig", _LIKE_LLAMA),
    "mixtral": ("MixtralConfig", {**_LIKE_LLAMA, "num_local_experts": 4}),
}
_DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
# They take no positions, so packed rows would mix: the trainer pads them.
PADDED_ONLY = {"opt", "bloom", "falcon", "mpt"}
# Each row goes to the experts that its values choose.
EXPERTS = {"mixtral", "qwen3 moe", "deepseek"}
# They write nothing from the first word to the last, or only after reading.
NOT_CAUSAL = {"t5", "bert"}
# Its state-space layers look at the values of the padding mask.
NOT_SIMULATED = {"jamba"}


def make_folder(name: str, folder: Path, layers: int | None = None) -> Path:
    """A folder that holds the configuration's config.json and nothing else; returns it.

    With `layers`, so many of them instead of the few that it has.
    """
    kind, values = CONFIGURATIONS[name]
    if layers is not None:
        values = {key: layers if key in _DEPTHS else value for key, value in values.items()}
    getattr(transformers, kind)(**values).save_pretrained(folder)
    return folder


def make_rows(*lengths: int, vocabulary: int = 512) -> list[Encoded]:
    """Rows of these lengths, of which the second half is trained."""
    return [
        Encoded(
            [(7 * place + 3) % vocabulary for place in range(length)],
            [0] * (length // 2) + [1] * (length - length // 2),
        )
        for length in lengths
    ]
