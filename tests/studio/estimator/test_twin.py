"""The twin: what one real step on a few layers tells before a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from studio.errors import AskedWrongly
from studio.estimator.blueprint import Plan, depth, filled, whole
from studio.estimator.twin import Trial, try_out
from studio.methods import METHODS
from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training.batching import Batch
from studio.training.loading import Numbers
from studio.training.losses import Loss
from studio.training.tuners import TUNERS, Tuner
from tests import tiny
from tests.studio.estimator.configurations import make_rows
from tests.studio.training.tuners.models import small

FP32 = Numbers("fp32", torch.float32, None, "cpu")
PLENTY = 10**12
# One of each family; all of them with `--long`.
FEW = {"lora", "qlora", "full", "houlsby", "bitfit", "prefix_tuning", "ia3", "diff_pruning", "far"}


class Broken(Tuner):
    """Its loss is no number."""

    def total(
        self, model: nn.Module, loss: Loss, batch: Batch, settings: Any
    ) -> tuple[Tensor, Tensor | None]:
        own, added = super().total(model, loss, batch, settings)
        return own * float("nan"), added


class Idle(Tuner):
    """What it trains has no effect."""

    def total(
        self, model: nn.Module, loss: Loss, batch: Batch, settings: Any
    ) -> tuple[Tensor, Tensor | None]:
        own, added = super().total(model, loss, batch, settings)
        return own * 0.0, added


class BrokenLater(Broken):
    """It has a second part, in which its loss is no number."""

    is_in_its_second = False

    def total(
        self, model: nn.Module, loss: Loss, batch: Batch, settings: Any
    ) -> tuple[Tensor, Tensor | None]:
        part = super() if self.is_in_its_second else Tuner()
        return part.total(model, loss, batch, settings)

    def advance(self, model: nn.Module, settings: Any, steps_done: int) -> bool:
        self.is_in_its_second = True
        return True


class Unusable(Tuner):
    """It fails in the middle of a step."""

    def observe(self, model: nn.Module, settings: Any, steps_done: int) -> None:
        raise RuntimeError("sizes of tensors must match\nand much more")


@pytest.fixture(scope="module")
def deep_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of eight layers."""
    return tiny.make_model(tmp_path_factory.mktemp("models") / "deep", layers=8)


def tried(
    model: Path,
    method: Any = "lora",
    rows: Sequence[Encoded] | None = None,
    free_bytes: int = PLENTY,
    **sections: Any,
) -> Trial:
    """A trial of a method on a model."""
    spec = TrainSpec.parse({"model": {"source": str(model)}, "method": method, **sections})
    return try_out(spec, model, FP32, rows, free_bytes=free_bytes)


@pytest.mark.parametrize(
    "name",
    [name if name in FEW else pytest.param(name, marks=pytest.mark.long) for name in METHODS],
)
def test_a_method_that_works_passes(deep_model: Path, name: str) -> None:
    trial = tried(deep_model, small(name))

    assert trial.works is True, trial.words
    assert "one step on" in trial.words
    assert "gave gradients to what trains" in trial.words


def test_a_few_layers_stand_for_all(deep_model: Path) -> None:
    assert 1 <= tried(deep_model).layers < 8


def test_the_layers_keep_the_numbers_that_they_have_in_the_whole(deep_model: Path) -> None:
    spec = TrainSpec.parse({"model": {"source": str(deep_model)}, "method": "lora"})
    plan = Plan.of(spec, FP32)
    found = depth(deep_model, plan)
    assert found is not None

    twin = filled(deep_model, plan, found.sample)

    shapes = {name: value.shape for name, value in whole(deep_model, plan).named_parameters()}
    assert {name: shapes[name] for name, _ in twin.named_parameters()} == {
        name: value.shape for name, value in twin.named_parameters()
    }
    assert all(value.isfinite().all() for value in twin.parameters())


@pytest.mark.parametrize(
    ("tuner", "said"),
    [
        (Broken(), "the loss is no number"),
        (BrokenLater(), "in its second part, the loss is no number"),
        (Idle(), "nothing that trains has any effect on the loss"),
        (Unusable(), "sizes of tensors must match"),
    ],
)
def test_a_method_that_fails_in_a_step_is_refused_with_the_reason(
    deep_model: Path, monkeypatch: pytest.MonkeyPatch, tuner: Tuner, said: str
) -> None:
    monkeypatch.setitem(TUNERS, "failing", tuner)
    monkeypatch.setitem(
        METHODS, "failing", replace(METHODS["ia3"], name="failing", title="Failing")
    )

    trial = tried(deep_model, "failing")

    assert trial.works is False
    assert trial.words.startswith("Failing fails on this model with these settings: tried on")
    assert said in trial.words
    assert "and much more" not in trial.words


def test_a_method_that_cannot_be_attached_is_refused_in_its_own_words(deep_model: Path) -> None:
    with pytest.raises(AskedWrongly, match=r"Did you mean 'q_proj'\?"):
        tried(deep_model, {"name": "lora", "targets": ["q_porj"]})


def test_the_users_own_rows_are_taken_where_there_are_some(deep_model: Path) -> None:
    rows = [replace(row, target=(1,)) for row in make_rows(9, 12, 7, vocabulary=64)]

    assert tried(deep_model, rows=rows, objective="classification").works is True


def test_a_goal_that_needs_examples_is_not_tried_without_any(deep_model: Path) -> None:
    trial = tried(deep_model, objective="classification")

    assert (trial.works, "needs a few examples" in trial.words) == (None, True)


def test_a_model_too_large_for_what_is_free_is_not_tried(deep_model: Path) -> None:
    trial = tried(deep_model, free_bytes=1000)

    assert (trial.works, "free memory" in trial.words) == (None, True)
