"""A dataset of the Hub that a command names is fetched before anything else is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli.main import main
from tests import tiny
from tests.studio.models.hub import COMMIT, serving


def test_the_command_data_reads_a_dataset_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "repository"
    place.mkdir()
    tiny.write_csv(place / "train.csv", 12)
    home = tmp_path / "home"
    with serving(place) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        assert main(["data", "hub:owner/tiny", "--json", "--home", str(home)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["format"], told["objective"]) == (12, "folder", "chat")
    assert (home / "datasets" / f"hub--owner--tiny--{COMMIT}" / "train.csv").is_file()


def test_a_name_that_the_hub_does_not_have_exits_2_with_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "hub:wrong", "--json", "--home", str(tmp_path / "home")]) == 2
    assert "names no dataset of the Hub" in json.loads(capsys.readouterr().out)["error"]["words"]
