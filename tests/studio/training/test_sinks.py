"""Sinks: what a run writes to its loggers, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio.errors import StudioError
from studio.loggers import LOGGERS, About, Logger, LoggerSettings
from studio.spec import LoggerChoice
from studio.training.sinks import Sinks, flat

CONFIG = {"base": "Tiny", "training": {"epochs": 2, "max_steps": None}}


class Memory:
    """A logger that keeps what it is given, and fails from a certain step on."""

    errors: tuple[type[Exception], ...] = (KeyError,)

    def __init__(self, about: About, fails_from: int) -> None:
        self.about, self.fails_from = about, fails_from
        self.lines: list[tuple[int, dict[str, float]]] = []
        self.succeeded: bool | None = None

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        if step >= self.fails_from:
            raise KeyError("its server is gone")
        self.lines.append((step, dict(figures)))

    def close(self, *, succeeded: bool) -> None:
        self.succeeded = succeeded


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The logger `memory`, in the registry for one test."""
    kept = SimpleNamespace(sinks=[], fails_from=99)

    def opened(settings: Any, about: About) -> Memory:
        kept.sinks.append(Memory(about, kept.fails_from))
        return kept.sinks[-1]

    logger = Logger("memory", "Memory", "Keeps.", "json", "json", LoggerSettings, opened)
    monkeypatch.setitem(LOGGERS, "memory", logger)
    return kept


def sinks(folder: Path, name: str, said: list[str] | None = None) -> Sinks:
    say = (said if said is not None else []).append
    choice = LoggerChoice(name, LOGGERS[name].settings())
    return Sinks.open([choice], folder, "Tiny (7)", CONFIG, say)


def test_numbers_are_logged_and_nothing_else(memory: SimpleNamespace, tmp_path: Path) -> None:
    opened = sinks(tmp_path, "memory")
    opened.log(
        3, {"loss": 1.5, "warning": "too high", "nan": float("nan"), "held_out": {"right": 2}}
    )
    opened.close(succeeded=True)

    (sink,) = memory.sinks
    assert sink.lines == [(3, {"loss": 1.5, "held_out/right": 2.0})]
    assert sink.succeeded is True
    assert sink.about.config == {"base": "Tiny", "training/epochs": 2}
    assert sink.about.folder == tmp_path / "loggers" / "memory"


def test_one_that_fails_later_is_told_of_once_and_left_out(
    memory: SimpleNamespace, tmp_path: Path
) -> None:
    memory.fails_from, said = 2, []
    opened = sinks(tmp_path, "memory", said=said)
    for step in range(1, 5):
        opened.log(step, {"loss": 1.0})
    opened.close(succeeded=True)

    assert len(said) == 1
    assert "the training goes on" in said[0]
    assert memory.sinks[0].succeeded is None


def test_one_that_cannot_be_opened_ends_before_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(settings: Any, about: About) -> Any:
        raise LookupError("nobody is logged in")

    logger = Logger("closed", "Closed", "Never.", "json", "json", LoggerSettings, refuse)
    monkeypatch.setitem(LOGGERS, "closed", logger)

    with pytest.raises(StudioError, match="Closed could not be opened: nobody is logged in"):
        sinks(tmp_path, "closed")


def test_values_within_values_get_a_name_each() -> None:
    assert flat({"a": {"b": {"c": 1}}, "d": [1, 2], "e": None}) == {"a/b/c": 1, "d": "[1, 2]"}
