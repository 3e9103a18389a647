"""Durable writing: a file or folder appears whole, flushed to disk, under its final name, or not at all."""

from __future__ import annotations

import glob
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ENDING = ".partial"
"""The end of the name of what is being written."""


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` (UTF-8) in one step; a crash leaves the old file or the new one."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON in one step."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step."""
    temporary = _beside(path)
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path` to fill; renamed to `path` at the end, removed on an error.

    Raises FileExistsError when `path` exists already: what was kept is never overwritten.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    temporary.mkdir()
    try:
        yield temporary
        sync_tree(temporary)
        os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


def clear_leftovers(path: Path) -> None:
    """Remove what killed writers of `path` left beside it; for a place that one writer at a time has."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*{ENDING}"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def sync_tree(folder: Path) -> None:
    """Flush every file below `folder`, and the folders themselves, to disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            # Windows flushes only through a handle opened for writing.
            with open(Path(parent, name), "rb+") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, where the system knows how to (Windows does it by itself)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(path: Path) -> Path:
    """A temporary name in the folder of `path`: a rename within one folder never crosses a file system."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{ENDING}")
