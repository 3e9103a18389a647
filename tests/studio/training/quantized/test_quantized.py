"""A quantised base: it computes with what it stores, trains an adapter, and merges without a difference."""

from __future__ import annotations

import copy
import gc
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from studio.errors import AskedWrongly
from studio.spec import TrainSpec
from studio.training import adapters, loading, loop, quantized
from studio.training.adapters import trainable
from studio.training.loop import Report
from studio.training.quantized import QuantizedLinear
from tests.studio.training.setups import setup

KINDS = [("nf4", False), ("nf4", True), ("fp4", False), ("int8", False)]


def choice(kind: str, double: bool = False) -> Any:
    held = {"quantization": kind, "double_quantization": double}
    return TrainSpec.parse({"model": held}).model


def layer(kind: Any = "nf4", dtype: torch.dtype = torch.float32) -> QuantizedLinear:
    torch.manual_seed(0)
    return QuantizedLinear(nn.Linear(96, 40), kind, double=False, dtype=dtype)


@pytest.mark.parametrize("kind", ["nf4", "fp4", "int8"])
def test_both_passes_are_those_of_the_plain_layer_with_the_same_numbers(kind: str) -> None:
    held = layer(kind)
    plain = held.dequantized()
    left = torch.randn(3, 5, 96, requires_grad=True)
    right = left.detach().clone().requires_grad_(True)

    held(left).pow(2).sum().backward()
    plain(right).pow(2).sum().backward()

    assert torch.equal(held(left), plain(right))
    assert torch.equal(left.grad, right.grad)  # type: ignore[arg-type]


def test_nothing_of_the_size_of_the_weight_is_kept_for_the_backward_pass() -> None:
    held, sizes = layer(), []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        held(torch.randn(2, 96, requires_grad=True))

    assert max(sizes, default=0) < held.logical_numel


def test_a_change_of_number_format_rounds_no_scale() -> None:
    held = layer()
    before = held.weight

    assert torch.equal(held.to(torch.bfloat16).weight, before)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_holds_the_file_of_the_whole_weights_once_they_are_quantised(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    maps = Path("/proc/self/maps")
    whole = loading.load_base(folder, torch.float32)
    assert str(folder) in maps.read_text(), "the file is mapped, not copied"
    del whole
    gc.collect()
    held = loading.load_base(folder, torch.float32, held=choice("nf4"))
    gc.collect()

    assert str(folder) not in maps.read_text()
    assert held.get_output_embeddings().weight is held.get_input_embeddings().weight  # type: ignore[operator]


@pytest.mark.parametrize(("kind", "double"), KINDS)
def test_the_base_needs_a_fraction_of_its_memory_and_counts_as_before(
    kind: str, double: bool, tiny_model: Path
) -> None:
    whole = loading.load_base(tiny_model, torch.float32)
    held = loading.load_base(tiny_model, torch.float32, held=choice(kind, double))

    linear = sum(
        module.weight.numel()
        for module in whole.modules()
        if type(module) is nn.Linear and module is not whole.get_output_embeddings()  # type: ignore[operator]
    )
    bits = [
        buffer.numel() * buffer.element_size() * 8
        for module in held.modules()
        if isinstance(module, QuantizedLinear)
        for buffer in module.buffers()
    ]
    assert sum(bits) / linear < (9.2 if kind == "int8" else 4.6)
    assert adapters.count(held).total == adapters.count(whole).total
    assert type(held.get_output_embeddings()) is nn.Linear  # type: ignore[operator]


@pytest.mark.parametrize(("kind", "double"), KINDS)
@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.some(4)
def test_an_adapter_over_it_learns_and_merges_into_the_same_numbers(
    kind: str, double: bool, dora: bool, tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(
        tiny_model,
        tmp_path,
        held=choice(kind, double),
        method={"name": "lora", "dora": dora},
        learning_rate=0.02,
        epochs=4,
    )
    reports: list[Report] = []
    loop.run(ready, on_report=reports.append, should_stop=lambda: False)
    held_out = [r.held_out_loss for r in reports if r.held_out_loss is not None]
    ids = torch.arange(20)[None]
    ready.model.eval()
    with torch.no_grad():
        trained = ready.model(input_ids=ids).logits
        with ready.model.disable_adapter():  # type: ignore[operator]
            untrained = ready.model(input_ids=ids).logits
        merged = adapters.merge(quantized.dequantize(copy.deepcopy(ready.model)))(ids).logits  # type: ignore[arg-type]

    assert held_out[-1] < held_out[0] - 0.1
    assert not quantized.is_quantized(quantized.dequantize(ready.model))
    far = (trained - untrained).abs().max()
    assert (merged - trained).abs().max() < 1e-5 * far


def test_a_stopped_run_over_it_goes_on_to_the_very_same_weights(
    tiny_model: Path, tmp_path: Path
) -> None:
    held = choice("nf4", True)
    straight = setup(tiny_model, tmp_path / "a", held=held, optimizer="adamw_8bit")
    loop.run(straight, on_report=lambda _: None, should_stop=lambda: False)

    reports: list[Report] = []
    loop.run(
        setup(tiny_model, tmp_path / "b", held=held, optimizer="adamw_8bit"),
        on_report=reports.append,
        should_stop=lambda: len(reports) >= 4,
    )
    resumed = setup(tiny_model, tmp_path / "b", held=held, optimizer="adamw_8bit")
    loop.run(resumed, on_report=lambda _: None, should_stop=lambda: False)

    pairs = zip(trainable(straight.model), trainable(resumed.model), strict=True)
    assert all(torch.equal(left, right) for (_, left), (_, right) in pairs)


def test_a_model_without_plain_linear_layers_is_refused_in_words() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=16, n_layer=1, n_head=2))

    with pytest.raises(AskedWrongly, match="no linear layers"):
        quantized.hold(model, choice("nf4"), torch.float32)


def test_transformers_loads_the_same_numbers_with_bitsandbytes(tmp_path: Path) -> None:
    """Whoever gets the adapter loads the base with transformers' own 4 bits: it is the same base."""
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    from tests import tiny

    # All widths whole blocks of 64: with others bitsandbytes' CPU kernel is wrong.
    folder = tiny.make_model(tmp_path / "model", hidden=64)
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    theirs: Any = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, dtype=torch.float32
    )
    ours: Any = loading.load_base(folder, torch.float32, held=choice("nf4"))

    for name, module in theirs.named_modules():
        if isinstance(module, Linear4bit):
            numbers = dequantize_4bit(module.weight.data, module.weight.quant_state)
            assert torch.equal(numbers, ours.get_submodule(name).weight)
