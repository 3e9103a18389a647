"""AdaMix: its average is its mixture where that can be computed, and what is saved is that average."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import peft
import torch

from studio.spec import TrainSpec
from studio.training import adapters
from studio.training.recomputing import recompute
from studio.training.tuners.adamix import AdamixConfig, AdamixLayer, _disagreement
from tests.studio.training import setups
from tests.studio.training.test_loop import train
from tests.studio.training.tuners.models import adapted, base, gradients, outputs

METHOD = {"name": "adamix", "bottleneck": 4, "experts": 3}


def test_the_average_is_the_mixture_where_the_curve_is_a_line() -> None:
    """The mean over all M² routes of U_j D_i z + U_j d_i + u_j is Ū D̄ z + Ū d̄ + ū."""
    torch.manual_seed(0)
    config = AdamixConfig(bottleneck=3, activation="identity", experts=4)
    layer: Any = AdamixLayer(torch.nn.Linear(5, 6), "default", config, "x")
    for value in layer.parameters():
        torch.nn.init.normal_(value)
    x = torch.randn(7, 5)
    z = layer.base_layer(x)

    routes = [
        z + up(down(z))
        for down, up in itertools.product(layer.adamix_down["default"], layer.adamix_up["default"])
    ]

    torch.testing.assert_close(layer.eval()(x), torch.stack(routes).mean(0), rtol=1e-4, atol=1e-5)


def test_what_is_saved_is_one_plain_houlsby_adapter(tmp_path: Path) -> None:
    model = adapted("gpt2", METHOD)
    choice = TrainSpec.parse({"method": METHOD}).method
    adapters.save(model, tmp_path, base_name="Tiny", choice=choice)

    loaded = peft.PeftModel.from_pretrained(base("gpt2"), str(tmp_path)).eval()

    assert json.loads((tmp_path / "adapter_config.json").read_text())["peft_type"] == "HOULSBY"
    assert torch.equal(outputs(loaded, "gpt2"), outputs(model, "gpt2"))


def test_the_count_is_that_of_so_many_adapters() -> None:
    """M (2 m d + d + m) at two places of each layer: arXiv:2205.12410, section 3.1."""
    trainable = adapters.count(adapted("llama", METHOD)).trainable

    assert trainable == 3 * 2 * 3 * (2 * 4 * 64 + 64 + 4)


def test_every_pass_chooses_anew_and_recomputing_chooses_the_same() -> None:
    model = adapted("llama", METHOD).train()
    torch.manual_seed(0)
    assert not torch.equal(outputs(model, "llama"), outputs(model, "llama"))

    kept = gradients(adapted("llama", METHOD), "llama")
    again = adapted("llama", METHOD)
    recompute(again)
    recomputed = gradients(again, "llama")

    assert kept.keys() == recomputed.keys()
    for key, value in kept.items():
        torch.testing.assert_close(recomputed[key], value, rtol=1e-4, atol=1e-6)


def test_the_disagreement_is_the_symmetric_divergence_at_trained_positions(tmp_path: Path) -> None:
    from studio.training.batching import micro_batches

    batch = next(micro_batches(setups.encoded(2), 2, packed=False, pad_id=3))
    first, second = torch.randn(2, *batch.targets.shape, 7)
    p, q = first.softmax(-1), second.softmax(-1)
    both = (p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)
    expected = 0.5 * both[batch.targets != -100].sum()

    torch.testing.assert_close(_disagreement(first, second, batch), expected)


def test_it_learns(tiny_model: Path, tmp_path: Path) -> None:
    reports = train(setups.setup(tiny_model, tmp_path, method=METHOD, epochs=4))

    held_out = [each.held_out_loss for each in reports if each.held_out_loss is not None]
    assert held_out[-1] < held_out[0] - 0.1
