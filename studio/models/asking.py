"""The Hub is asked what a branch stands for now, by a process of its own.

The page server keeps huggingface_hub switched off for good: pages send nothing off this machine.
A person who types a Hub id does want it asked, so it is asked beside the page, with a time limit.
"""

from __future__ import annotations

import json
import subprocess

from jobs import programs
from studio.errors import ModelProblem

_PROGRAM = "studio.models.fetch"
_TIMEOUT_S = 60.0


def ask_for_commit(repo_id: str, revision: str | None) -> str:
    """The commit that `revision` of `repo_id` (None: its main branch) stands for now.

    Raises ModelProblem when the Hub cannot be reached, or knows no such model.
    """
    command = programs.command(_PROGRAM, repo_id, *([revision] if revision else []))
    try:
        answer = subprocess.run(
            command,
            env=programs.environment(),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            encoding="utf-8",
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelProblem(
            f"The Hub did not answer within {_TIMEOUT_S:.0f} seconds when asked for '{repo_id}'. "
            "Try again, or choose a model that is here: python launch.py models.",
            code="offline",
        ) from error
    said = json.loads(answer.stdout)
    if "commit" not in said:
        raise ModelProblem(said["words"], code=said["code"])
    return str(said["commit"])
