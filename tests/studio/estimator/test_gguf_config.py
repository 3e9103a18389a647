"""A GGUF file is estimated as the model that it will be converted to."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig

from studio.estimator.blueprint import Plan, blueprint
from studio.estimator.gguf_config import quick_config
from studio.spec import TrainSpec
from studio.training.adapters import count
from studio.training.loading import choose_numbers
from tests.studio.models.folders import make_gguf
from tests.studio.models.ggufs import write_gguf


def test_the_quick_reading_gives_what_transformers_reads(tiny_model: Path, tmp_path: Path) -> None:
    path = write_gguf(tiny_model, tmp_path / "tiny.gguf")
    slow = AutoConfig.from_pretrained(tmp_path, gguf_file=path.name)

    quick = quick_config(path)

    assert quick is not None
    for name in ("model_type", "hidden_size", "num_hidden_layers", "intermediate_size"):
        assert getattr(quick, name) == getattr(slow, name)
    assert quick.num_key_value_heads == slow.num_key_value_heads
    assert quick.tie_word_embeddings == slow.tie_word_embeddings


def test_a_gguf_file_counts_like_the_folder_it_was_written_from(
    tiny_model: Path, tmp_path: Path
) -> None:
    path = write_gguf(tiny_model, tmp_path / "tiny.gguf")
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
    plan = Plan.of(TrainSpec.parse({}), numbers)

    assert count(blueprint(path, plan).model) == count(blueprint(tiny_model, plan).model)


def test_a_header_that_says_too_little_is_left_to_transformers(tmp_path: Path) -> None:
    """The file holds one tensor, so a model of its sizes has more parameters than it."""
    assert quick_config(make_gguf(tmp_path / "lone.gguf")) is None
