"""Hollow models: full shapes, one number each, and what was tied stays tied."""

from __future__ import annotations

import torch
from torch import nn

from studio.estimator import hollow


def tied() -> nn.Module:
    with torch.device("meta"):
        model = nn.Sequential(nn.Embedding(8, 4), nn.Linear(4, 8, bias=False))
    model[1].weight = model[0].weight
    return model


def test_zeros_have_the_shape_and_take_the_memory_of_one_number() -> None:
    model = hollow.filled_with_zeros(tied())

    assert model[0].weight.shape == (8, 4)
    assert model[0].weight.untyped_storage().nbytes() == 4
    assert model[1].weight is model[0].weight
    assert float(model[1](torch.ones(4)).abs().max()) == 0


def test_an_emptied_model_has_no_values_and_trains_what_it_trained() -> None:
    model = hollow.filled_with_zeros(tied())
    model.append(nn.Linear(2, 2).requires_grad_(False))

    emptied = hollow.emptied(model)

    assert {value.device.type for value in emptied.parameters()} == {"meta"}
    assert [value.requires_grad for value in emptied.parameters()] == [True, False, False]
