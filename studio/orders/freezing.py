"""Freezing: a spec's data becomes a kept dataset, its columns a mapping; what cannot train is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from studio.data.columns import CONFIDENT, WANTED, check_columns
from studio.data.examples import build
from studio.data.inspection import inspect
from studio.errors import AskedWrongly, DataProblem, FieldProblem
from studio.library import Library
from studio.library.hub import PREFIX, place_of
from studio.spec import DataChoice, ObjectiveChoice, TrainSpec

# Fewer usable rows than this cannot be trained on: one would be held out and nothing left to learn.
FEWEST_ROWS = 4


def freeze_data(spec: TrainSpec, library: Library) -> TrainSpec:
    """The spec with its data kept: `dataset` and `columns` filled in, checked to give rows to train on.

    What the objective's settings leave to the data (the labels, say) is filled in as well.
    Raises AskedWrongly, each problem at its field.
    """
    if spec.data.dataset is not None:
        data, examples = _kept(spec.data, spec.objective, library)
    elif spec.data.path is not None:
        data, examples = _from_file(spec.data, spec.objective, library)
    else:
        words = "Name a data file (data.path) or a kept dataset (data.dataset)."
        raise AskedWrongly(words, code="spec", fields=[FieldProblem("data.path", words)])
    name = library.versions.freeze_split(examples, str(data.dataset), data.held_out, data.seed)
    data = data.model_copy(update={"split": name})
    if data.licence:
        library.set_licence(str(data.dataset), data.licence)
    parts = library.versions.split(
        examples, str(data.dataset), data.held_out, data.seed, data.split
    )
    return replace(spec, data=data, objective=spec.objective.settled(parts.training))


def _from_file(
    choice: DataChoice, objective: ObjectiveChoice, library: Library
) -> tuple[DataChoice, tuple[Any, ...]]:
    path = place_of(str(choice.path), library.home)
    kept = library.import_file(path, choice.part)
    found = inspect(kept.table, choice.columns, objective.name)
    if not choice.columns and found.mapping.confidence < CONFIDENT:
        words = (
            f"{path.name}: it is not clear which columns hold {WANTED[objective.name]}. "
            f"{found.mapping.reason} Choose them by hand; the columns are: "
            f"{', '.join(found.table.columns)}."
        )
        raise DataProblem(words, fields=[FieldProblem("data.columns", words)])
    _refuse_too_few(found.ready, len(found.table.rows), path.name)
    examples = build(found.table.rows, found.mapping.roles, found.mapping.objective).examples
    frozen = {
        "path": choice.path if str(choice.path).startswith(PREFIX) else str(path),
        "dataset": kept.dataset.hash,
        "columns": dict(found.mapping.roles),
    }
    return choice.model_copy(update=frozen), examples


def _kept(
    choice: DataChoice, objective: ObjectiveChoice, library: Library
) -> tuple[DataChoice, tuple[Any, ...]]:
    kept = library.dataset(str(choice.dataset))
    if not choice.columns:
        words = f"Name the columns to train on; the dataset has: {', '.join(kept.columns)}."
        raise DataProblem(words, fields=[FieldProblem("data.columns", words)])
    problems = check_columns(kept.columns, choice.columns, objective.name)
    if problems:
        words = " ".join(problem.words for problem in problems)
        raise DataProblem(f"{kept.name}: {words}", fields=problems)
    built = build(library.open(kept.hash), choice.columns, objective.name)
    _refuse_too_few(len(built.examples), built.rows, kept.name)
    return choice, built.examples


def _refuse_too_few(usable: int, rows: int, name: str) -> None:
    if usable < FEWEST_ROWS:
        words = (
            f"{name}: {usable} of {rows} rows can be trained on; at least {FEWEST_ROWS} are needed, and "
            "a few dozen before anything dependable is learnt. Add rows, or check the columns."
        )
        raise DataProblem(words, fields=[FieldProblem("data.path", words)])
