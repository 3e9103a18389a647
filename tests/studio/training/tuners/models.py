"""Small random models of many architectures with a method on them, for tests of methods."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import Tensor, nn
from transformers import AutoConfig

from studio.spec import ModelChoice, TrainSpec
from studio.training import adapters, quantized
from studio.training.heads import CAUSAL, Head
from tests.studio.estimator.configurations import make_folder

HEADS = {
    "bert": Head("classes", ("no", "yes")),
    "t5": Head("decoder"),
}

# Settings of methods whose defaults are made for wider layers than these.
SMALL: dict[str, dict[str, Any]] = {
    "shira": {"rank": 4},
    "psoft": {"rank": 8},
    "miss": {"rank": 16},
    "waveft": {"frequencies": 200, "scaling": 2.0},
    "fourierft": {"frequencies": 200},
    "intrinsic_prompt": {"virtual_tokens": 10, "dimension": 50},
}
# What may be wrong with the tensors of an adapter's file: how it came to be, and what is said.
Change = Callable[[dict[str, Tensor]], Any]
WRONG_TENSORS: dict[str, tuple[Change, str]] = {
    "missing": (lambda tensors: tensors.popitem(), "it has no '"),
    "extra": (
        lambda tensors: tensors.update(more=torch.zeros(1)),
        "it has 'more', which is not expected",
    ),
    "shape": (
        lambda tensors: tensors.update({next(iter(tensors)): torch.zeros(3, 5)}),
        "size mismatch|shape",
    ),
}


def small(name: str) -> dict[str, Any]:
    """The method `name`, set for these models."""
    return {"name": name, **SMALL.get(name, {})}


def change_file(folder: Path, change: Change) -> None:
    """Write the file of the adapter in `folder` anew, its tensors changed."""
    file = folder / SAFETENSORS_WEIGHTS_NAME
    tensors = safetensors.torch.load_file(file)
    change(tensors)
    safetensors.torch.save_file(tensors, file, metadata={"format": "pt"})


def head_of(name: str) -> Head:
    """What a model of this architecture is built to do."""
    return HEADS.get(name, CAUSAL)


def base(name: str, quantization: str = "none") -> nn.Module:
    """The same random model each time it is asked for, in evaluation."""
    with tempfile.TemporaryDirectory() as folder:
        config = AutoConfig.from_pretrained(make_folder(name, Path(folder)))
    config.update(head_of(name).config)
    torch.manual_seed(0)
    model: nn.Module = head_of(name).kind.builder.from_config(config).eval()
    for module in model.modules():
        # Bloom, for one, begins with numbers too small for a difference to be seen.
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.1)
    held = ModelChoice.model_validate({"quantization": quantization})
    return quantized.hold(model, held, torch.float32)


def adapted(
    name: str, method: Any, quantization: str = "none", *, moved: bool = True, seed: int = 0
) -> Any:
    """A base with a method on it; `moved`: its weights away from their start, as after training."""
    choice = TrainSpec.parse({"method": method}).method
    model = adapters.attach(base(name, quantization), choice, seed=seed, head=head_of(name))
    if moved:
        torch.manual_seed(seed + 1)
        for _, value in adapters.trainable(model):
            value.data += 0.03 * torch.randn_like(value)
    return model.eval()


def outputs(model: Any, name: str) -> Tensor:
    """The logits on two fixed rows."""
    return _call(model, name).logits


def gradients(model: nn.Module, name: str) -> dict[str, Tensor]:
    """What a made-up loss gives each trained parameter, in training mode; zeros where it has no part."""
    model.train()
    torch.manual_seed(0)
    _call(model, name).logits.float().sin().sum().backward()
    found = {}
    for key, value in adapters.trainable(model):
        found[key] = torch.zeros_like(value) if value.grad is None else value.grad
        value.grad = None
    return found


def _call(model: Callable[..., Any], name: str) -> Any:
    ids = torch.arange(4, 22).view(2, 9)
    if name == "t5":
        return model(input_ids=ids, decoder_input_ids=ids[:, :5], use_cache=False)
    return model(input_ids=ids) if name == "bert" else model(input_ids=ids, use_cache=False)
