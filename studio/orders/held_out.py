"""The rows that a queued run never trains on, as questions that a person may put to its model."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import Any

from studio.data.progress import Progress, silent
from studio.data.split import group_of
from studio.data.usable import Usable
from studio.library import Library
from studio.settings import Home
from studio.spec import DataChoice

# Of a text to be continued so much is asked.
_WORDS = 12


def held_out_questions(
    home: Home, choice: DataChoice, objective: str, most: int, on_progress: Progress = silent
) -> list[str]:
    """The first `most` questions of the held-out rows of a spec as it was queued.

    Rows are read until those are found, none is held. Raises DataProblem where the dataset is gone or was
    changed.
    """
    if choice.dataset is None or not choice.columns or choice.split is None:
        return []
    with closing(Library(home)) as library:
        groups = library.versions.groups(choice.split)
        rows = library.open(choice.dataset)
        examples = Usable(rows, choice.columns, objective, len(rows), on_progress=on_progress)
        held_out = (example for example in examples if group_of(example) in groups)
        return [_opening(example) for example in islice(held_out, most)]


def _opening(example: Any) -> str:
    """What a person would type: the last question, the text, or of a mere text its first words."""
    turns = getattr(example, "prompt", ())
    said = turns[-1].content if turns else example.question
    return str(said or " ".join(example.answer.split()[:_WORDS]))
