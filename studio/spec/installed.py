"""Installed: whether the packages that a spec's extras need are there."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from studio import libraries
from studio.errors import AskedWrongly, FieldProblem
from studio.spec.choices import LoggerChoice

LIGER, LIGER_REQUIREMENT = "liger_kernel", "liger-kernel>=0.8.5,<0.9"


def require_installed(choices: Sequence[LoggerChoice], kernels: str = "own") -> None:
    """Raises AskedWrongly naming each chosen thing whose package is missing, and how to get it."""
    problems = [
        FieldProblem(
            "loggers", _words(choice.logger.title, choice.logger.requirement, "leave it out")
        )
        for choice in choices
        if not choice.logger.is_installed
    ]
    if kernels == "liger" and not libraries.is_installed(LIGER):
        words = _words("Liger Kernel", LIGER_REQUIREMENT, 'use "own"')
        problems.append(FieldProblem("training.kernels", words))
    if problems:
        words = " ".join(problem.words for problem in problems)
        raise AskedWrongly(words, code="package_missing", fields=problems)


def _words(title: str, requirement: str, otherwise: str) -> str:
    return (
        f"{title} is not installed here. Install it with "
        f'"{sys.executable}" -m pip install "{requirement}", or {otherwise}.'
    )
