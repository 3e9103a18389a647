"""The rows of a spec as the model will see them: read, split and encoded once, then kept."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.data.examples import Example, build
from studio.data.inspection import inspect
from studio.data.readers import stamp_of
from studio.estimator.estimate import Rows
from studio.library import Library
from studio.library.hub import place_of
from studio.objectives import Encoded
from studio.settings import Home
from studio.spec import DataChoice, ObjectiveChoice, TrainSpec
from studio.training.encoding import encode_whole
from studio.training.kept_encodings import KeptEncodings, key_of
from studio.training.packed_rows import PackedRows
from studio.worker.bench import Base, Bench

# Beyond this many rows only a sample is encoded; the others count as the next longer one of it.
MOST_ENCODED = 4_000


@dataclass(frozen=True, eq=False)
class Parts:
    """The examples of a spec, split; told apart by identity, for comparing all of them takes long."""

    training: tuple[Any, ...]
    held_out: tuple[Any, ...]
    dataset: str
    columns: Mapping[str, str]


def examples(bench: Bench, choice: DataChoice, objective: str) -> Parts | None:
    """The examples of a spec, split; None while it names no data or no columns that are known.

    Raises DataProblem when the data cannot be read or split as asked.
    """
    columns = json.dumps(choice.columns, sort_keys=True) if choice.columns else None
    stamp = ""
    if choice.path is not None and choice.dataset is None:
        stamp = stamp_of(place_of(choice.path, bench.home))
    plain = choice.model_copy(update={"columns": None})
    return _parts(bench.home, plain, stamp, columns, objective)


@functools.lru_cache(maxsize=4)
def _parts(
    home: Home, choice: DataChoice, stamp: str, columns: str | None, objective: str
) -> Parts | None:
    found: tuple[Example, ...] = ()
    hash_, roles = choice.dataset or "", json.loads(columns) if columns else {}
    if choice.dataset is not None:
        found = _of_dataset(home, choice.dataset, columns, objective) if columns else ()
    elif choice.path is not None:
        path = place_of(choice.path, home)
        found, hash_, roles = _of_file(home, path, choice.part, stamp, columns, objective)
    if not found:
        return None
    with closing(Library(home)) as library:
        parts = library.versions.split(found, hash_, choice.held_out, choice.seed, choice.split)
    return Parts(*parts, hash_, roles)


@functools.lru_cache(maxsize=4)
def _of_dataset(home: Home, hash_: str, columns: str, objective: str) -> tuple[Example, ...]:
    with closing(Library(home)) as library:
        return build(library.open(hash_), json.loads(columns), objective).examples


@functools.lru_cache(maxsize=4)
def _of_file(
    home: Home, path: Path, part: str | None, stamp: str, columns: str | None, objective: str
) -> tuple[tuple[Example, ...], str, Mapping[str, str]]:
    """The examples of a file, the hash of the dataset that it was kept as, and its columns by role."""
    with closing(Library(home)) as library:
        kept = library.import_file(path, part)
    table = kept.table
    mapping = inspect(table, json.loads(columns) if columns else None, objective).mapping
    if not mapping.roles:
        return (), kept.dataset.hash, {}
    built = build(table.rows, mapping.roles, mapping.objective)
    return built.examples, kept.dataset.hash, mapping.roles


def settled(bench: Bench, spec: TrainSpec) -> tuple[TrainSpec, Parts | None]:
    """The spec with what its objective leaves to the data filled in, and the data, as far as it is known."""
    parts = examples(bench, spec.data, spec.objective.name)
    if parts is None:
        return spec, None
    return replace(spec, objective=spec.objective.settled(parts.training)), parts


def encoded_rows(bench: Bench, spec: TrainSpec, base: Base) -> Rows | None:
    """The rows of a spec, encoded at full length by the base's own tokenizer; None without data."""
    spec, parts = settled(bench, spec)
    return _encoded(bench, base, parts, spec.objective) if parts else None


@functools.lru_cache(maxsize=4)
def _encoded(bench: Bench, base: Base, parts: Parts, objective: ObjectiveChoice) -> Rows:
    """All rows, tokenised here or found where they were before, and kept for the run that follows.

    Of many rows a sample, in which each stands for those shorter than it.
    """
    tokenizer = bench.tokenizer(base)
    examples = sorted([*parts.training, *parts.held_out], key=lambda example: example.row)
    kept = KeptEncodings(bench.home.encodings)
    key = key_of(parts.dataset, parts.columns, objective, tokenizer)
    known: Sequence[Encoded] | None = kept.find(key)
    if known is None and len(examples) <= MOST_ENCODED:
        known = encode_whole(examples, objective, tokenizer)
        kept.keep(key, PackedRows.of(known))
    if known is None or len(known) != len(examples):
        return Rows(
            _sample(parts.training, lambda rows: encode_whole(rows, objective, tokenizer)),
            _sample(parts.held_out, lambda rows: encode_whole(rows, objective, tokenizer)),
        )
    places = {example.row: place for place, example in enumerate(examples)}

    def find(rows: Sequence[Example]) -> list[Encoded]:
        return [known[places[example.row]] for example in rows]

    return Rows(_sample(parts.training, find), _sample(parts.held_out, find))


def _sample(
    rows: Sequence[Example], encoded: Callable[[Sequence[Example]], list[Encoded]]
) -> list[Encoded]:
    """Every row encoded, or of many rows a sample in which each stands for those shorter than it."""
    if len(rows) <= MOST_ENCODED:
        return encoded(rows)
    by_length = sorted(range(len(rows)), key=lambda row: -_letters(rows[row]))
    stride = -(-len(rows) // MOST_ENCODED)
    sample = encoded([rows[row] for row in by_length[::stride]])
    placed = {row: sample[place // stride] for place, row in enumerate(by_length)}
    return [placed[row] for row in range(len(rows))]


def _letters(example: Example) -> int:
    return len(example.question) + len(example.answer)
