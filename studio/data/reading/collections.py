"""Several files as one source: those that belong together, and the parts to choose from."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.data.table import Record, Source
from studio.errors import DataProblem

MOST_FILES = 10_000
MOST_ENTRIES = 10 * MOST_FILES
"""How many files and folders below a folder are looked at."""
FILE = "file"
"""The column that names the file of each row, where the files are documents."""

Open = Callable[[Path, str | None], Source]

# How files of data sets are named by the part they play; the first that is there is read.
_SPLITS = ("train", "training", "validation", "valid", "dev", "test", "eval")
_PAPERS = {
    "readme",
    "license",
    "licence",
    "changelog",
    "dataset_infos",
    "dataset_info",
    "state",
    "whetstone",
}


@dataclass(frozen=True)
class _Group:
    """Files that are read one after the other under one name."""

    name: str
    sources: tuple[Source, ...]


def source_of(
    folder: Path, path: Path, format_name: str, open_file: Open, part: str | None
) -> Source:
    """The rows of the data files below a folder; `path` is what the person chose.

    Files with the same columns, and all documents, are read as one. Where there are several
    sorts, each is a part, the largest is read. Raises DataProblem where there is nothing to read.
    """
    saved = _saved_by_datasets(folder, path, format_name, open_file, part)
    if saved is not None:
        return saved
    files = _data_files(folder, path)
    groups = _grouped(folder, *_opened(path, files, open_file))
    parts = tuple(group.name for group in groups)
    chosen = groups[0]
    if part is not None:
        chosen = next((group for group in groups if group.name == part), chosen)
        if chosen.name != part:
            known = ", ".join(f"'{name}'" for name in parts)
            raise DataProblem(f"{path.name} has no part '{part}'. There is: {known}.")
    is_document = chosen.sources[0].columns[-1:] in (("text",), ("answer",))
    columns = (*chosen.sources[0].columns, *([FILE] if is_document else []))
    if not chosen.sources[0].columns:
        columns = ()
    source = Source(
        path,
        format_name,
        lambda: _records(folder, chosen.sources, is_named=is_document),
        columns,
        parts if len(parts) > 1 else (),
        chosen.name if len(parts) > 1 else None,
    )
    count = len(chosen.sources)
    source.note(f"Read from {count:,} file{'' if count == 1 else 's'} ({chosen.name}).")
    for note in dict.fromkeys(note for each in chosen.sources for note in each.notes):
        source.note(note)
    others = [f"'{name}'" for name in parts if name != chosen.name]
    if others:
        source.note(f"Not read, but there to choose: {', '.join(others[:8])}.")
    return source


def _data_files(folder: Path, path: Path) -> list[Path]:
    """The files that may hold data, in order of name; hidden ones and papers about them left out."""
    found = itertools.islice(folder.rglob("*"), MOST_ENTRIES)
    files = sorted(
        file
        for file in found
        if file.is_file()
        and not file.is_symlink()
        and file.stem.lower() not in _PAPERS
        and not any(name.startswith((".", "__")) for name in file.relative_to(folder).parts)
    )
    if len(files) > MOST_FILES:
        raise DataProblem(
            f"{path.name} holds more than {MOST_FILES:,} files. Choose a folder further down, or put "
            "the rows into one file."
        )
    return files


def _opened(path: Path, files: Sequence[Path], open_file: Open) -> tuple[list[Source], list[str]]:
    """The sources of the files that can be read, and why the others cannot."""
    sources, refused = [], []
    for file in files:
        try:
            sources.append(open_file(file, None))
        except DataProblem as problem:
            refused.append(problem.words)
    if not sources:
        first = f" The first of {len(refused):,}: {refused[0]}" if refused else ""
        raise DataProblem(f"{path.name} holds no data file that can be read.{first}")
    if refused:
        sources[0].note(
            f"{len(refused):,} file{'s were' if len(refused) > 1 else ' was'} left out: {refused[0]}"
        )
    return sources, refused


def _grouped(folder: Path, sources: list[Source], refused: list[str]) -> list[_Group]:
    """Files by split and columns, the largest group first, but training data before other splits."""
    groups: dict[tuple[str, tuple[str, ...]], list[Source]] = {}
    for source in sources:
        columns = tuple(sorted(source.columns))
        groups.setdefault((_split(source.path, folder), columns), []).append(source)
    order = sorted(
        groups.items(),
        key=lambda item: (
            _SPLITS.index(item[0][0]) if item[0][0] else 0,
            -sum(source.path.stat().st_size for source in item[1]),
        ),
    )
    names: list[str] = []
    for (split, _), members in order:
        name = split or _name(folder, members)
        names.append(name if name not in names else _name(folder, members))
    return [_Group(name, tuple(members)) for name, (_, members) in zip(names, order, strict=True)]


def _name(folder: Path, members: Sequence[Source]) -> str:
    first = str(members[0].path.relative_to(folder))
    return first if len(members) == 1 else f"{first} and {len(members) - 1:,} more"


def _split(file: Path, folder: Path) -> str:
    """`train` for `train.jsonl`, `train-00000-of-00002.parquet` or `train/rows.csv`; else empty."""
    names = [file.stem.lower(), *(part.lower() for part in file.relative_to(folder).parts[:-1])]
    for name in names:
        for split in _SPLITS:
            if name == split or name.startswith((f"{split}-", f"{split}_", f"{split}.")):
                return split
    return ""


def _records(folder: Path, sources: Sequence[Source], *, is_named: bool) -> Iterator[Record]:
    """All rows, one file after the other; lines are those of each file, numbers go on."""
    number = 0
    for source in sources:
        more = {FILE: str(source.path.relative_to(folder))} if is_named else {}
        for record in source.records():
            number += 1
            yield Record({**record.row, **more}, record.line, number)


def _saved_by_datasets(
    folder: Path, path: Path, format_name: str, open_file: Open, part: str | None
) -> Source | None:
    """A folder that `datasets` saved: its splits are the parts, numbered labels get their names."""
    splits: tuple[str, ...] = ()
    place = folder
    if (folder / "dataset_dict.json").is_file():
        splits = _strings(folder / "dataset_dict.json", "splits")
        if not splits:
            return None
        wanted = part or next((name for name in _SPLITS if name in splits), splits[0])
        if wanted not in splits:
            known = ", ".join(f"'{name}'" for name in splits)
            raise DataProblem(f"{path.name} has no part '{wanted}'. There is: {known}.")
        part, place = wanted, folder / wanted
    if not ((place / "state.json").is_file() and (place / "dataset_info.json").is_file()):
        return None
    files = sorted(place.glob("*.arrow"))
    if not files or any(".." in name or "/" in name for name in splits):
        return None
    sources = [open_file(file, None) for file in files]
    source = Source(
        path,
        format_name,
        lambda: _records(place, sources, is_named=False),
        sources[0].columns,
        splits if len(splits) > 1 else (),
        part,
    )
    for note in dict.fromkeys(note for each in sources for note in each.notes):
        source.note(note)
    return source


def _strings(file: Path, name: str) -> tuple[str, ...]:
    try:
        found = json.loads(file.read_text("utf-8"))[name]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ()
    return tuple(str(each) for each in found) if isinstance(found, list) else ()
