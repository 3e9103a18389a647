"""The live figures: they are of the form as it is now, whatever answers arrive late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.errors import StudioError
from studio.settings import Home
from studio.spec import TrainSpec
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.pages.new_training import Form
from studio.worker.client import Worker
from tests.studio.ui.forms import form, shown_of

ID = "window"
DRAFT = Draft(model_from="path", model_path="/models/x", method="full")
REFUSED = replace(DRAFT, quantization="nf4")


class Slow(Worker):
    """A worker that knows the counts at once; the form is changed while it computes the rest."""

    def __init__(self) -> None:
        self.form: Form | None = None
        self.changed_to: Draft | None = None
        self.is_overtaken = False
        self.trials = 0

    def soon(self, spec: TrainSpec, *, lane: str | None = None) -> dict[str, Any]:
        return {"parameters": {"trainable": 5, "total": 10}}

    def estimate(
        self, spec: TrainSpec, *, memory_bytes: int | None = None, lane: str | None = None
    ) -> dict[str, Any]:
        if self.form and self.changed_to:
            self.form.estimating.at_once(ID, *shown_of(self.form, self.changed_to))
        if self.is_overtaken:
            raise StudioError("A later question came.", code="superseded")
        return {**self.soon(spec), "memory": {"peak_bytes": 10**9}}

    def trial(self, spec: TrainSpec, *, lane: str | None = None) -> dict[str, Any]:
        self.trials += 1
        return {"works": True, "words": "", "layers": 2}


@pytest.fixture
def this(tmp_path: Path) -> Iterator[Form]:
    """The page's form, with such a worker."""
    backstage = Backstage(Home(tmp_path / "home").prepare())
    vars(backstage)["_model_worker"] = Slow()
    yield form(backstage)
    backstage.orders.close()


def rest_of(this: Form, changed_to: Draft | None) -> list[Any]:
    """What comes of the full fine-tuning's figures, where the form is changed meanwhile."""
    worker = vars(this.backstage)["_model_worker"]
    worker.form, worker.changed_to = this, changed_to
    is_partial, *_ = this.estimating.at_once(ID, *shown_of(this, DRAFT))
    return this.estimating.the_rest(is_partial, ID, *shown_of(this, DRAFT))


def test_the_rest_of_the_figures_follows_the_counts(this: Form) -> None:
    assert "about 1.0 GB" in str(rest_of(this, None)[0])


def test_figures_of_an_earlier_form_do_not_stand_where_the_new_one_is_refused(this: Form) -> None:
    assert rest_of(this, REFUSED) == [gr.skip()] * 4


@pytest.mark.parametrize("is_overtaken", [True, False])
def test_a_step_is_tried_once_the_figures_of_this_very_form_are_there(
    this: Form, is_overtaken: bool
) -> None:
    """Asked before, it would make the figures wait."""
    worker = vars(this.backstage)["_model_worker"]
    worker.is_overtaken = is_overtaken
    rest_of(this, None)
    tried = this.estimating.trial(ID, *shown_of(this, DRAFT))

    assert worker.trials == (not is_overtaken)
    assert (tried == gr.skip()) == is_overtaken
    assert this.estimating.trial(ID, *shown_of(this, REFUSED)) == gr.skip()
