"""A GGUF file becomes a folder with the same weights, words and template."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from gguf import GGUFReader, get_tensor_name_map
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.errors import ModelProblem
from studio.models import convert
from studio.models.convert import convert_gguf
from studio.models.describe import describe
from studio.models.origin import Origin, read_origin
from studio.models.source import resolve
from studio.settings import Home
from tests import tiny
from tests.studio.models.folders import make_gguf
from tests.studio.models.ggufs import write_gguf

ORIGIN = Origin("Tiny One", "tiny.gguf", "files:0", "mit")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def gguf_file(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(original, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def converted(gguf_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "gguf-0"
    convert_gguf(gguf_file, folder, origin=ORIGIN, log=lambda _: None)
    return folder


def test_the_logits_are_those_of_the_original(original: Path, converted: Path) -> None:
    ids = torch.arange(4, 40)[None]
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(original)(ids).logits
        found = AutoModelForCausalLM.from_pretrained(converted)(ids).logits

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_the_tokenizer_reads_a_chat_as_the_original_does(original: Path, converted: Path) -> None:
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is the lamp for 45 euros still in stock? Grüße"},
    ]
    expected, found = (
        AutoTokenizer.from_pretrained(folder).apply_chat_template(chat, add_generation_prompt=True)
        for folder in (original, converted)
    )

    assert found == expected


def test_begin_end_and_padding_arrive_in_every_file(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    settings = json.loads((converted / "generation_config.json").read_text(encoding="utf-8"))

    assert tokenizer.eos_token == tiny.END_OF_TURN
    assert tokenizer.pad_token == "<|padding|>"
    assert tokenizer.model_max_length == tiny.MAX_LENGTH
    assert settings["eos_token_id"] == tokenizer.eos_token_id
    assert settings["pad_token_id"] == tokenizer.pad_token_id
    assert settings["bos_token_id"] == tokenizer.bos_token_id


def test_of_its_past_as_gguf_no_trace_is_left(original: Path, converted: Path) -> None:
    config, before = (
        json.loads((folder / "config.json").read_text(encoding="utf-8"))
        for folder in (converted, original)
    )

    assert "quantization_config" not in config
    assert "_model_name_or_path" not in config
    assert config["rms_norm_eps"] == before["rms_norm_eps"] == 1e-6
    assert config["dtype"] == "float32"


def test_digits_stand_alone_also_after_blanks_and_line_ends(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)

    pieces = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("in  2026\n\n12")

    assert [piece for piece, _ in pieces] == ["in", "ĠĠ", *"2026", "ĊĊ", *"12"]


def test_the_folder_describes_itself_with_its_origin(converted: Path) -> None:
    assert read_origin(converted) == ORIGIN
    assert describe(converted).name == "Tiny One"
    assert describe(converted).has_chat_template


@pytest.mark.long
def test_the_starter_answers_in_sensible_english(tmp_path: Path) -> None:
    model = resolve("starter", None, Home(tmp_path))
    assert model.gguf is not None
    convert_gguf(model.gguf, model.target, origin=model.origin, log=lambda _: None)
    network = AutoModelForCausalLM.from_pretrained(model.target)
    tokenizer = AutoTokenizer.from_pretrained(model.target)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )

    answered = network.generate(**asked, max_new_tokens=20, do_sample=False)

    new = answered[0, asked["input_ids"].shape[1] :]
    assert tokenizer.decode(new) == "The capital of France is Paris.<|im_end|>"


def test_what_is_there_is_not_made_again(gguf_file: Path, converted: Path) -> None:
    said: list[str] = []
    convert_gguf(gguf_file, converted, origin=ORIGIN, log=said.append)

    assert said == [f"{converted} is ready already."]


def test_a_file_s_head_is_gone_through_once_and_its_table_of_names_made_once(
    gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[object] = []
    tables: list[object] = []
    own_table = get_tensor_name_map

    def counted(*arguments: Any) -> Any:
        tables.append(arguments)
        return own_table(*arguments)

    class Counted(GGUFReader):
        def __init__(self, *arguments: object) -> None:
            readings.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr("gguf.GGUFReader", Counted)
    monkeypatch.setattr("gguf.get_tensor_name_map", counted)
    convert_gguf(gguf_file, tmp_path / "folder", origin=ORIGIN, log=lambda _: None)

    assert len(readings) == len(tables) == 1


def test_a_folder_of_someone_else_s_is_left_alone(gguf_file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()

    with pytest.raises(ModelProblem, match="in the way"):
        convert_gguf(gguf_file, tmp_path / "mine", log=lambda _: None)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_an_architecture_that_nobody_knows_is_named(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "tiny.gguf", architecture="perceptron")

    with pytest.raises(ModelProblem, match="architecture is 'perceptron'"):
        convert_gguf(path, tmp_path / "models" / "tiny", log=lambda _: None)
    assert not (tmp_path / "models" / "tiny").exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_disk_that_fills_up_is_named_and_nothing_stays(
    gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(convert, "_save", full)

    with pytest.raises(ModelProblem, match=r"disk is full.*--home") as problem:
        convert_gguf(gguf_file, tmp_path / "models" / "tiny", log=lambda _: None)
    assert problem.value.code == "disk_full"
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == []


def test_a_disk_too_small_is_named_before_anything_is_unpacked(
    gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("usage", (), {"free": 1000, "total": 2000, "used": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    said: list[str] = []

    with pytest.raises(ModelProblem, match="disk is full"):
        convert_gguf(gguf_file, tmp_path / "models" / "tiny", log=said.append)
    assert said == []


def test_killed_while_it_writes_it_leaves_nothing_that_counts_and_the_next_one_cleans_up(
    gguf_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "tiny"
    code = (
        "import sys, time; from pathlib import Path; from studio.models import convert\n"
        "convert.describe = lambda _: time.sleep(60)\n"
        "convert.convert_gguf(Path(sys.argv[1]), Path(sys.argv[2]), log=print)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(gguf_file), str(folder)])
    deadline = time.monotonic() + 120
    while not list(folder.parent.glob(".tiny.*.partial/whetstone.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not folder.exists()
    convert_gguf(gguf_file, folder, log=lambda _: None)

    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == ["tiny"]
