"""Kept encodings: found by what they were made of, never another's, never too many."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training.kept_encodings import KeptEncodings, key_of
from studio.training.loading import load_tokenizer
from studio.training.packed_rows import PackedRows
from tests import tiny

ROWS = PackedRows.of([Encoded([1, 2, 3], [0, 1, 1])] * 100)
COLUMNS = {"prompt": "q", "response": "a"}


def key(
    dataset: str = "d",
    columns: dict[str, str] = COLUMNS,
    objective: Any = "chat",
    tokenizer: Any = None,
) -> str:
    choice = TrainSpec.parse({"objective": objective}).objective
    return key_of(dataset, columns, choice, tokenizer or tiny.make_tokenizer())


def test_the_name_is_the_same_for_the_same_and_another_for_everything_else() -> None:
    templated, spoken = tiny.make_tokenizer(), tiny.make_tokenizer()
    templated.chat_template += " "
    spoken.add_tokens(["zebra"])
    others = [
        key(dataset="e"),
        key(columns={"prompt": "a", "response": "q"}),
        key(objective="text"),
        key(objective={"name": "text", "overlap": 3}),
        key(tokenizer=templated),
        key(tokenizer=spoken),
    ]

    assert key() == key(tokenizer=tiny.make_tokenizer(), columns=dict(reversed(COLUMNS.items())))
    assert len({key(), *others}) == 1 + len(others)


def test_a_tokenizer_from_files_is_known_by_them_and_by_what_was_done_to_it(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    first, weights = key(tokenizer=load_tokenizer(folder)), folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert key(tokenizer=load_tokenizer(folder)) == first, "weights write no text"

    spoken = load_tokenizer(folder)
    spoken.add_tokens(["zebra"])
    file = folder / "tokenizer.json"
    file.write_text(file.read_text("utf-8") + " ", "utf-8")
    assert len({first, key(tokenizer=spoken), key(tokenizer=load_tokenizer(folder))}) == 3


def test_what_is_kept_is_found_and_what_was_damaged_is_removed(tmp_path: Path) -> None:
    kept = KeptEncodings(tmp_path)
    assert kept.find("a") is None
    assert kept.keep("a", ROWS)
    assert kept.keep("a", ROWS), "another process was quicker"
    found = kept.find("a")
    assert found is not None
    assert list(found) == list(ROWS)

    with open(tmp_path / "a" / "tokens.npy", "ab") as file:
        file.write(b"x")
    assert kept.find("a") is None
    assert not (tmp_path / "a").exists()


def test_what_was_not_wanted_for_the_longest_time_makes_room(tmp_path: Path) -> None:
    KeptEncodings(tmp_path).keep("a", ROWS)
    size = sum(file.stat().st_size for file in (tmp_path / "a").iterdir())
    kept = KeptEncodings(tmp_path, limit_bytes=int(2.5 * size))
    kept.keep("b", ROWS)
    os.utime(tmp_path / "b", (1, 1))
    assert kept.find("a") is not None
    kept.keep("c", ROWS)

    assert sorted(place.name for place in tmp_path.iterdir()) == ["a", "c"]
    assert not KeptEncodings(tmp_path, limit_bytes=10).keep("d", ROWS)


def test_a_place_that_cannot_be_written_to_only_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert not KeptEncodings(tmp_path / "file").keep("a", ROWS)


def test_a_template_that_writes_the_day_has_names_that_last_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dated = tiny.make_tokenizer()
    dated.chat_template = "{{ strftime_now('%d') }}"
    today = key(tokenizer=dated)
    monkeypatch.setattr("time.strftime", lambda form: "1999-01-01")

    assert key(tokenizer=dated) != today
