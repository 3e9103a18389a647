"""Plain LoRA: factors of different ranks and scales, written so that PEFT adds exactly them."""

from __future__ import annotations

from pathlib import Path

import peft
import torch

from studio.training.tuners.plain_lora import Factors, write
from tests.studio.training.tuners.models import adapted, base


def test_peft_adds_each_modules_own_product(tmp_path: Path) -> None:
    model = adapted("llama", "lora")
    factors = {
        "model.layers.0.self_attn.q_proj": Factors(torch.randn(3, 64), torch.randn(64, 3), 0.5),
        "model.layers.1.self_attn.v_proj": Factors(torch.randn(2, 64), torch.randn(32, 2), 2.0),
    }

    write(model, tmp_path, factors)
    loaded = peft.PeftModel.from_pretrained(base("llama"), str(tmp_path))

    layers = dict(loaded.get_base_model().named_modules())
    found = {name for name, each in layers.items() if hasattr(each, "lora_A")}
    assert found == set(factors)
    for name, each in factors.items():
        expected = each.scale * each.b @ each.a
        torch.testing.assert_close(layers[name].get_delta_weight("default"), expected)
