"""Installed: whether the packages that a spec's extras need are there."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from studio.errors import AskedWrongly, FieldProblem
from studio.spec.choices import LoggerChoice


def require_installed(choices: Sequence[LoggerChoice]) -> None:
    """Raises AskedWrongly naming every chosen logger whose package is missing, and how to get it."""
    problems = [
        FieldProblem(
            "loggers",
            f"{choice.logger.title} is not installed here. Install it with "
            f'"{sys.executable}" -m pip install "{choice.logger.requirement}", or leave it out.',
        )
        for choice in choices
        if not choice.logger.is_installed
    ]
    if problems:
        words = " ".join(problem.words for problem in problems)
        raise AskedWrongly(words, code="logger_missing", fields=problems)
