"""BitFit: the biases and nothing else, also where a model has none; a merged model keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from studio.errors import AskedWrongly, StudioError
from studio.training import adapters
from tests.studio.training.tuners.models import adapted, outputs


def test_the_count_is_one_number_for_each_output_of_a_biased_module() -> None:
    """gpt2, width d, a layer: attention 3d + d, feed-forward 4d + d, two norms: 11 d; one norm at the end."""
    assert adapters.count(adapted("gpt2", "bitfit")).trainable == (3 * 11 + 1) * 64


def test_a_model_without_biases_is_given_them_on_its_linear_layers() -> None:
    """llama: q 64, k and v 32, o 64, gate and up 160, down 64."""
    assert adapters.count(adapted("llama", "bitfit")).trainable == 3 * (64 + 64 + 64 + 320 + 64)


def test_where_there_are_some_only_those_learn_unless_more_are_asked_for() -> None:
    """qwen2 has biases at query, key and value."""
    own = adapters.count(adapted("qwen2", "bitfit")).trainable
    more = adapters.count(adapted("qwen2", {"name": "bitfit", "missing": "always"})).trainable

    assert own == 3 * (64 + 32 + 32)
    assert more == 3 * (64 + 64 + 64 + 320 + 64)


def test_none_to_train_is_refused_with_the_way_out() -> None:
    with pytest.raises(AskedWrongly, match='set "missing" to "auto"'):
        adapted("llama", {"name": "bitfit", "missing": "never"})


@pytest.mark.parametrize("layers", ["all", {"last": 1}])
def test_a_merged_llama_keeps_added_biases_when_saved(layers: object, tmp_path: Path) -> None:
    model = adapted("llama", {"name": "bitfit", "layers": layers})
    expected = outputs(model, "llama").detach()

    adapters.merge(model).save_pretrained(tmp_path)  # type: ignore[operator]
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path).eval()

    torch.testing.assert_close(outputs(loaded, "llama"), expected, rtol=1e-5, atol=1e-5)


def test_where_the_architecture_has_no_place_for_them_merging_is_refused_and_changes_nothing() -> (
    None
):
    model = adapted("gemma3", "bitfit")
    before = outputs(model, "gemma3").detach()

    with pytest.raises(StudioError, match="no place for"):
        adapters.merge(model)

    assert torch.equal(outputs(model, "gemma3"), before)
