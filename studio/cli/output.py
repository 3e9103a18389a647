"""Where a command's words go: results on standard output, everything for people on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from studio.errors import StudioError


class Output:
    """The voice of one command. With `--json` one document is printed on standard output, nothing else."""

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json

    def say(self, words: str) -> None:
        """A line for the person who waits."""
        print(words, file=sys.stderr, flush=True)

    def follow(self, text: str) -> None:
        """A piece of a log, as it comes."""
        print(text, end="", file=sys.stderr, flush=True)

    def result(self, document: Any, words: str) -> None:
        """What the command found: the document with `--json`, else the same in words."""
        if self.is_json:
            json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
            print(flush=True)
        elif words:
            print(words, flush=True)

    def error(self, error: StudioError) -> None:
        """A failure, in the contract's form or in words."""
        if self.is_json:
            self.result(error.as_json(), "")
        else:
            self.say(error.words)


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Rows under headings, in columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, ["-" * width for width in widths], *rows)
    ]
    return "\n".join(lines)


def in_gigabytes(count: int) -> str:
    """A size for people: `0.54 GB`, or MB below a tenth."""
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
