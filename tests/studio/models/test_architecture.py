"""The shape of a model, out of configs of several families."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.models.architecture import from_config, from_gguf, read_architecture
from studio.models.gguf_header import read_gguf_header
from tests.studio.models.folders import CONFIG, make_folder, make_gguf


def test_a_llama_config_gives_its_numbers() -> None:
    shape = from_config(CONFIG, "config.json")

    assert (shape.family, shape.layers, shape.hidden, shape.heads) == ("llama", 1, 8, 4)
    assert (shape.kv_heads, shape.intermediate, shape.vocab) == (2, 16, 10)
    assert (shape.tied, shape.max_length, shape.parameters) == (True, 64, None)
    assert shape.config == CONFIG


def test_the_names_of_gpt2_are_understood_and_its_defaults_filled_in() -> None:
    config = {"model_type": "gpt2", "n_layer": 2, "n_embd": 8, "n_head": 2, "vocab_size": 9}
    shape = from_config({**config, "n_inner": None, "n_positions": 32}, "config.json")

    assert (shape.layers, shape.hidden, shape.intermediate) == (2, 8, 32)
    assert (shape.kv_heads, shape.max_length) == (2, 32)


def test_the_text_part_of_a_model_for_pictures_counts() -> None:
    shape = from_config({"model_type": "llava", "text_config": CONFIG}, "config.json")

    assert (shape.layers, shape.hidden) == (1, 8)


def test_all_missing_numbers_are_named_at_once(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, num_hidden_layers=None, vocab_size=None)

    with pytest.raises(ModelProblem, match=r"lacks 'num_hidden_layers', 'vocab_size'"):
        read_architecture(folder)


@pytest.mark.parametrize("layers", ["two", -1, 0, True, 1.5])
def test_a_size_that_is_no_positive_whole_number_counts_as_missing(layers: object) -> None:
    with pytest.raises(ModelProblem, match="num_hidden_layers"):
        from_config({**CONFIG, "num_hidden_layers": layers}, "config.json")


def test_settings_that_nobody_here_knows_do_no_harm() -> None:
    known = from_config(CONFIG, "config.json")

    assert from_config({**CONFIG, "mood": "sunny", "rope_scaling": {}}, "config.json") == known


def test_a_config_without_a_family_is_refused() -> None:
    with pytest.raises(ModelProblem, match="model_type"):
        from_config({}, "config.json")


def test_only_the_config_is_needed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "model.safetensors").unlink()

    assert read_architecture(folder).layers == 1


@pytest.mark.parametrize(
    ("content", "words"), [("{", "not JSON"), ("[]", "holds no settings"), ("", "not JSON")]
)
def test_a_broken_config_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")

    with pytest.raises(ModelProblem, match=words):
        read_architecture(tmp_path)


def test_a_gguf_header_gives_the_same_numbers(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "tiny.gguf")
    shape = from_gguf(read_gguf_header(path), path)

    assert (shape.family, shape.layers, shape.hidden, shape.heads) == ("llama", 1, 32, 4)
    assert (shape.kv_heads, shape.intermediate, shape.vocab) == (2, 16, 100)
    assert (shape.tied, shape.max_length, shape.parameters) == (True, 64, 3200)


def test_a_gguf_file_without_layers_is_refused(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "tiny.gguf", layers=None)

    with pytest.raises(ModelProblem, match=r"llama\.block_count"):
        from_gguf(read_gguf_header(path), path)
