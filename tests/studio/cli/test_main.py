"""The way into every command: one form of answer, one form of error, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.cli.commands import COMMANDS
from studio.cli.main import main

# The contract's commands; `open` is what happens without one.
CONTRACT = {
    *("demo", "doctor", "models", "methods", "data", "estimate", "rate", "train"),
    *("jobs", "export", "evaluate", "chat", "combine"),
}


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    """Run with `--json`; the exit code and the one document on standard output."""
    code = main([str(argument) for argument in arguments] + ["--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_command_of_the_contract_is_there() -> None:
    assert set(COMMANDS) == CONTRACT | {"open"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["export"],
        ["jobs", "show"],
        ["jobs", "dance", "1"],
        ["chat", "x", "--prompt", "p"],
        ["combine", "3"],
        ["combine", "3=half"],
        ["combine", "3=1", "3=2"],
    ],
)
def test_what_is_asked_wrongly_ends_with_2_and_the_contracts_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, document = asked(capsys, "--home", tmp_path, *arguments)

    assert code == 2
    assert set(document["error"]) == {"code", "words", "fields"}


@pytest.mark.parametrize("verb", ["show", "cancel", "pause", "resume", "retry", "log"])
def test_a_job_that_is_not_there_is_said_to_be_so(
    verb: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, document = asked(capsys, "jobs", verb, 7, "--home", tmp_path)

    assert (code, document["error"]["code"]) == (2, "no_such_job")
    assert "7" in document["error"]["words"]


def test_a_room_that_stands_empty_ends_with_1_and_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, document = asked(capsys, "evaluate", 1, "--home", tmp_path)

    assert (code, document["error"]["code"]) == (1, "not_built")


def test_a_spec_is_refused_with_all_its_errors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text('{"methd": 1, "training": {"epochs": 0}}', encoding="utf-8")

    for command in ("train", "estimate"):
        code, document = asked(capsys, command, spec, "--home", tmp_path / "home")
        assert code == 2
        assert {p["field"] for p in document["error"]["fields"]} == {"methd", "training.epochs"}


def test_a_home_that_cannot_be_written_to_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file")

    code, document = asked(capsys, "jobs", "--home", tmp_path / "home")

    assert (code, document["error"]["code"]) == (2, "home")


def test_without_json_words_for_people_come_instead(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["jobs", "--home", str(tmp_path)]) == 0
    assert "The queue is empty" in capsys.readouterr().out
    assert main(["jobs", "show", "7", "--home", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "There is no job 7" in captured.err
