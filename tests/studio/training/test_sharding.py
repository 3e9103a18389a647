"""Sharding: each process holds its share of every layer, and tensors become whole again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from studio.errors import StudioError
from studio.training import loop, sharding
from studio.training.adapters import trainable
from studio.training.ranks import Ranks
from tests import tiny
from tests.studio.training.ranks.cases import CASES, ready
from tests.studio.training.ranks.together import together
from tests.studio.training.setups import setup


def test_a_sharded_process_holds_half_of_the_weights(tiny_model: Path, tmp_path: Path) -> None:
    for held, total in together(tmp_path, 2, share_of, tiny_model, tmp_path):
        assert held <= 0.52 * total


def share_of(ranks: Ranks, model: Path, folder: Path) -> tuple[int, int]:
    made = ready(ranks, model, folder, CASES["sharded nf4"]).model
    own = sum(sharding.own(value).numel() for value in made.parameters())
    return own, sum(value.numel() for value in made.parameters())


def test_a_model_that_was_not_spread_is_found_out(tiny_model: Path, tmp_path: Path) -> None:
    assert together(tmp_path, 2, whole_although_sharded, tiny_model, tmp_path) == ["world_size"] * 2


def whole_although_sharded(ranks: Ranks, model: Path, folder: Path) -> str:
    made = ready(ranks, model, folder, CASES["lora"])
    training = made.spec.training.model_copy(update={"sharding": "fsdp"})
    made = replace(made, spec=replace(made.spec, training=training))
    with pytest.raises(StudioError) as caught:
        loop.run(made, on_report=lambda _: None, should_stop=lambda: False)
    return caught.value.code


@pytest.mark.long
def test_on_the_first_process_what_was_trained_is_whole_again(
    tiny_model: Path, tmp_path: Path
) -> None:
    assert together(tmp_path, 2, gathered, tiny_model, tmp_path) == [True, False]


def gathered(ranks: Ranks, model: Path, folder: Path) -> bool:
    made = ready(ranks, model, folder, CASES["sharded full"]).model
    sharding.gather(made, ranks)
    plain = setup(model, folder, method="full").model
    pairs = zip(trainable(made), trainable(plain), strict=True)
    assert made.get_output_embeddings().weight is made.get_input_embeddings().weight  # type: ignore[operator]
    return all(
        type(own) is type(value) and torch.equal(own, value) for (_, own), (_, value) in pairs
    )


def test_the_layers_are_those_that_repeat_whatever_lies_in_them(
    tiny_model: Path, tmp_path: Path
) -> None:
    adapted = setup(tiny_model, tmp_path).model
    both_ways = AutoModelForSeq2SeqLM.from_pretrained(tiny.make_encoder_decoder(tmp_path / "t5"))

    assert len(sharding.layers_of(adapted)) == 2
    assert sharding.layers_of(both_ways) == [both_ways.encoder.block[0], both_ways.decoder.block[0]]
