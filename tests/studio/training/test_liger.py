"""Liger's kernels: used where they give what the model gives, refused in words elsewhere.

The library needs a GPU. What stands in for it here computes the same by torch's own operations, in the
order of arguments that Liger Kernel 0.8.5 has.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from studio import libraries
from studio.errors import AskedWrongly, StudioError
from studio.spec import TrainSpec
from studio.spec.installed import require_installed
from studio.training import liger
from studio.training.fused import fuse
from tests.studio.training.fused.test_fused import SIZES, adapted, logits_and_gradients, worst

CPU = torch.device("cpu")
LORA = {"llama": 14, "gemma2": 14, "qwen3": 14}
# Two layers' MLPs and norms, and the last norm.
MODULES = {"llama": 2 + 5, "qwen3": 2 + 9, "gemma2": 2 + 9}


class Norm:
    """RMSNorm in place of the library's."""

    @staticmethod
    def apply(
        x: Tensor, weight: Tensor, epsilon: float, offset: float, casting: str, in_place: bool
    ) -> Tensor:
        assert (casting == "gemma") == (offset == 1.0)
        assert not in_place
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon) * (offset + weight)


class Silu:
    """SiLU's gate in place of the library's."""

    @staticmethod
    def apply(gate: Tensor, up: Tensor) -> Tensor:
        return functional.silu(gate) * up


class Gelu:
    """Gelu's gate in place of the library's."""

    @staticmethod
    def apply(gate: Tensor, up: Tensor) -> Tensor:
        return functional.gelu(gate, approximate="tanh") * up


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Something by the library's name."""
    ops: Any = types.ModuleType("liger_kernel.ops")
    ops.LigerRMSNormFunction, ops.LigerSiLUMulFunction = Norm, Silu
    ops.LigerGELUMulFunction = Gelu
    monkeypatch.setitem(sys.modules, "liger_kernel", types.ModuleType("liger_kernel"))
    monkeypatch.setitem(sys.modules, "liger_kernel.ops", ops)
    return ops


def model_of(kind: str) -> nn.Module:
    """A small random model of a kind."""
    model: nn.Module = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SIZES))
    return model


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("kind", MODULES)
def test_norms_and_gated_mlps_use_them_and_give_what_they_gave(kind: str) -> None:
    model = adapted(kind)
    expected = logits_and_gradients(model)

    assert fuse(model, liger.chains(), CPU) == MODULES[kind]
    assert fuse(model) == LORA[kind]

    assert worst(logits_and_gradients(model), expected) < 1e-4


def test_a_kernel_that_gives_something_else_is_not_used(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LigerSiLUMulFunction", Gelu)

    assert fuse(model_of("llama"), liger.chains(), CPU) == MODULES["llama"] - 2


class Unable:
    """A kernel that cannot be compiled."""

    @staticmethod
    def apply(*arguments: Tensor) -> Tensor:
        raise LookupError("no such instruction")


def test_a_kernel_that_cannot_be_compiled_is_not_used(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LigerSiLUMulFunction", Unable)

    used = fuse(model_of("llama"), liger.chains(), CPU, (LookupError,))

    assert used == MODULES["llama"] - 2


@pytest.mark.usefixtures("library")
def test_an_architecture_without_any_such_module_is_refused_in_words() -> None:
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model("gpt2", n_embd=8, n_head=2, n_layer=1)
    )

    with pytest.raises(StudioError, match=r"no kernel .*\(gpt2\).* to \"own\""):
        liger.use(model, torch.device("cuda"))


def test_a_processor_is_refused_in_words() -> None:
    with pytest.raises(StudioError, match="NVIDIA GPU"):
        liger.use(model_of("llama"), CPU)
    with pytest.raises(AskedWrongly, match="NVIDIA GPU"):
        TrainSpec.parse({"training": {"kernels": "liger", "devices": "cpu"}})


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "is_installed", lambda package: False)

    with pytest.raises(AskedWrongly, match=r"Liger Kernel is not installed.*liger-kernel>=0\.8\.5"):
        require_installed([], "liger")
    require_installed([], "own")
