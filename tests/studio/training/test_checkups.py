"""Checkups: a damaged base and another model's tokenizer are refused before any training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from studio.errors import ModelProblem, StudioError
from studio.training import checkups, loading
from studio.training.adapters import trainable
from tests.studio.training.setups import setup


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_base_with_a_broken_number_is_refused_by_name(tiny_model: Path, value: float) -> None:
    base = loading.load_base(tiny_model, torch.float32)
    with torch.no_grad():
        base.model.layers[1].mlp.up_proj.weight[3, 5] = value  # type: ignore[union-attr, index]

    with pytest.raises(ModelProblem, match=r"1 of the 2,048 numbers of model\.layers\.1\.mlp"):
        checkups.refuse_broken_base(base)


def test_large_numbers_are_no_damage(tiny_model: Path) -> None:
    base = loading.load_base(tiny_model, torch.float32)
    with torch.no_grad():
        base.model.norm.weight.fill_(3e38)  # type: ignore[union-attr]

    checkups.refuse_broken_base(base)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tiny_model: Path) -> None:
    base = loading.load_base(tiny_model, torch.float32)

    checkups.refuse_other_tokenizer(base, 319)
    with pytest.raises(ModelProblem, match=r"token 320, but the model knows 320 tokens, 0 to 319"):
        checkups.refuse_other_tokenizer(base, checkups.highest_id([[1, 2], [320]]))


def test_a_result_that_is_broken_or_was_never_trained_is_not_kept(
    tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(tiny_model, tmp_path)
    checkups.refuse_broken_result(ready.model, accepted_steps=1)

    with pytest.raises(StudioError, match="every single step"):
        checkups.refuse_broken_result(ready.model, accepted_steps=0)
    with torch.no_grad():
        next(value for _, value in trainable(ready.model)).fill_(float("nan"))
    with pytest.raises(StudioError, match="not finite"):
        checkups.refuse_broken_result(ready.model, accepted_steps=1)
