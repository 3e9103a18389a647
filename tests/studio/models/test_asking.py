"""Asking the Hub from a process whose own huggingface_hub is switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.models import asking
from studio.models.asking import ask_for_commit
from tests.studio.models.folders import make_folder
from tests.studio.models.hub import COMMIT, StandIn, serving


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with serving(make_folder(tmp_path / "repository")) as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.address)
        yield standin


def test_a_branch_is_pinned_to_its_commit(hub: StandIn) -> None:
    assert ask_for_commit("owner/tiny", None) == COMMIT


def test_a_problem_arrives_with_its_words_and_code(hub: StandIn) -> None:
    with pytest.raises(ModelProblem, match="not the revision") as problem:
        ask_for_commit("owner/tiny", "no-such-branch")
    assert problem.value.code == "not_found"


def test_a_process_that_switched_its_library_off_can_ask_all_the_same(hub: StandIn) -> None:
    code = (
        "import os; os.environ['HF_HUB_OFFLINE'] = '1'\n"
        "import huggingface_hub; del os.environ['HF_HUB_OFFLINE']\n"
        "from studio.models.asking import ask_for_commit\n"
        "print(ask_for_commit('owner/tiny', None))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == COMMIT


def test_a_hub_that_never_answers_is_given_up(
    hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_TIMEOUT_S", 0.01)

    with pytest.raises(ModelProblem, match="did not answer") as problem:
        ask_for_commit("owner/tiny", None)
    assert problem.value.code == "offline"


def test_whoever_only_asks_does_not_pay_for_the_library() -> None:
    code = "import sys, studio.models.asking; print('huggingface_hub' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "False"
