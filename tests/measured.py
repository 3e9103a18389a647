"""Results that are kept: one line a cell, with the commit it was made at, in files that docs are made from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs import durable

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "measured"


class Measured:
    """The cells of one measurement, by name; each is written as soon as it is known."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self._file = folder / f"{name}.jsonl"
        self._cells = self._read()

    def _read(self) -> dict[str, dict[str, Any]]:
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.is_file() else []
        return {cell["cell"]: cell for cell in map(json.loads, lines)}

    def __contains__(self, name: str) -> bool:
        return name in self._cells

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._cells.values())

    def get(self, name: str) -> dict[str, Any] | None:
        """What was found in a cell, with its `commit`; None where it was not measured."""
        return self._cells.get(name)

    def keep(self, name: str, values: dict[str, Any]) -> None:
        """Write a cell down, in the place of an older one; what another run wrote meanwhile stays."""
        self._cells = self._read()
        self._cells[name] = {"cell": name, "commit": commit(), **values}
        lines = [json.dumps(self._cells[cell], ensure_ascii=False) for cell in sorted(self._cells)]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        durable.write_text(self._file, "\n".join(lines) + "\n")


def is_made_of(cell: Mapping[str, Any], paths: Sequence[str]) -> bool:
    """Whether what lies under `paths`, from the root, is still as it was at the cell's commit."""
    command = ["git", "-C", str(ROOT), "diff", "--quiet", str(cell["commit"]), "--", *paths]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def commit() -> str:
    """The commit that this is measured at; `unknown` outside version control."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"
