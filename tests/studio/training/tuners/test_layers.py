"""The methods that PEFT lacks, on every kind of base: reloaded, recomputed, over few bits, merged."""

from __future__ import annotations

import random
from pathlib import Path

import peft
import pytest
import torch

from studio.errors import AskedWrongly, StudioError
from studio.methods import METHODS
from studio.spec import TrainSpec
from studio.training import adapters, quantized
from studio.training.recomputing import recompute
from tests.studio.training.tuners.models import adapted, base, gradients, outputs

OURS = ["houlsby", "bitfit", "llama_adapter", "diff_pruning", "far"]
BASES = ["llama", "gpt2", "neox", "opt", "bloom", "falcon", "gemma3", "bert", "t5"]
# A single gate for a whole matrix has no gradient in most draws.
SETTINGS = {"diff_pruning": {"name": "diff_pruning", "groups": "none"}}
# What refuses them is tested with the method.
REFUSED = {("llama_adapter", name) for name in ("bloom", "falcon", "t5")}
PAIRS = [(method, name) for method in OURS for name in BASES if (method, name) not in REFUSED]
# Added biases that the architecture has no place for.
UNMERGEABLE = {("bitfit", "gemma3"), ("bitfit", "t5")}
_SAMPLE = set(random.Random(4).sample(PAIRS, 2 * len(OURS)))
EACH_PAIR = pytest.mark.parametrize(
    ("method", "name"),
    [pytest.param(*pair, marks=() if pair in _SAMPLE else pytest.mark.long) for pair in PAIRS],
)


@EACH_PAIR
def test_what_was_saved_loads_with_plain_peft_to_the_same_outputs(
    method: str, name: str, tmp_path: Path
) -> None:
    model = adapted(name, method)
    choice = TrainSpec.parse({"method": method}).method
    adapters.save(model, tmp_path, base_name="Tiny", choice=choice)

    loaded = peft.PeftModel.from_pretrained(base(name), str(tmp_path)).eval()

    assert torch.equal(outputs(loaded, name), outputs(model, name))
    assert not torch.allclose(outputs(model, name), outputs(base(name), name), rtol=1e-3)


@EACH_PAIR
def test_switched_off_it_is_the_base(method: str, name: str) -> None:
    model = adapted(name, method)
    head = adapted(name, method, moved=False)  # a classifier's head begins at the same numbers

    with model.disable_adapter(), head.disable_adapter():
        assert torch.equal(outputs(model, name), outputs(head, name))


@EACH_PAIR
def test_recomputed_activations_give_the_same_gradients(method: str, name: str) -> None:
    kept = gradients(adapted(name, method), name)
    model = adapted(name, method)
    recompute(model)
    recomputed = gradients(model, name)

    assert kept.keys() == recomputed.keys()
    scale = max(float(value.abs().max()) for value in kept.values())
    for key, value in kept.items():
        torch.testing.assert_close(recomputed[key], value, rtol=1e-4, atol=1e-6 * scale)


@EACH_PAIR
def test_merging_is_exact_or_refused_in_words(method: str, name: str) -> None:
    model = adapted(name, method)
    expected = outputs(model, name).detach()

    if METHODS[method].is_mergeable and (method, name) not in UNMERGEABLE:
        found = outputs(adapters.merge(model).eval(), name)
        assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())
    else:
        with pytest.raises(StudioError, match="Export the adapter instead"):
            adapters.merge(model)


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
@pytest.mark.parametrize("method", [name for name in OURS if METHODS[name].quantizations])
def test_it_learns_over_few_bits_and_merges_into_those_very_numbers(
    method: str, quantization: str
) -> None:
    model = adapted("llama", SETTINGS.get(method, method), quantization)
    assert all(bool(value.abs().sum() > 0) for value in gradients(model, "llama").values())
    expected = outputs(model.eval(), "llama").detach()

    whole = quantized.dequantize(model)
    torch.testing.assert_close(outputs(whole, "llama"), expected, rtol=1e-4, atol=1e-5)
    if METHODS[method].is_mergeable:
        found = outputs(adapters.merge(whole), "llama")
        assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())


@pytest.mark.parametrize("method", ["houlsby"])
def test_experts_are_refused_in_words_where_there_is_no_place_for_it(method: str) -> None:
    with pytest.raises(AskedWrongly, match="cannot be used with this model: its layers are not"):
        adapted("mixtral", method)
