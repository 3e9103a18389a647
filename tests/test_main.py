"""The summary at the end of `python launch.py test`, and what its exit code says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.__main__ import Outcome, main, side_by_side, summary


def test_the_last_line_adds_up_all_tests_in_pytests_own_form() -> None:
    outcomes = [
        Outcome("types", "passed", 20.0),
        Outcome("tests", "failed", 61.5, "1 failed, 40 passed, 2 skipped in 61.2s (0:01:01)"),
        Outcome("journeys", "passed", 30.0, "2 passed, 3 deselected in 29.0s"),
    ]

    assert summary(outcomes, 91.5)[-1] == "===== 1 failed, 42 passed, 2 skipped in 91.50s ====="


def test_a_check_that_failed_counts_as_a_failure() -> None:
    outcomes = [Outcome("types", "failed", 2.0), Outcome("tests", "passed", 1.0, "4 passed in 1s")]

    assert summary(outcomes, 3.0)[-1] == "===== 1 failed, 4 passed in 3.00s ====="


def test_journeys_without_a_browser_are_called_not_run() -> None:
    lines = summary([Outcome("journeys", "NOT RUN", closing="no browser was found")], 0.0)

    assert any("journeys     NOT RUN" in line and "no browser" in line for line in lines)


@pytest.mark.parametrize(("ci", "is_good"), [("true", False), ("", True)])
def test_journeys_not_run_are_a_failure_in_ci_only(
    ci: str, is_good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)

    assert Outcome("journeys", "NOT RUN").is_good is is_good


def test_naming_a_test_runs_that_one_alone(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["tests/test_main.py", "-k", "counts_as_a_failure"])

    said = capfd.readouterr().out
    assert code == 0
    assert said.splitlines()[-1].startswith("===== 1 passed in ")
    assert "ruff" not in said


def test_tests_run_in_as_many_processes_as_cores_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def processes(cores: int, gigabytes: int) -> str:
        memory = SimpleNamespace(total=gigabytes * 10**9)
        monkeypatch.setattr("os.cpu_count", lambda: cores)
        monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
        return side_by_side()[1]

    assert processes(2, 24) == "2"
    assert processes(16, 9) == "2"
    assert processes(64, 512) == "8"
    assert processes(4, 2) == "1"
