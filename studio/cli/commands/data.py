"""`data FILE`: what a data file holds and whether it can be trained on."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from studio.checks.looking import look_through
from studio.checks.survey import Found
from studio.cli.bringing import brought
from studio.cli.command import Command
from studio.cli.output import Output
from studio.data.examples import Problem
from studio.data.inspection import Inspection, inspect
from studio.data.readers import open_source
from studio.data.stored import spooled
from studio.errors import AskedWrongly
from studio.library.hub import place_of
from studio.settings import Home
from studio.spec import DataChoice

HELD_OUT: float = DataChoice.model_fields["held_out"].default
SAYS_EVERY_S = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and columns chosen by hand."""
    parser.add_argument(
        "file", metavar="FILE", help="a file, a folder, or a dataset of the Hub: hub:owner/name"
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="ROLE=NAME",
        help="choose a column by hand, e.g. --column prompt=Question (may be repeated)",
    )

    parser.add_argument(
        "--part", metavar="NAME", help="the sheet, split or file to read, where there are several"
    )


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Read the file and say what was found."""
    path = place_of(brought(options.file, home.prepare(), output), home)
    source = open_source(path, options.part)
    with spooled(source, home.tmp) as table:
        found = inspect(table, _roles(options.column) or None)
        if not found.mapping.roles:
            output.result(found.as_json(), _words(found, found.verdict, found.problems))
            return 0
        report = look_through(
            table, found.mapping, held_out=HELD_OUT, folder=home.tmp, on_progress=_Waiting(output)
        )
    document = {
        **found.as_json(),
        "ready": report.ready,
        "usable": report.usable,
        "problems": [each.as_json() for each in report.found],
        "words": report.verdict,
    }
    output.result(document, _words(found, report.verdict, report.found))
    return 0


class _Waiting:
    """Says now and then how far the checks are, to a person who waits."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._said_at = time.monotonic()

    def __call__(self, share: float, words: str) -> None:
        if time.monotonic() - self._said_at >= SAYS_EVERY_S:
            self._said_at = time.monotonic()
            self._output.say(f"{share:4.0%}  {words}")


def _roles(choices: list[str]) -> dict[str, str]:
    roles = {}
    for choice in choices:
        role, equals, column = choice.partition("=")
        if not (role and equals and column):
            raise AskedWrongly(f"--column takes ROLE=NAME; found '{choice}'.", code="usage")
        roles[role] = column
    return roles


def _words(found: Inspection, verdict: str, problems: Sequence[Problem | Found]) -> str:
    mapping = found.mapping
    chosen = ", ".join(f"{role} = '{column}'" for role, column in mapping.roles.items()) or "none"
    count = len(found.table.rows)
    lines = [
        f"{found.table.path.name}: {found.table.format}, {count:,} row{'s' * (count != 1)}, "
        f"columns {', '.join(found.table.columns)}",
        f"Columns used: {chosen} (confidence {mapping.confidence:.0%}; {mapping.reason})",
        verdict,
        *found.table.notes,
        *(problem.words for problem in problems),
    ]
    return "\n".join(lines)


COMMAND = Command("read a data file and say what was found", arguments, run)
