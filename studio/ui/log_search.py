"""Looking for words in a job's whole log, of which the page shows only the end."""

from __future__ import annotations

import html
from pathlib import Path

from jobs.progress import LOG

MOST_LINES = 200
MOST_BYTES = 50_000_000
LONGEST_LINE = 500


def found_html(folder: Path, wanted: str) -> str:
    """The lines that hold the words, with their numbers; empty where nothing is looked for."""
    wanted = wanted.strip()
    if not wanted:
        return ""
    found, more = _lines(folder / LOG, wanted.casefold())
    if not found:
        return f'<p class="quiet">No line of the log holds “{html.escape(wanted)}”.</p>'
    rows = "\n".join(f"{number:>6}  {html.escape(line[:LONGEST_LINE])}" for number, line in found)
    rest = f", and {more:,} more" if more else ""
    return f'<p class="quiet">{len(found):,} lines{rest}</p><pre class="log found">{rows}</pre>'


def _lines(path: Path, wanted: str) -> tuple[list[tuple[int, str]], int]:
    found: list[tuple[int, str]] = []
    more = read = 0
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                read += len(line)
                if read > MOST_BYTES:
                    break
                if wanted not in line.casefold():
                    continue
                if len(found) < MOST_LINES:
                    found.append((number, line.rstrip("\n")))
                else:
                    more += 1
    except FileNotFoundError:
        pass
    return found, more
