"""Where a prepared model came from: the small file `whetstone.json` beside its weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from jobs.durable import write_json

FILE_NAME = "whetstone.json"


@dataclass(frozen=True)
class Origin:
    """What a model card says of its base: title, `source` and `revision` as in a spec, licence."""

    title: str
    source: str
    revision: str
    licence: str | None

    def write(self, folder: Path) -> None:
        """Write the file into `folder`, last of all: a folder that has it is complete."""
        write_json(folder / FILE_NAME, asdict(self))


def read_origin(folder: Path) -> Origin | None:
    """The origin noted in `folder`; None where there is none that can be read."""
    try:
        noted = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return Origin(
            title=str(noted["title"]),
            source=str(noted["source"]),
            revision=str(noted["revision"]),
            licence=noted["licence"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
