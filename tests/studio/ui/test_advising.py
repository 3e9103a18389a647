"""Advice on the page: a person's own rows are counted, and what is advised fits this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.errors import AskedWrongly, StudioError
from studio.settings import Home
from studio.spec import TrainSpec
from studio.ui import advising
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.worker.client import Worker
from tests import tiny
from tests.studio.ui.forms import form, shown_of

FREE = 16_000_000_000
ID = "window"
ASKED = (200, "quality", "one")


class Told(Worker):
    """A worker to which each method needs so many bytes; what it has no figure for it refuses."""

    def __init__(self, **needs_bytes: int) -> None:
        self.needs_bytes = needs_bytes
        self.asked: list[TrainSpec] = []

    def estimate(
        self, spec: TrainSpec, *, memory_bytes: int | None = None, lane: str | None = None
    ) -> dict[str, Any]:
        self.asked.append(spec)
        needed = self.needs_bytes.get(spec.method.name)
        if needed is None:
            raise AskedWrongly("Not on this model.")
        return {"verdict": {"needs_bytes": needed, "free_bytes": FREE}}


class Silent(Worker):
    """A worker that cannot answer."""

    def __init__(self) -> None: ...

    def estimate(
        self, spec: TrainSpec, *, memory_bytes: int | None = None, lane: str | None = None
    ) -> dict[str, Any]:
        raise StudioError("It ended.")


@pytest.fixture
def backstage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backstage]:
    """What pages act on, with a worker of whom each test says what it answers."""
    backstage = Backstage(Home(tmp_path / "home").prepare())
    monkeypatch.setattr(advising, "_SETTLES_S", 0.0)
    yield backstage
    backstage.orders.close()


def draft_on(file: Path, **more: Any) -> Draft:
    draft = Draft(model_from="path", model_path="/models/x", data_from="path", data_path=str(file))
    return replace(draft, **more)


def compared(backstage: Backstage, worker: Worker, draft: Draft, *asked: Any) -> list[list[Any]]:
    """All that is said when a person asks."""
    vars(backstage)["_model_worker"] = worker
    this = form(backstage)
    return list(this.advising.compared(*(asked or ASKED), 0, ID, *shown_of(this, draft)))


def test_a_persons_own_rows_are_filled_in_once_and_stay_as_they_are_changed(
    backstage: Backstage, tmp_path: Path
) -> None:
    draft = draft_on(tiny.write_csv(tmp_path / "rows.csv", 24))
    backstage.own_data.read(draft)
    this = form(backstage)

    examples, rows, known, _, told = this.advising.counted(*ASKED, 0, ID, *shown_of(this, draft))
    again = this.advising.counted(30, "quality", "one", rows, ID, *shown_of(this, draft))

    assert (examples, rows) == (24, 24)
    assert known.choices[0][0].startswith("LoRA · advised")
    assert json.loads(told)["settings"]["rank"] == 8
    assert again[:2] == [gr.skip(), gr.skip()]


def test_rows_that_are_not_read_yet_are_not_read_for_it(
    backstage: Backstage, tmp_path: Path
) -> None:
    draft = draft_on(tiny.write_csv(tmp_path / "rows.csv", 24))
    this = form(backstage)

    updates = this.advising.counted(*ASKED, 0, ID, *shown_of(this, draft))

    assert updates[:2] == [gr.skip(), gr.skip()]
    assert not backstage.own_data.is_read(draft)


def test_advice_comes_at_once_and_then_with_what_it_needs_here(backstage: Backstage) -> None:
    first, last = compared(backstage, Told(lora=2 * 10**9), draft_on(Path("none.csv")))

    assert "Comparing it with what is free" in first[1]
    assert "it needs up to 2.0 GB of the 16.0 GB that are free here" in last[1]


def test_what_fits_comes_first_where_lora_does_not(backstage: Backstage) -> None:
    *_, last = compared(backstage, Told(lora=2 * FREE, qlora=10**9), draft_on(Path("none.csv")))

    names = [name for _, name in last[0].choices]
    assert (names[0], names.count("qlora")) == ("qlora", 1)
    assert json.loads(last[2])["method"] == "qlora"


def test_it_is_asked_for_just_what_would_be_taken(backstage: Backstage) -> None:
    worker = Told(oft=2 * FREE)
    draft = draft_on(
        Path("none.csv"),
        settings={"oft": {"layers": {"last": 2}}, "lora": {"rank": 3}},
        training={"epochs": 7},
        quantization="nf4",
    )

    compared(backstage, worker, draft, 200, "never forget", "one")

    held = [(spec.model.quantization, spec.training.batch_size) for spec in worker.asked]
    assert held == [("none", 4), ("nf4", 4), ("none", 1), ("nf4", 1)]
    assert {spec.training.epochs for spec in worker.asked} == {7}
    assert all(spec.method.settings.layers.last == 2 for spec in worker.asked)  # type: ignore[attr-defined]


def test_a_worker_that_cannot_answer_leaves_the_advice_as_it_was(backstage: Backstage) -> None:
    *_, last = compared(backstage, Silent(), draft_on(Path("none.csv")))

    assert "not yet compared with the memory" in last[1]


def test_nothing_is_asked_before_a_model_is_chosen(backstage: Backstage) -> None:
    worker = Told()

    (only,) = compared(backstage, worker, Draft(model_from="path"))

    assert worker.asked == []
    assert "not yet compared with the memory" in only[1]


def test_an_older_question_says_nothing_any_more(backstage: Backstage) -> None:
    vars(backstage)["_model_worker"] = Told(lora=10**9)
    this = form(backstage)
    shown = shown_of(this, draft_on(Path("none.csv")))
    older = this.advising.compared(*ASKED, 0, ID, *shown)
    next(older)

    list(this.advising.compared(50, "quality", "one", 0, ID, *shown))

    assert list(older) == [[gr.skip()] * 3]
