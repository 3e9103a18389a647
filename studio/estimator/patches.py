"""Patches of torch and transformers that let a step run without data; active only inside `without_data`.

Each stands for a decision that the library takes by looking at values, or for a kernel that the
real device would choose and the meta device does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend
from torch.optim import adam
from torch.utils._python_dispatch import _disable_current_modes
from transformers import PreTrainedModel, masking_utils
from transformers.integrations import moe

from studio.estimator import sparse
from studio.estimator.answers import Answers
from studio.estimator.live import LiveStorages
from studio.training import head
from studio.training.replaced import replaced

_flash_attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_transformers_own = torch.ops.transformers.grouped_mm_fallback


@dataclass(frozen=True)
class Known:
    """What the values of a batch would have told: several rows in one line, padding behind a row."""

    packs_several_rows: bool
    pads: bool


# (module, name): the places that are patched, also for the test that they are the originals again.
PATCHED: tuple[tuple[Any, str], ...] = (
    (masking_utils, "find_packed_sequence_indices"),
    (masking_utils, "_ignore_causal_mask_sdpa"),
    (masking_utils, "_ignore_bidirectional_mask_sdpa"),
    (functional, "scaled_dot_product_attention"),
    (adam, "_device_dtype_check_for_fused"),
    (moe, "_grouped_mm"),
    (torch, "autocast"),
    (torch, "get_rng_state"),
    (head, "_blocks"),
    (torch, "sparse_coo_tensor"),
    (torch.sparse, "mm"),
    (PreTrainedModel, "warn_if_padding_and_no_attention_mask"),
)


@contextmanager
def without_data(known: Known, live: LiveStorages | None = None) -> Iterator[None]:
    """Let a training step run on tensors that hold no values, of a batch of which this is known.

    What no operation on tensors shows is told to `live`; without it every operation is done.
    """
    replacements: tuple[Callable[..., Any], ...] = (
        _find_packed(known),
        _ignore_mask(known, masking_utils._ignore_causal_mask_sdpa),
        _ignore_mask(known, masking_utils._ignore_bidirectional_mask_sdpa),
        _attention(functional.scaled_dot_product_attention),
        _accept_any_device,
        _product_of_experts(moe._grouped_mm),
        _autocast(torch.autocast),
        _random_state(torch.get_rng_state, live),
        _few_blocks(head._blocks, live) if live else head._blocks,
        sparse.made(torch.sparse_coo_tensor),
        sparse.product(torch.sparse.mm),
        _warn_of_nothing,
    )
    with ExitStack() as stack:
        for (module, name), replacement in zip(PATCHED, replacements, strict=True):
            stack.enter_context(replaced(module, name, replacement))
        stack.enter_context(Answers())
        yield


def _find_packed(known: Known) -> Callable[[Tensor], Tensor | None]:
    """transformers' `find_packed_sequence_indices` looks whether the positions begin anew within a line."""

    def find_packed_sequence_indices(position_ids: Tensor) -> Tensor | None:
        before_first = position_ids[:, :1] - 1
        steps = torch.diff(position_ids, prepend=before_first, dim=-1)
        rows = (steps != 1).cumsum(-1)
        return rows if known.packs_several_rows else None

    return find_packed_sequence_indices


def _ignore_mask(known: Known, original: Callable[..., bool]) -> Callable[..., bool]:
    """transformers leaves the mask out where no token is masked, which it sees from the values."""

    def ignore_mask(padding_mask: Tensor | None, *args: Any, **kwargs: Any) -> bool:
        if padding_mask is not None and known.pads:
            return False
        return original(None, *args, **kwargs)

    return ignore_mask


def _attention(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The kernel that the CPU takes: meta tensors would get the plain one, which keeps all scores."""

    def scaled_dot_product_attention(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        query, key, value = (_as_autocast(tensor) for tensor in (query, key, value))
        heads = query.shape[1], key.shape[1], query.shape[-1], value.shape[-1]
        # T5's bias is learnt; the quick kernel has no gradient for it.
        mask_learns = attn_mask is not None and attn_mask.requires_grad
        if (
            query.ndim != 4
            or mask_learns
            or not _cpu_takes_flash(
                heads, query.dtype, attn_mask is not None, dropout_p, is_causal, enable_gqa
            )
        ):
            return original(
                query,
                key,
                value,
                attn_mask,
                dropout_p,
                is_causal,
                scale=scale,
                enable_gqa=enable_gqa,
            )
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            # torch turns it into numbers to add, anew in each layer.
            attn_mask = torch.empty(attn_mask.shape, dtype=query.dtype, device=attn_mask.device)
        out: Tensor = _flash_attention(
            query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale
        )[0]
        return out

    return scaled_dot_product_attention


def _as_autocast(tensor: Tensor) -> Tensor:
    """Autocast lowers the precision of what goes into attention, but sees only torch's own function."""
    if torch.is_autocast_enabled("cpu") and tensor.dtype == torch.float32:
        return tensor.to(torch.get_autocast_dtype("cpu"))
    return tensor


@functools.cache
def _cpu_takes_flash(
    heads: tuple[int, int, int, int],
    dtype: torch.dtype,
    is_masked: bool,
    dropout: float,
    is_causal: bool,
    shares_keys: bool,
) -> bool:
    """Which kernel torch takes on the CPU, asked with two real tokens; it does not depend on their number."""
    query_heads, key_heads, width, value_width = heads
    with _disable_current_modes():
        query = torch.empty((1, query_heads, 2, width), dtype=dtype, device="cpu")
        key = torch.empty((1, key_heads, 2, width), dtype=dtype, device="cpu")
        value = torch.empty((1, key_heads, 2, value_width), dtype=dtype, device="cpu")
        mask = torch.zeros((1, 1, 2, 2), dtype=dtype, device="cpu") if is_masked else None
        choice = torch._fused_sdp_choice(
            query, key, value, mask, dropout, is_causal, enable_gqa=shares_keys
        )
    return int(choice) == SDPBackend.FLASH_ATTENTION.value


def _accept_any_device(parameter: Tensor, cuda_unsupported: bool = False) -> None:
    """The fused AdamW has a meta kernel, but torch.optim's list of devices leaves it out."""


def _warn_of_nothing(model: Any, input_ids: Tensor, attention_mask: Tensor | None) -> None:
    """transformers looks for padding among the ids, to warn of it once."""


def _product_of_experts(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """torch's product of rows with their experts' matrices takes only bf16 where there are no values."""

    def grouped_mm(input: Tensor, weight: Tensor, offs: Tensor) -> Tensor:
        if weight.dtype == torch.bfloat16:
            return original(input, weight, offs)
        rows = input.to(weight.dtype)
        if weight.requires_grad:
            return _transformers_own(rows, weight, offs=offs)  # type: ignore[no-any-return]
        # Frozen: the same sizes come and go as if all rows went to one expert.
        return rows @ weight[0]

    return grouped_mm


def _autocast(original: Callable[..., Any]) -> Callable[..., Any]:
    """torch knows no autocast for tensors without values; PEFT switches it off by their device."""

    def autocast(device_type: str, *args: Any, **kwargs: Any) -> Any:
        if device_type == "meta":
            return nullcontext()
        return original(device_type, *args, **kwargs)

    return autocast


def _random_state(
    original: Callable[[], Tensor], live: LiveStorages | None
) -> Callable[[], Tensor]:
    """Recomputing keeps torch's random state with each layer, 5 kB that no operation makes."""

    def get_rng_state() -> Tensor:
        with _disable_current_modes(), torch.device("cpu"):
            state = original()
        if live is not None:
            live.hold(state, live.part)
        return state

    return get_rng_state


def _few_blocks(
    original: Callable[..., Iterable[slice]], live: LiveStorages
) -> Callable[..., Iterator[slice]]:
    """The output layer's blocks but the first two and the last are as large as the second, and come and
    go like it: one stands for them all."""

    def blocks(rows: int, width: int, device: str) -> Iterator[slice]:
        found = list(original(rows, width, device))
        yield from found[:1]
        if len(found) > 2:
            with live.standing_for(len(found) - 2):
                yield found[1]
        if len(found) > 1:
            yield found[-1]

    return blocks
