"""`data FILE`: what a data file holds and whether it can be trained on."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.command import Command
from studio.cli.output import Output
from studio.data.inspection import Inspection, inspect
from studio.data.readers import open_source
from studio.data.stored import spooled
from studio.errors import AskedWrongly
from studio.settings import Home


def arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and columns chosen by hand."""
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="ROLE=NAME",
        help="choose a column by hand, e.g. --column prompt=Question (may be repeated)",
    )


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Read the file and say what was found."""
    source = open_source(options.file.expanduser().absolute())
    with spooled(source, home.prepare().tmp) as table:
        found = inspect(table, _roles(options.column) or None)
        output.result(found.as_json(), _words(found))
    return 0


def _roles(choices: list[str]) -> dict[str, str]:
    roles = {}
    for choice in choices:
        role, equals, column = choice.partition("=")
        if not (role and equals and column):
            raise AskedWrongly(f"--column takes ROLE=NAME; found '{choice}'.", code="usage")
        roles[role] = column
    return roles


def _words(found: Inspection) -> str:
    mapping = found.mapping
    chosen = ", ".join(f"{role} = '{column}'" for role, column in mapping.roles.items()) or "none"
    lines = [
        f"{found.table.path.name}: {found.table.format}, {len(found.table.rows):,} rows, "
        f"columns {', '.join(found.table.columns)}",
        f"Columns used: {chosen} (confidence {mapping.confidence:.0%}; {mapping.reason})",
        found.verdict,
        *found.table.notes,
        *(problem.words for problem in found.problems),
    ]
    return "\n".join(lines)


COMMAND = Command("read a data file and say what was found", arguments, run)
