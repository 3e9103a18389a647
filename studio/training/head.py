"""The output layer and its cross-entropy as one: never all logits at once, no pass that can be saved.

A small model's output layer is wider than all else: its logits, their softmax and its gradient are
most of a step's memory. Here they exist for a few positions at a time, and the gradient of the hidden
states is made while they do, so that nothing is computed twice. (The idea is Liger's and Cut
Cross-Entropy's; this one leaves softmax and its gradient unnormalised, which saves two passes more.)
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from studio.training.attention import arguments
from studio.training.autocast import lowered, off
from studio.training.batching import IGNORED

# Numbers in one block of logits: on the CPU it should stay in reach of the caches, on a GPU it should
# be large enough to fill it.
_BLOCK = {"cpu": 2**24, "meta": 2**24}
_LARGE_BLOCK = 2**26
_FEWEST_ROWS, _MOST_ROWS = 64, 2048
# Whether an output layer's model gives its logits unchanged, found out once.
_KNOWN: weakref.WeakKeyDictionary[nn.Module, bool] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Deferred:
    """Logits that were not computed: `hidden (B, K, H)` by `weight (V, H)` plus `bias (V,)`."""

    hidden: Tensor
    weight: Tensor
    bias: Tensor | None

    def logits(self) -> Tensor:
        """The logits `(B, K, V)` after all."""
        return functional.linear(self.hidden, self.weight, self.bias)

    def cross_entropy_sum(self, targets: Tensor) -> Tensor:
        """Sum of -log p(target) over `targets (B, K)` that are not IGNORED, a scalar in float32."""
        function: Callable[..., Tensor] = _CrossEntropy.apply
        hidden, weight, bias = lowered(self.hidden.flatten(0, -2), self.weight, self.bias)
        with off(hidden):
            return function(hidden, weight, bias, targets.flatten())


class _CrossEntropy(torch.autograd.Function):
    """With e = exp(logits - largest) and s its sum: the gradient of a row's logits is e / s, less one
    at its target; of its hidden state it is (e W) / s - W[target]."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
    ) -> Tensor:
        total = hidden.new_zeros((), dtype=torch.float32)
        of_hidden = torch.empty_like(hidden) if hidden.requires_grad else None
        of_weight = torch.zeros_like(weight) if weight.requires_grad else None
        for rows in _blocks(len(hidden), len(weight), hidden.device.type):
            block, counts = hidden[rows], targets[rows] != IGNORED
            target = targets[rows].where(counts, 0)
            logits = functional.linear(block, weight, bias).float()
            of_target = logits.gather(1, target[:, None])
            largest = logits.amax(1, keepdim=True)
            exponent = logits.sub_(largest).exp_()
            sums = exponent.sum(1, keepdim=True)
            losses = (sums.log() + largest - of_target).squeeze(1)
            total += losses.where(counts, 0).sum()
            share = counts[:, None] / sums
            exponent = exponent.to(hidden.dtype)
            counted = counts[:, None].to(hidden.dtype)
            if of_hidden is not None:
                torch.mul(exponent @ weight, share, out=of_hidden[rows])
                of_hidden[rows] -= weight[target] * counted
            if of_weight is not None:
                of_weight.addmm_(exponent.t(), block * share.to(hidden.dtype))
                of_weight.index_add_(0, target, block * counted, alpha=-1)
        ctx.save_for_backward(of_hidden, of_weight)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        scaled = (
            None if value is None else value.mul_(gradient.to(value.dtype))
            for value in ctx.saved_tensors
        )
        return (*scaled, None, None)


def _blocks(rows: int, width: int, device: str) -> Iterator[slice]:
    """The rows in blocks of about as many numbers as the device deals with best."""
    size = block_rows(width, device)
    return (slice(begin, min(begin + size, rows)) for begin in range(0, rows, size))


def block_rows(width: int, device: str) -> int:
    """Rows in one block of logits that are `width` wide."""
    size = _BLOCK.get(device, _LARGE_BLOCK) // width
    return min(max(size, _FEWEST_ROWS), _MOST_ROWS)


def can_defer(model: Any) -> bool:
    """Whether the output layer is a plain linear one and the model gives what it gave, unchanged.

    A model that scales or caps its logits gives another tensor than its output layer did.
    """
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or (head.bias is not None and head.bias.requires_grad):
        return False
    if head not in _KNOWN:
        _KNOWN[head] = _gives_its_heads_output(model, head)
    return _KNOWN[head]


def _gives_its_heads_output(model: Any, head: nn.Linear) -> bool:
    ids = torch.zeros((1, 2), dtype=torch.int64, device=head.weight.device)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), passing_through(head) as passed:
            given = model(input_ids=ids, use_cache=False, **arguments(model, (2,))).logits
    except (TypeError, ValueError, RuntimeError):
        return False
    finally:
        model.train(was_training)
    return len(passed) == 1 and given is passed[0]


@contextmanager
def passing_through(head: nn.Module) -> Iterator[list[Tensor]]:
    """Let the output layer give back what it gets; yields what passed through it."""
    passed: list[Tensor] = []

    def forward(hidden: Tensor) -> Tensor:
        passed.append(hidden)
        return hidden

    head.forward = forward
    try:
        yield passed
    finally:
        del head.forward
