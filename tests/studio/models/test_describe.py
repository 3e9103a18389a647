"""What a folder or file is, and in which words a bad one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.models.describe import describe
from studio.models.origin import Origin
from tests.studio.models.folders import (
    PARAMETERS,
    make_folder,
    make_gguf,
    make_sharded_folder,
    weights,
)


def test_a_folder_is_described_from_its_headers(tmp_path: Path) -> None:
    model = describe(make_folder(tmp_path / "tiny"))

    assert (model.name, model.weights, model.parameters) == ("tiny", "safetensors", PARAMETERS)
    assert model.bytes == (tmp_path / "tiny" / "model.safetensors").stat().st_size
    assert model.architecture.parameters == PARAMETERS
    assert (model.licence, model.has_chat_template) == (None, False)


def test_shards_add_up_to_the_same_model(tmp_path: Path) -> None:
    assert describe(make_sharded_folder(tmp_path)).parameters == PARAMETERS


def test_an_output_layer_that_repeats_tied_embeddings_counts_once(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    folder = make_folder(tmp_path)
    head = {"lm_head.weight": next(iter(weights().values()))}
    save_file(weights() | head, folder / "model.safetensors")
    assert describe(folder).parameters == PARAMETERS

    make_folder(folder, tie_word_embeddings=False)
    save_file(weights() | head, folder / "model.safetensors")
    assert describe(folder).parameters == PARAMETERS + 80


def test_a_gguf_file_is_described_from_its_header(tmp_path: Path) -> None:
    model = describe(make_gguf(tmp_path / "tiny.gguf"))

    assert (model.name, model.weights, model.licence) == ("Tiny One", "gguf", "mit")
    assert (model.parameters, model.has_chat_template) == (3200, True)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("chat_template.jinja", "{{ messages }}"),
        ("tokenizer_config.json", '{"chat_template": "{{ messages }}"}'),
    ],
)
def test_a_chat_template_is_found_where_it_may_lie(tmp_path: Path, file: str, content: str) -> None:
    folder = make_folder(tmp_path)
    (folder / file).write_text(content, encoding="utf-8")

    assert describe(folder).has_chat_template


@pytest.mark.parametrize(
    ("file", "content", "licence"),
    [
        ("README.md", "---\nlanguage: en\nlicense: 'cc-by-4.0'\n---\n", "cc-by-4.0"),
        ("LICENSE", "   Apache License\n   Version 2.0\n", "apache-2.0"),
        ("LICENSE.txt", "MIT License\n\nCopyright\n", "mit"),
        ("LICENSE", "All rights reserved.", None),
    ],
)
def test_the_licence_is_read_from_the_card_or_the_licence_file(
    tmp_path: Path, file: str, content: str, licence: str | None
) -> None:
    folder = make_folder(tmp_path)
    (folder / file).write_text(content, encoding="utf-8")

    assert describe(folder).licence == licence


def test_a_prepared_model_says_its_own_title_and_licence(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    Origin("Tiny One", "starter", "1", "apache-2.0").write(folder)

    assert (describe(folder).name, describe(folder).licence) == ("Tiny One", "apache-2.0")


def test_a_folder_without_config_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "config.json").unlink()

    with pytest.raises(ModelProblem, match=r"holds no 'config\.json'.*Choose the folder"):
        describe(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_weights_that_are_only_pickles_are_refused_with_the_way_out(
    tmp_path: Path, name: str
) -> None:
    folder = make_folder(tmp_path)
    (folder / "model.safetensors").rename(folder / name)

    with pytest.raises(ModelProblem, match=rf"only as '{name}'.*save_pretrained"):
        describe(folder)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = make_sharded_folder(tmp_path)
    (folder / "model-00002-of-00002.safetensors").unlink()

    with pytest.raises(ModelProblem, match=r"1 of 2 .*'model-00002-of-00002\.safetensors'"):
        describe(folder)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "model.safetensors").unlink()

    with pytest.raises(ModelProblem, match="holds no weights"):
        describe(folder)


def test_a_folder_with_a_gguf_file_points_at_the_file(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "model.safetensors").unlink()
    make_gguf(folder / "tiny.gguf")

    with pytest.raises(ModelProblem, match=r"choose .*tiny\.gguf itself"):
        describe(folder)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "tokenizer.json").unlink()

    with pytest.raises(ModelProblem, match="no tokenizer"):
        describe(folder)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"PK")

    with pytest.raises(ModelProblem, match="single file"):
        describe(tmp_path / "model.zip")


def test_a_place_where_nothing_is_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="nothing at"):
        describe(tmp_path / "nowhere")
