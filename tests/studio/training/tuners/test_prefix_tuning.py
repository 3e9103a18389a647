"""Prefix tuning: its numbers by hand, its start, its file, and a resume with its network."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from studio.errors import AskedWrongly
from studio.spec import TrainSpec
from studio.training import adapters, key_values, loading, loop
from studio.training.starting_text import starting_ids
from tests.studio.training.setups import setup

# The tiny model: 2 layers, 2 heads of keys, 8 wide each; 32 wide between layers.
LAYERS, KEYS, WIDTH = 2, 2 * 8, 32


def test_it_trains_a_key_and_a_value_for_each_layer_and_place(
    tiny_model: Path, tmp_path: Path
) -> None:
    """Li and Liang 2021, arXiv:2101.00190, section 4.2: |P| places of every layer's activations."""
    ready = setup(tiny_model, tmp_path, method={"name": "prefix_tuning", "virtual_tokens": 7})

    assert adapters.count(ready.model).trainable == 7 * LAYERS * 2 * KEYS


def test_its_network_trains_instead_and_is_thrown_away(tiny_model: Path, tmp_path: Path) -> None:
    """Section 4.3: P = MLP(P'), of which only P is kept. PEFT makes P' as wide as the keys."""
    chosen = {"name": "prefix_tuning", "virtual_tokens": 7, "projection": True}
    ready = setup(tiny_model, tmp_path, method={**chosen, "projection_hidden": 24})

    inside = KEYS * 24 + 24
    outside = 24 * (LAYERS * 2 * KEYS) + LAYERS * 2 * KEYS
    assert adapters.count(ready.model).trainable == 7 * KEYS + inside + outside

    adapters.save(ready.model, tmp_path / "out", base_name="Tiny", choice=ready.spec.method)
    tensors = safetensors.torch.load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert {name: tuple(value.shape) for name, value in tensors.items()} == {
        "prompt_embeddings": (7, LAYERS * 2 * KEYS)
    }


@pytest.mark.parametrize("text", ["Answer kindly.", ""])
def test_it_begins_as_what_the_base_remembers_of_the_text(
    text: str, tiny_model: Path, tmp_path: Path
) -> None:
    method = {"name": "prefix_tuning", "virtual_tokens": 6, "text": text}
    ready = setup(tiny_model, tmp_path, method=method, learning_rate=1e-12, max_steps=1)

    loop.run(ready, on_report=lambda _: None, should_stop=lambda: False)

    ids = starting_ids(text, ready.training, ready.tokenizer, 6)
    ((_, prefix),) = adapters.trainable(ready.model)
    expected = key_values.remembered(ready.model, ids)
    assert expected is not None
    torch.testing.assert_close(prefix, expected, rtol=0, atol=1e-9)


def test_what_it_does_not_go_with_is_refused() -> None:
    with pytest.raises(AskedWrongly, match="cannot compute intermediate results twice"):
        TrainSpec.parse({"method": "prefix_tuning", "training": {"gradient_checkpointing": True}})
    with pytest.raises(AskedWrongly, match="each row in a line of its own"):
        TrainSpec.parse({"method": "prefix_tuning", "training": {"packing": "on"}})


def test_it_is_not_recomputed_when_memory_runs_out(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path, method="prefix_tuning")

    assert not ready.asked_fit.after(9).recomputes


def test_the_base_is_whole_after_the_text_was_read(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path, method="prefix_tuning", max_steps=1)
    loop.run(ready, on_report=lambda _: None, should_stop=lambda: False)
    ids = torch.arange(4, 14)[None]

    with torch.no_grad(), adapters.without(ready.model) as base:
        found = base(input_ids=ids).logits
        expected = loading.load_base(tiny_model, torch.float32).eval()(input_ids=ids).logits

    assert torch.equal(found, expected)
