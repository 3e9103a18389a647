"""A finished run opened: tuned and base model, whichever way it was trained."""

from __future__ import annotations

import pytest
import torch

from studio.errors import StudioError
from studio.inference.opened import open_run, read_order, trained_folder
from studio.settings import Home
from studio.training import loading

IDS = torch.tensor([[4, 5, 6, 7]])


@pytest.mark.parametrize("job_id", [1, 2], ids=["lora", "full"])
def test_the_tuned_model_differs_from_its_base_which_is_the_model_chosen(
    trained_home: Home, job_id: int
) -> None:
    opened = open_run(trained_home.run(job_id))
    original = loading.load_base(trained_home.folder / opened.order.base.folder, torch.float32)

    tuned = opened.model(IDS).logits
    with opened.base() as base:
        torch.testing.assert_close(base(IDS).logits, original.eval()(IDS).logits)
    assert (tuned - original(IDS).logits).abs().max() > 0.01
    assert torch.equal(opened.model(IDS).logits, tuned)


def test_a_run_that_has_trained_nothing_yet_says_so(trained_home: Home) -> None:
    with pytest.raises(StudioError, match="no trained model yet"):
        trained_folder(trained_home.run(99))
    with pytest.raises(StudioError, match="not a training that was started"):
        read_order(trained_home.run(99))
