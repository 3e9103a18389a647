"""Keys and values of a text: handed to the layers, they are as good as the text itself."""

from __future__ import annotations

import pytest
import torch

from studio.errors import AskedWrongly
from studio.training import key_values
from tests.studio.training.tuners.soft_prompts import CAUSAL, REFUSED, base_of, ids, put_on

READ = [name for name in CAUSAL if name not in REFUSED["cartridge"]]


@pytest.mark.parametrize("name", READ)
def test_a_prefix_begun_as_a_text_is_as_good_as_the_text(name: str) -> None:
    text, row = ids(5, seed=1), ids(9, seed=2)
    model = put_on(base_of(name), "prefix_tuning")
    remembered = key_values.remembered(model, text[0].tolist())
    assert remembered is not None
    model.prompt_encoder["default"].load_prompt_embeddings(remembered)

    with torch.no_grad():
        whole = base_of(name)(input_ids=torch.cat([text, row], dim=1), use_cache=False).logits
        mask = torch.ones_like(row)
        found = model(input_ids=row, attention_mask=mask, use_cache=False).logits

    torch.testing.assert_close(found, whole[:, 5:], rtol=1e-4, atol=1e-5)


def test_a_layer_that_forgets_gives_nothing_to_begin_with() -> None:
    """Mistral's small twin looks back 32 tokens."""
    model = put_on(base_of("mistral"), "prefix_tuning")

    assert key_values.remembered(model, [7] * 40) is None


def test_a_model_that_only_reads_has_nothing_to_begin_with() -> None:
    from studio.spec import TrainSpec

    choice = TrainSpec.parse(
        {"objective": {"name": "classification", "labels": ["a", "b"]}}
    ).objective

    assert (
        key_values.remembered(put_on(base_of("bert", choice), "prefix_tuning", choice), [5, 6])
        is None
    )


@pytest.mark.parametrize("name", sorted(REFUSED["prefix_tuning"]))
def test_layers_without_such_keys_and_values_are_refused_in_words(name: str) -> None:
    with pytest.raises(AskedWrongly, match=r"Prefix tuning cannot be used .* (heads|layers)"):
        put_on(base_of(name), "prefix_tuning")
