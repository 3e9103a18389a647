"""A dataset of the Hub that a command names is brought first, with its progress said."""

from __future__ import annotations

import time
from dataclasses import replace

from studio.cli.output import Output
from studio.library.hub import bring
from studio.settings import Home
from studio.spec import TrainSpec

SAYS_EVERY_S = 3.0


def brought(path: str, home: Home, output: Output) -> str:
    """The path; of a dataset of the Hub its name with the commit, once its files are here."""
    said_at = time.monotonic()

    def progress(done_bytes: int, total_bytes: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= SAYS_EVERY_S:
            said_at = time.monotonic()
            output.say(f"Fetching {path}: {done_bytes / 1e6:,.0f} of {total_bytes / 1e6:,.0f} MB")

    return bring(path, home, progress)


def with_data_brought(spec: TrainSpec, home: Home, output: Output) -> TrainSpec:
    """The spec with its data here; a spec of a kept dataset or of a file stays as it is."""
    if spec.data.path is None or spec.data.dataset is not None:
        return spec
    path = brought(spec.data.path, home, output)
    return replace(spec, data=spec.data.model_copy(update={"path": path}))
