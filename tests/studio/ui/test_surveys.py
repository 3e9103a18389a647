"""Surveys: what is known of the models that forms chose."""

from __future__ import annotations

from pathlib import Path

from studio.errors import StudioError
from studio.methods import Base
from studio.spec import TrainSpec
from studio.ui.draft import Draft
from studio.ui.surveys import Surveys
from studio.worker.client import Worker


class Told(Worker):
    """A worker that tells one base, or that it cannot."""

    def __init__(self, base: Base | None) -> None:
        self.base = base
        self.asked: list[TrainSpec] = []

    def survey(self, spec: TrainSpec, *, lane: str | None = None) -> Base:
        self.asked.append(spec)
        if self.base is None:
            raise StudioError("not here")
        return self.base


BASE = Base("llama", "CAUSAL_LM", hidden=8, vocab=16, modules=())
DRAFT = Draft(model_from="path", model_path=str(Path("/models/x")), settings={"lora": {"rank": 0}})


def test_a_base_is_known_once_it_was_asked_for() -> None:
    surveys = Surveys(lambda: Told(BASE))

    assert surveys.known(DRAFT) is None
    assert surveys.ask(DRAFT, lane="tab") == BASE
    assert surveys.known(DRAFT) == BASE


def test_another_model_and_another_kind_of_goal_are_others() -> None:
    surveys = Surveys(lambda: Told(BASE))
    surveys.ask(DRAFT, lane="tab")

    assert surveys.known(Draft(model_from="path", model_path="/models/y")) is None
    assert (
        surveys.known(Draft(model_from="path", model_path="/models/x", objective="seq2seq")) is None
    )


def test_a_model_that_cannot_be_told_of_is_unknown() -> None:
    assert Surveys(lambda: Told(None)).ask(DRAFT, lane="tab") is None


def test_nothing_is_asked_before_a_model_is_chosen() -> None:
    worker = Told(BASE)

    assert Surveys(lambda: worker).ask(Draft(model_from="path"), lane="tab") is None
    assert worker.asked == []
