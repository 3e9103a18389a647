"""Reading safetensors headers, whole and broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.models.safetensors_header import names_in_index, read_header, shard_names
from tests.studio.models.folders import EMBEDDINGS, PARAMETERS, make_folder, make_sharded_folder


def test_names_types_and_shapes_are_those_that_were_saved(tmp_path: Path) -> None:
    header = read_header(make_folder(tmp_path) / "model.safetensors")
    tensors = {tensor.name: tensor for tensor in header.tensors}

    assert (tensors[EMBEDDINGS].dtype, tensors[EMBEDDINGS].shape) == ("F32", (10, 8))
    assert sum(tensor.elements for tensor in header.tensors) == PARAMETERS


@pytest.mark.parametrize("kept_bytes", [0, 5, 8, 30])
def test_a_header_cut_short_is_named(tmp_path: Path, kept_bytes: int) -> None:
    path = make_folder(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept_bytes])

    with pytest.raises(ModelProblem, match="cut short"):
        read_header(path)


def test_missing_weights_are_counted(tmp_path: Path) -> None:
    path = make_folder(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(ModelProblem, match="100 bytes are missing"):
        read_header(path)


@pytest.mark.parametrize(
    "header", [b"not json", b"[]", b'{"a": {}}', b'{"a": {"data_offsets": [0], "shape": []}}']
)
def test_a_header_that_is_none_is_named(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)

    with pytest.raises(ModelProblem, match="not one of safetensors"):
        read_header(path)


def test_a_pickle_with_the_ending_of_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\x80\x04\x95" + b"\xff" * 200)

    with pytest.raises(ModelProblem, match="is damaged"):
        read_header(path)


def test_an_index_gives_its_files_once_each(tmp_path: Path) -> None:
    assert shard_names(make_sharded_folder(tmp_path)) == (
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    )


@pytest.mark.parametrize(
    "index",
    [{}, {"weight_map": {}}, {"weight_map": {"a": "../a.safetensors"}}, {"weight_map": {"a": 1}}],
)
def test_an_index_that_names_nothing_usable_is_refused(tmp_path: Path, index: object) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps(index), encoding="utf-8")

    with pytest.raises(ModelProblem, match="is damaged"):
        names_in_index(path)
