"""Sinks: the loggers of one run, opened before it starts; one that fails later never stops the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.loggers import LOGGERS, About, Sink
from studio.spec import LoggerChoice
from studio.spec.installed import require_installed

FOLDER = "loggers"
# What any package may raise where a disk or a network fails it; its own errors come on top.
_ERRORS = (OSError, RuntimeError, ValueError)


class Sinks:
    """The opened loggers of a run."""

    def __init__(self, sinks: dict[str, Sink], on_words: Callable[[str], None]) -> None:
        self._sinks = sinks
        self._on_words = on_words

    @classmethod
    def open(
        cls,
        choices: Sequence[LoggerChoice],
        run_folder: Path,
        name: str,
        config: Mapping[str, Any],
        on_words: Callable[[str], None],
    ) -> Sinks:
        """Open each logger with a folder of its own below the run's.

        Raises StudioError where one cannot be opened: better no run than hours without the curves.
        """
        require_installed(choices)
        sinks: dict[str, Sink] = {}
        for choice in choices:
            logger = choice.logger
            folder = run_folder / FOLDER / choice.name
            folder.mkdir(parents=True, exist_ok=True)
            try:
                sinks[choice.name] = logger.open(choice.settings, About(name, folder, flat(config)))
            # Each package has errors of its own, some known only once it is imported.
            except Exception as error:
                raise StudioError(
                    f"{logger.title} could not be opened: {_first_line(error)}. See to it, or leave it "
                    "out of the spec's loggers; the run's own curves are kept in any case.",
                    code="logger",
                ) from error
        return cls(sinks, on_words)

    def log(self, step: int, figures: Mapping[str, Any]) -> None:
        """Write what of `figures` is a finite number, those within a mapping as `outer/inner`."""
        numbers = {
            name: float(value)
            for name, value in flat(figures).items()
            if isinstance(value, int | float) and math.isfinite(value)
        }
        self._each(lambda sink: sink.log(step, numbers))

    def close(self, *, succeeded: bool) -> None:
        """Close all of them."""
        self._each(lambda sink: sink.close(succeeded=succeeded))
        self._sinks = {}

    def _each(self, act: Callable[[Sink], None]) -> None:
        for name, sink in list(self._sinks.items()):
            expected: tuple[type[Exception], ...] = (*_ERRORS, *sink.errors)
            try:
                act(sink)
            except expected as error:
                del self._sinks[name]
                self._on_words(
                    f"{LOGGERS[name].title} cannot be written to any more ({_first_line(error)}); "
                    "the training goes on, and its own curves are complete."
                )


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, str | int | float | bool]:
    """Values within mappings under `outer/inner`; lists as text, what is None left out."""
    found: dict[str, str | int | float | bool] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}/")
        elif isinstance(value, str | int | float | bool):
            found[name] = value
        elif value is not None:
            found[name] = str(value)
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
