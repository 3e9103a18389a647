"""Soft prompts in a model: the places that they take, and the base without them."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import adapters, loading, prompts, step
from studio.training.batching import micro_batches
from studio.verification.reference import logits_of
from tests.studio.training.setups import encoded
from tests.studio.training.tuners.soft_prompts import base_of, put_on

CHAT = TrainSpec.parse({}).objective


def test_a_learned_prompt_takes_its_places_and_none_once_it_is_off() -> None:
    model = put_on(base_of("llama"), "prompt_tuning")

    assert prompts.places_before(model) == 5
    with adapters.without(model) as base:
        assert prompts.places_before(base) == 0
    with model.disable_adapter():
        assert prompts.places_before(model) == 0
    assert prompts.places_before(base_of("llama")) == 0


def test_of_an_encoder_with_a_decoder_the_prompt_takes_no_place_that_is_seen() -> None:
    objective = TrainSpec.parse({"objective": "seq2seq"}).objective

    assert prompts.places_before(put_on(base_of("t5", objective), "prompt_tuning", objective)) == 0


def test_the_step_and_the_verification_look_at_the_same_places(tiny_model: Path) -> None:
    model = put_on(loading.load_base(tiny_model, torch.float32), "prompt_tuning")
    row = encoded(1)[0]
    (batch,) = micro_batches([row], 1, packed=False, pad_id=3)

    with torch.no_grad():
        kept = step.logits_of(model, batch)[0]
    whole = logits_of(model, Encoded(row.ids, row.mask), CHAT)

    assert whole.shape[0] == len(row.ids)
    assert batch.keep is not None
    torch.testing.assert_close(kept, whole[batch.keep], rtol=1e-5, atol=1e-6)


def test_the_base_of_a_classifier_has_the_head_that_it_began_with() -> None:
    choice = TrainSpec.parse(
        {"objective": {"name": "classification", "labels": ["a", "b"]}}
    ).objective
    base = base_of("llama", choice)
    first = base.score.weight.clone()
    model = put_on(base, "prompt_tuning", choice)
    ids = torch.arange(4, 12)[None]

    with torch.no_grad(), adapters.without(model) as bare:
        found = bare(input_ids=ids, use_cache=False).logits
        hidden = bare.model(input_ids=ids, use_cache=False).last_hidden_state[:, -1]

    torch.testing.assert_close(found, hidden @ first.T)
