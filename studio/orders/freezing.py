"""Freezing: a spec's data becomes a kept dataset, its columns a mapping; what cannot train is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from studio.data.columns import CONFIDENT, WANTED, check_columns
from studio.data.inspection import inspect
from studio.data.progress import Progress, silent
from studio.data.table import Table
from studio.data.usable import Usable
from studio.errors import AskedWrongly, DataProblem, FieldProblem
from studio.library import Library
from studio.library.hub import PREFIX, place_of
from studio.objectives import OBJECTIVES, ObjectiveSettings
from studio.settings import Home
from studio.spec import DataChoice, ObjectiveChoice, TrainSpec
from studio.worker import apart

# Fewer usable rows than this cannot be trained on: one would be held out and nothing left to learn.
FEWEST_ROWS = 4


Freeze = Callable[[TrainSpec, Library, Progress], TrainSpec]


def freeze_data(spec: TrainSpec, library: Library, on_progress: Progress = silent) -> TrainSpec:
    """The spec with its data kept: `dataset` and `columns` filled in, checked to give rows to train on.

    What the objective's settings leave to the data (the labels, say) is filled in as well. The rows are
    gone through, never held. `on_progress` hears the share done and with what it is busy; what it raises
    ends this. Raises AskedWrongly, each problem at its field.
    """
    if spec.data.dataset is not None:
        choice, usable = _kept(spec.data, spec.objective, library, _part(on_progress, 0.0, 0.4))
    elif spec.data.path is not None:
        choice, usable = _from_file(
            spec.data, spec.objective, library, _part(on_progress, 0.0, 0.4)
        )
    else:
        words = "Name a data file (data.path) or a kept dataset (data.dataset)."
        raise AskedWrongly(words, code="spec", fields=[FieldProblem("data.path", words)])
    hash_ = str(choice.dataset)
    splitting = replace(usable, on_progress=_part(on_progress, 0.4, 0.8))
    split = library.versions.freeze_split(splitting, hash_, choice.held_out, choice.seed)
    if choice.licence:
        library.set_licence(hash_, choice.licence)
    training = replace(
        usable,
        count=usable.count - len(split.rows),
        left_out=split.rows,
        on_progress=_part(on_progress, 0.8, 1.0),
    )
    data = choice.model_copy(update={"split": split.name})
    return replace(spec, data=data, objective=spec.objective.settled(training))


def freeze_apart(spec: TrainSpec, library: Library, on_progress: Progress = silent) -> TrainSpec:
    """`freeze_data` by a process apart: a page server neither reads the rows nor holds them.

    Raises as `freeze_data` and as `studio.worker.apart.call`.
    """
    return apart.call(_freeze_in, library.home, spec, on_progress=on_progress)


def _freeze_in(home: Home, spec: TrainSpec, on_progress: Progress) -> TrainSpec:
    with closing(Library(home)) as library:
        return freeze_data(spec, library, on_progress)


def objection(
    table: Table,
    roles: dict[str, str],
    objective: str,
    settings: ObjectiveSettings,
    count: int,
    on_progress: Progress = silent,
) -> str:
    """Why the goal cannot be reached with the `count` usable rows of a table (one label only, say), in
    words; empty where it can."""
    usable = Usable(table.rows, roles, objective, count, on_progress=on_progress)
    try:
        OBJECTIVES[objective].settle(settings, usable)
    except AskedWrongly as error:
        return error.words
    return ""


def _from_file(
    choice: DataChoice, objective: ObjectiveChoice, library: Library, on_progress: Progress
) -> tuple[DataChoice, Usable]:
    path = place_of(str(choice.path), library.home)
    kept = library.import_file(
        path, choice.part, progress=lambda rows: on_progress(0.0, f"{rows:,} rows read")
    )
    found = inspect(kept.table, choice.columns, objective.name, on_progress)
    if not choice.columns and found.mapping.confidence < CONFIDENT:
        words = (
            f"{path.name}: it is not clear which columns hold {WANTED[objective.name]}. "
            f"{found.mapping.reason} Choose them by hand; the columns are: "
            f"{', '.join(found.table.columns)}."
        )
        raise DataProblem(words, fields=[FieldProblem("data.columns", words)])
    _refuse_too_few(found.ready, len(found.table.rows), path.name)
    frozen = {
        "path": choice.path if str(choice.path).startswith(PREFIX) else str(path),
        "dataset": kept.dataset.hash,
        "columns": dict(found.mapping.roles),
    }
    roles, aim = found.mapping.roles, found.mapping.objective
    usable = Usable(kept.table.rows, roles, aim, found.ready)
    return choice.model_copy(update=frozen), usable


def _kept(
    choice: DataChoice, objective: ObjectiveChoice, library: Library, on_progress: Progress
) -> tuple[DataChoice, Usable]:
    kept = library.dataset(str(choice.dataset))
    if not choice.columns:
        words = f"Name the columns to train on; the dataset has: {', '.join(kept.columns)}."
        raise DataProblem(words, fields=[FieldProblem("data.columns", words)])
    problems = check_columns(kept.columns, choice.columns, objective.name)
    if problems:
        words = " ".join(problem.words for problem in problems)
        raise DataProblem(f"{kept.name}: {words}", fields=problems)
    on_progress(0.0, "Comparing the kept rows with what was kept")
    rows = library.open(kept.hash)
    found = Usable(rows, choice.columns, objective.name, len(rows), on_progress=on_progress)
    usable = replace(found, count=sum(1 for _ in found))
    _refuse_too_few(usable.count, len(rows), kept.name)
    return choice, usable


def _part(on_progress: Progress, begin: float, end: float) -> Progress:
    """The progress of a part of the whole, which takes it from one share to another."""
    return lambda share, words: on_progress(begin + share * (end - begin), words)


def _refuse_too_few(usable: int, rows: int, name: str) -> None:
    if usable < FEWEST_ROWS:
        words = (
            f"{name}: {usable} of {rows} rows can be trained on; at least {FEWEST_ROWS} are needed, and "
            "a few dozen before anything dependable is learnt. Add rows, or check the columns."
        )
        raise DataProblem(words, fields=[FieldProblem("data.path", words)])
