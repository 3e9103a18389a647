"""The table of methods is filled one after the other, by a real worker, for the form as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.methods import METHODS
from studio.settings import Home
from studio.ui import side_by_side
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.side_by_side import SideBySide


@pytest.fixture(scope="module")
def backstage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backstage]:
    """One worker for all tests."""
    made = Backstage(Home(tmp_path_factory.mktemp("side") / "home").prepare())
    yield made
    made.model_worker.stop()


def table(backstage: Backstage, draft: Draft) -> SideBySide:
    """The handlers, for a window that shows this draft."""
    return SideBySide(backstage, lambda shown: ("window", draft))


def is_skipped(update: Any) -> bool:
    """Whether an update leaves the table as it is."""
    return bool(update == gr.skip())


SOME = ("qlora", "full", "prefix_tuning")


@pytest.mark.parametrize("names", [SOME, pytest.param(tuple(METHODS), marks=pytest.mark.long)])
def test_every_method_gets_its_figures_or_a_reason_the_chosen_one_first(
    names: tuple[str, ...],
    backstage: Backstage,
    tiny_model: Path,
    rows_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(side_by_side, "METHODS", {name: METHODS[name] for name in names})
    # Full fine-tuning cannot hold the base in few bits.
    draft = Draft(
        model_from="path", model_path=str(tiny_model), data_from="path", data_path=str(rows_csv),
        method="qlora", quantization="nf4",
    )  # fmt: skip

    updates = list(table(backstage, draft).compare("open"))

    assert len(updates) == len(names) + 1
    first, last = updates[1], updates[-1]
    assert first.count("…") == len(names) - 1
    assert 'aria-current="true"' in first
    assert "…" not in last
    assert "in so few bits" in last


def test_a_newer_run_ends_the_older_one(backstage: Backstage, tiny_model: Path) -> None:
    handlers = table(backstage, Draft(model_from="path", model_path=str(tiny_model)))
    older = handlers.compare("open")
    next(older)

    list(handlers.compare(""))

    assert [is_skipped(update) for update in older] == [True]


def test_a_table_that_is_closed_asks_for_nothing(backstage: Backstage) -> None:
    (update,) = table(backstage, Draft()).compare("")

    assert is_skipped(update)


def test_a_rows_button_chooses_its_method(backstage: Backstage) -> None:
    handlers = table(backstage, Draft())

    assert handlers.choose(gr.EventData(None, {"chosen": "full"})) == "full"
    assert is_skipped(handlers.choose(gr.EventData(None, {"chosen": "quux"})))
