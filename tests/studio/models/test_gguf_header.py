"""Reading GGUF headers, whole and broken, beside the gguf package's own reader."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from studio.errors import ModelProblem
from studio.models.gguf_header import _BLOCKS, ArrayLength, read_gguf_header
from tests.studio.models.folders import make_gguf


def test_the_header_is_what_the_gguf_package_reads(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "tiny.gguf")
    header, theirs = read_gguf_header(path), gguf.GGUFReader(path)

    for name, field in theirs.fields.items():
        if not name.startswith("GGUF.") and name != "tokenizer.ggml.tokens":
            assert header.metadata[name] == field.contents()
    assert [(tensor.name, list(tensor.shape)) for tensor in header.tensors] == [
        (tensor.name, tensor.shape.tolist()) for tensor in theirs.tensors
    ]


def test_a_long_array_is_kept_as_its_length(tmp_path: Path) -> None:
    header = read_gguf_header(make_gguf(tmp_path / "tiny.gguf"))

    assert header.metadata["tokenizer.ggml.tokens"] == ArrayLength(100)


def test_the_sizes_of_blocks_are_those_of_the_gguf_package() -> None:
    theirs = {kind.value: sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}

    assert {number: theirs[number] for number in _BLOCKS} == _BLOCKS


@pytest.mark.parametrize("kept_share", [0.01, 0.2, 0.5, 0.99])
def test_a_file_cut_short_is_named(tmp_path: Path, kept_share: float) -> None:
    path = make_gguf(tmp_path / "tiny.gguf")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept_share * len(content))])

    with pytest.raises(ModelProblem, match="cut short"):
        read_gguf_header(path)


def test_another_file_by_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>Not found</html>", encoding="utf-8")

    with pytest.raises(ModelProblem, match="is not a GGUF file"):
        read_gguf_header(tmp_path / "page.gguf")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()

    with pytest.raises(ModelProblem, match="is not a GGUF file"):
        read_gguf_header(tmp_path / "empty.gguf")


def test_an_old_version_is_refused_with_its_number(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "tiny.gguf")
    content = bytearray(path.read_bytes())
    content[4] = 1
    path.write_bytes(content)

    with pytest.raises(ModelProblem, match="GGUF version 1"):
        read_gguf_header(path)


def test_a_folder_is_no_gguf_file(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="cannot be read"):
        read_gguf_header(tmp_path)
