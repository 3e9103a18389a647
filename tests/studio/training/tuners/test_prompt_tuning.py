"""Prompt tuning: its numbers by hand, its start from a text, its file."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch

from studio.training import adapters, loading, loop
from studio.training.starting_text import starting_ids
from tests.studio.training.setups import setup

WIDTH = 32


def test_it_trains_length_times_width_numbers(tiny_model: Path, tmp_path: Path) -> None:
    """Lester et al. 2021, arXiv:2104.08691, section 2: E × P parameters."""
    ready = setup(tiny_model, tmp_path, method={"name": "prompt_tuning", "virtual_tokens": 7})

    assert adapters.count(ready.model).trainable == 7 * WIDTH


def test_a_text_is_where_it_begins(tiny_model: Path, tmp_path: Path) -> None:
    text = "Answer kindly."
    method = {"name": "prompt_tuning", "virtual_tokens": 6, "text": text}
    ready = setup(tiny_model, tmp_path, method=method, learning_rate=1e-12, max_steps=1)

    loop.run(ready, on_report=lambda _: None, should_stop=lambda: False)

    ids = starting_ids(text, ready.training, ready.tokenizer, 6)
    embedding = loading.load_base(tiny_model, torch.float32).get_input_embeddings().weight
    ((_, prompt),) = adapters.trainable(ready.model)
    torch.testing.assert_close(prompt, embedding[ids], rtol=0, atol=1e-9)


def test_the_file_holds_the_prompt_and_names_no_place(tiny_model: Path, tmp_path: Path) -> None:
    method = {"name": "prompt_tuning", "virtual_tokens": 6, "text": "Answer kindly."}
    ready = setup(tiny_model, tmp_path, method=method)

    adapters.save(ready.model, tmp_path / "out", base_name="Tiny", choice=ready.spec.method)

    tensors = safetensors.torch.load_file(tmp_path / "out" / "adapter_model.safetensors")
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert {name: tuple(value.shape) for name, value in tensors.items()} == {
        "prompt_embeddings": (6, WIDTH)
    }
    assert config["tokenizer_name_or_path"] is None
    assert config["base_model_name_or_path"] == "Tiny"
