"""ZIP: an archive of data files, unpacked with care and read as a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from studio.data.reading import archives, collections
from studio.data.table import Reader, Record, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of the archive's files. Raises DataProblem for damaged or dangerous archives."""
    from studio.data.readers import open_source

    # Gone when the source is.
    folder = tempfile.TemporaryDirectory(prefix="whetstone-zip-", ignore_cleanup_errors=True)
    place = Path(folder.name)
    left_out = archives.unpack(path, place)
    source = collections.source_of(place, path, READER.name, open_source, part)

    def records() -> Iterator[Record]:
        assert Path(folder.name).exists()
        yield from source.records()

    if left_out:
        source.note(f"Left out, since they are links or have no name: {', '.join(left_out[:5])}.")
    return replace(source, records=records)


READER = Reader("zip", "ZIP: tables or documents", (".zip",), open_file)
