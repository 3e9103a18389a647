"""LoRA's start values: the model begins as it was, and what is learned is a plain LoRA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch

from studio.errors import AskedWrongly
from studio.spec import ModelChoice, TrainSpec
from studio.training import adapters, loop, quantized
from studio.training.adapters import trainable
from studio.training.tuners import tuner_of
from studio.training.tuners.tuner import Ground
from tests.studio.training.setups import setup
from tests.studio.training.tuners.models import adapted, base, outputs

NF4 = ModelChoice.model_validate({"quantization": "nf4"})


def prepared(name: str, method: dict[str, Any], quantization: str = "none") -> Any:
    """A base with LoRA whose start values were made, and moved as by training."""
    choice = TrainSpec.parse({"method": method}).method
    model = adapted(name, method, quantization, moved=False)
    ground = Ground([], lambda steps: [], lambda logits, batch: logits.sum())
    tuner_of(choice).prepare(model, choice.settings, ground)
    return model, choice


def move(model: Any) -> None:
    torch.manual_seed(3)
    for _, value in trainable(model):
        value.data += 0.03 * torch.randn_like(value)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("init", ["pissa", "olora"])
def test_start_values_from_weights_leave_the_model_as_it_was_and_save_as_plain_lora(
    init: str, name: str, quantization: str, tmp_path: Path
) -> None:
    if (name, quantization) == ("gpt2", "nf4"):
        pytest.skip("gpt2's layers are not held in few bits")
    few = {"c_fc": 2} if name == "gpt2" else {"q_proj": 2}
    method = {"name": "lora", "rank": 4, "init": init, "rslora": True, "rank_pattern": few}
    model, choice = prepared(name, method, quantization)
    untouched = outputs(base(name, quantization), name)
    torch.testing.assert_close(outputs(model, name), untouched, rtol=1e-4, atol=1e-5)
    move(model)
    tuned = outputs(model, name).detach()

    with model.disable_adapter():
        assert torch.equal(outputs(model, name), untouched)
    adapters.save(model, tmp_path, base_name="Tiny", choice=choice)
    loaded = peft.PeftModel.from_pretrained(base(name, quantization), str(tmp_path)).eval()

    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 8
    assert float((outputs(loaded, name) - tuned).abs().max()) < 1e-5 * float(tuned.abs().max())
    assert not any(".start." in key for key, _ in trainable(model))


def test_pissa_begins_at_the_strongest_part_of_the_weight() -> None:
    model, _ = prepared("llama", {"name": "lora", "rank": 4, "alpha": 8, "init": "pissa"})
    layer = model.get_base_model().model.layers[0].self_attn.q_proj
    values = torch.linalg.svdvals(layer.base_layer.weight)

    part = layer.get_delta_weight("default")

    torch.testing.assert_close(torch.linalg.svdvals(part)[:4], values[:4], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("init", ["pissa", "olora", "eva", "loftq"])
@pytest.mark.some(2)
def test_every_kind_of_start_learns_and_goes_on_exactly_after_a_pause(
    init: str, tiny_model: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"method": {"name": "lora", "rank": 4, "init": init}}
    options["held"] = NF4 if init == "loftq" else None
    straight = setup(tiny_model, tmp_path / "straight", **options)
    reports = run(straight)
    assert reports[-1].held_out_loss < reports[0].held_out_loss

    run(setup(tiny_model, tmp_path / "cut", **options), stop_after=3)
    resumed = setup(tiny_model, tmp_path / "cut", **options)
    run(resumed)

    for ours, theirs in zip(trainable(resumed.model), trainable(straight.model), strict=True):
        assert torch.equal(ours[1], theirs[1])


def run(ready: loop.Setup, stop_after: int | None = None) -> list[Any]:
    reports: list[Any] = []
    loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    return reports


def test_loftq_brings_the_rounded_weight_nearer_to_the_whole_one(tiny_model: Path) -> None:
    ready = setup(
        tiny_model, tiny_model, method={"name": "lora", "rank": 16, "init": "loftq"}, held=NF4
    )
    whole = setup(tiny_model, tiny_model).model.get_base_model().model.layers[0].mlp.up_proj
    ready.tuner.prepare(ready.model, ready.spec.method.settings, None)  # type: ignore[arg-type]
    layer = ready.model.get_base_model().model.layers[0].mlp.up_proj  # type: ignore[operator]

    rounded = layer.base_layer.weight
    made_up = rounded + layer.get_delta_weight("default")

    wanted = whole.base_layer.weight
    assert float((made_up - wanted).norm()) < 0.8 * float((rounded - wanted).norm())


def test_ranks_and_alphas_of_single_modules_count() -> None:
    """llama, width 64: query (64, 64) with rank 2, value (32 out) with rank 4."""
    method = {"name": "lora", "rank": 4, "targets": ["q_proj", "v_proj"]}
    method |= {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 2.0}}
    model = adapted("llama", method)

    assert adapters.count(model).trainable == 3 * (2 * (64 + 64) + 4 * (64 + 32))
    scaling = model.get_base_model().model.layers[0].self_attn.v_proj.scaling["default"]
    assert scaling == 2.0 / 4


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ({"init": "loftq"}, "needs the base in nf4"),
        ({"init": "pissa", "dora": True}, "cannot be used together"),
        ({"init": "pissa", "rank": 64}, "allows ranks up to 32"),
        ({"rank_pattern": {"queries": 2}}, "a pattern names 'queries'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_built(
    method: dict[str, Any], words: str
) -> None:
    with pytest.raises(AskedWrongly, match=words):
        adapted("llama", {"name": "lora", **method})


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_dora_works_over_few_bits(quantization: str) -> None:
    method = {"name": "lora", "dora": True}
    start = adapted("llama", method, quantization, moved=False)
    torch.testing.assert_close(
        outputs(start, "llama"), outputs(base("llama", quantization), "llama"), rtol=1e-4, atol=1e-5
    )

    model = adapted("llama", method, quantization)
    expected = outputs(model, "llama").detach()
    merged = adapters.merge(quantized.dequantize(model))  # type: ignore[arg-type]
    found = outputs(merged, "llama")
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())
