"""How the queue's programs are started."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.programs import command, environment, find

HEAVY = ("torch", "transformers", "peft", "gradio", "studio", "alembic")


@pytest.mark.parametrize("program", ["jobs.dispatcher", "jobs.runner", "jobs.task_process"])
def test_a_program_starts_from_any_folder_even_one_with_misleading_files(
    tmp_path: Path, program: str
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    answer = subprocess.run(
        command(program, "--help"), env=environment(), cwd=tmp_path, capture_output=True, text=True
    )
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("program", ["jobs.dispatcher", "jobs.runner", "jobs.task_process"])
def test_a_program_imports_nothing_heavy(program: str) -> None:
    code = f"import json, sys, {program}; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True)
    assert not set(HEAVY) & set(json.loads(answer.stdout))


def test_the_task_process_does_without_the_database() -> None:
    code = "import sys, jobs.task_process; print('sqlalchemy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True)
    assert answer.stdout.strip() == b"False"


def test_a_jobs_mark_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_JOB_ID", "1")
    assert "JOBS_JOB_ID" not in environment()


def test_a_thing_is_found_by_its_name() -> None:
    assert find("jobs.programs:find") is find
    with pytest.raises(ValueError, match="'module:NAME'"):
        find("jobs.programs")
