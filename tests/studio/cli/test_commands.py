"""The commands one by one: the contract's documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.models import JobState
from jobs.moments import written
from studio.cli.exits import exit_code
from studio.orders import Orders
from studio.settings import Home
from tests import tiny
from tests.studio.cli.test_main import asked


def test_methods_models_and_doctor_answer_in_the_contracts_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    methods = asked(capsys, "methods", "--home", tmp_path)[1]
    assert {"lora", "full"} <= {method["name"] for method in methods}
    rank = next(
        s for m in methods if m["name"] == "lora" for s in m["settings"] if s["name"] == "rank"
    )
    assert rank | {"default": 16, "minimum": 1, "maximum": 1024} == rank

    models = asked(capsys, "models", "--home", tmp_path)[1]
    assert models[0]["source"] == "starter"
    assert set(models[0]) == {"name", "source", "parameters", "bytes", "licence"}

    code, findings = asked(capsys, "doctor", "--home", tmp_path)
    assert code == 0
    assert all(set(finding) == {"name", "value", "ok", "words"} for finding in findings)


def test_data_says_what_a_file_holds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tiny.write_csv(tmp_path / "rows.csv", 24, columns=("alpha", "beta"), separator=";")

    code, found = asked(
        capsys, "data", file, "--column", "prompt=alpha", "--column", "response=beta"
    )

    assert code == 0
    assert found["mapping"] == {"prompt": "alpha", "response": "beta"}
    assert (found["format"], found["objective"], found["rows"], found["ready"]) == (
        "csv",
        "chat",
        24,
        24,
    )


def test_data_names_what_the_checks_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tiny.write_csv(tmp_path / "rows.csv", 24)
    with open(file, "a", encoding="utf-8") as more:
        more.write("Where do I write to?,To ana.b@shop.example\nWhat of this?,\n")

    code, found = asked(capsys, "data", file)

    problems = {problem["check"]: problem for problem in found["problems"]}
    assert code == 0
    assert (found["rows"], found["usable"], found["ready"]) == (26, 25, 24)
    assert found["words"] == "24 of 26 rows are ready; 2 need a look."
    assert problems["personal"]["rows"] == [26]
    assert problems["empty"]["rows"] == [27]
    assert all({"check", "count", "rows", "words"} <= set(problem) for problem in found["problems"])


@pytest.mark.parametrize("arguments", [["nothing.csv"], ["rows.csv", "--column", "prompt"]])
def test_a_data_file_or_column_that_cannot_be_used_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tiny.write_csv(tmp_path / "rows.csv", 9)

    assert asked(capsys, "data", tmp_path / arguments[0], *arguments[1:])[0] == 2


def test_a_job_is_set_for_later_and_then_for_now_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = Home(tmp_path / "home").prepare()
    queue = Orders(home).queue
    store = queue.store
    job = store.enqueue("fetch", {}, slot_kind="none")  # nothing here offers such a slot

    code, _ = asked(
        capsys,
        "jobs",
        "schedule",
        job.id,
        "--not-before",
        "2099-12-24 18:00",
        "--home",
        tmp_path / "home",
    )
    assert code == 0
    assert written(store.job(job.id).run_after) == "2099-12-24 18:00"
    code, answer = asked(
        capsys, "jobs", "schedule", job.id, "--not-before", "soon", "--home", tmp_path / "home"
    )
    assert code == 2
    assert "is no moment" in answer["error"]["words"]
    asked(capsys, "jobs", "schedule", job.id, "--home", tmp_path / "home")
    assert store.job(job.id).run_after == 0
    # A dispatcher that has only begun to start cannot be told to stop, but leaves once nothing waits.
    store.cancel(job.id)
    queue.stop_dispatcher()


def test_a_command_that_waited_ends_as_its_job_did() -> None:
    ends = {state: exit_code(state) for state in JobState if state.is_ended or state == "paused"}

    assert ends == {
        JobState.SUCCEEDED: 0,
        JobState.FAILED: 1,
        JobState.CANCELLED: 3,
        JobState.PAUSED: 3,
    }
