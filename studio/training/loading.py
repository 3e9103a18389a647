"""Loading a base model and its tokenizer from a folder of safetensors."""

from __future__ import annotations

import contextlib
import functools
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoConfig, AutoTokenizer

from studio.errors import ModelProblem
from studio.spec import ModelChoice
from studio.training import checkups, quantized
from studio.training.heads import CAUSAL, Head

Precision = Literal["auto", "fp32", "bf16", "fp16"]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Numbers:
    """In which number formats a run computes: of the frozen weights, and of the arithmetic."""

    name: str
    weights: torch.dtype
    autocast: torch.dtype | None
    device_type: str

    def context(self) -> AbstractContextManager[Any]:
        """The precision of one step; a new context each time, as torch wants it."""
        if self.autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device_type, dtype=self.autocast)


def choose_device(choice: str) -> torch.device:
    """The device that `auto`, `cpu`, `cuda` or a slot's name such as `cuda:1` means.

    Raises ModelProblem when a GPU was asked for and there is none.
    """
    if choice.startswith("cuda") and not torch.cuda.is_available():
        raise ModelProblem(
            "A GPU was asked for (training.devices is 'cuda'), but torch finds none on this machine. "
            "Choose 'auto' or 'cpu', or see `doctor`.",
            code="device",
        )
    if choice == "auto":
        choice = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(choice)


def choose_numbers(choice: Precision, device: torch.device, *, trains_weights: bool) -> Numbers:
    """`auto`: bf16 on a GPU that computes in it, else fp32.

    Where the base's own weights train they stay fp32 (16 bits lose small updates) and only the
    arithmetic is in fewer bits; a frozen base is held in them, PEFT keeps the adapter in fp32.
    Raises ModelProblem where the device cannot compute in what was chosen.
    """
    if choice == "auto":
        choice = "bf16" if _is_quick_in_bf16(device) else "fp32"
    dtype = DTYPES[choice]
    if dtype is torch.float32:
        return Numbers(choice, dtype, None, device.type)
    if not computes_in(dtype, device):
        raise ModelProblem(
            f"torch cannot compute in {choice} on this device ({device}). Set training.precision to "
            '"auto" or "fp32".',
            code="precision",
        )
    return Numbers(choice, torch.float32 if trains_weights else dtype, dtype, device.type)


def _is_quick_in_bf16(device: torch.device) -> bool:
    """Whether a GPU multiplies in bf16 itself, and no slower than in fp32.

    A processor is not asked: with AVX-512's bf16 a product took 1.7 times as long as in fp32, with AVX2
    a step 18 times, and what `auto` means must not change with what else runs at the moment.
    """
    if device.type != "cuda" or not torch.cuda.is_bf16_supported(including_emulation=False):
        return False
    return _product_s(torch.bfloat16, device) <= _product_s(torch.float32, device)


def _product_s(dtype: torch.dtype, device: torch.device) -> float:
    """Seconds of some products on a GPU, once it is warm."""
    left = torch.ones((1024, 1024), dtype=dtype, device=device)
    taken = 0.0
    for _ in range(2):
        torch.cuda.synchronize(device)
        began = time.perf_counter()
        for _ in range(8):
            left @ left
        torch.cuda.synchronize(device)
        taken = time.perf_counter() - began
    return taken


@functools.cache
def computes_in(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a layer's product, norm, attention and their gradients exist in `dtype` on the device."""
    try:
        with torch.autocast(device.type, dtype=dtype):
            x = torch.ones((1, 1, 2, 8), dtype=dtype, device=device, requires_grad=True)
            y = nn.functional.scaled_dot_product_attention(x, x @ x.transpose(2, 3) @ x, x)
            nn.functional.layer_norm(nn.functional.silu(y), (8,)).sum().backward()
    except RuntimeError:
        return False
    return True


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder. Raises ModelProblem when it cannot be read."""
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelProblem(
            f"The tokenizer in {folder} cannot be read ({error}). The folder needs a tokenizer.json "
            "(or the files it is made from) beside the weights."
        ) from error


def load_base(
    folder: Path,
    dtype: torch.dtype,
    attention: str = "auto",
    held: ModelChoice | None = None,
    *,
    head: Head = CAUSAL,
    seed: int = 0,
) -> nn.Module:
    """The base model of a folder on the CPU, in `dtype`, from safetensors only, without remote code.

    With `held`, its linear layers in as few bits as that says. The files are then read as they are:
    mapped, not copied, they need memory for one layer at a time.

    A head that the folder does not hold gets random numbers that depend on `seed` alone.
    Raises ModelProblem when transformers cannot build it, or not with that head.
    """
    options: dict[str, Any] = {} if attention == "auto" else {"attn_implementation": attention}
    torch.manual_seed(seed)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        head.refuse_other_kinds(config)
        config.update(head.config)
        model: nn.Module = head.kind.builder.from_pretrained(
            folder,
            config=config,
            dtype="auto" if held and held.quantization != "none" else dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=bool(head.labels),
            **options,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelProblem(f"The model in {folder} cannot be loaded: {error}") from error
    checkups.refuse_broken_base(model)
    return quantized.hold(model, held, dtype) if held else model


def padding_id(model: nn.Module, tokenizer: Any, head: Head) -> int:
    """The token that fills up rows. A classifier looks for it to find where a row ends, so the model's
    own counts there; one without any is told."""
    known = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    chosen = int(next(token for token in known if token is not None))
    if not head.labels:
        return int(tokenizer.pad_token_id or 0)
    config: Any = model.config.get_text_config()  # type: ignore[union-attr, operator]
    if config.pad_token_id is None:
        config.pad_token_id = chosen
    return int(config.pad_token_id)


def start_id(model: nn.Module) -> int:
    """The token that a decoder begins with; 0 for models that have none."""
    config: Any = model.config
    return int(getattr(config, "decoder_start_token_id", None) or 0)
