"""The window: how many tokens a model can read at most because it learned a vector for each place."""

from __future__ import annotations

from pathlib import Path

from studio.errors import ModelProblem
from studio.models.architecture import read_architecture
from studio.models.safetensors_header import StoredTensor, read_header, shard_names

# As transformers' models call the table: GPT-2, then BERT and its kin, then OPT and BART.
_TABLES = ("wpe.weight", "position_embeddings.weight", "embed_positions.weight")


def learned_places(folder: Path) -> int | None:
    """The places that the model in `folder` has a vector for; None where it computes them (rotary, ALiBi).

    None as well for what is no model that can be read: what is wrong with it is said where it is loaded.
    """
    try:
        stored = [
            each for name in shard_names(folder) for each in read_header(folder / name).tensors
        ]
        tables = [each.shape[0] for each in stored if _is_table(each)]
        # Some tables begin with places that stand for nothing: the configuration does not count them.
        return min(*tables, read_architecture(folder).max_length) if tables else None
    except ModelProblem:
        return None


def _is_table(tensor: StoredTensor) -> bool:
    return len(tensor.shape) == 2 and tensor.name.endswith(_TABLES)
