"""Sparse matrices without values: what torch's kernels of the CPU take and give back, operation by operation.

torch knows no sparse tensors without values. What is made here was read off the allocator's events of the
real operations; sizes follow from the number of values and from the dense side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class Sparse:
    """A matrix of `shape` with `values (N,)` at `places (2, N)`, as far as the methods use one."""

    places: Tensor
    values: Tensor
    shape: tuple[int, int]

    def coalesce(self) -> Sparse:
        """In order, a new matrix."""
        values, places = _Ordered.apply(self.values, self.places)  # type: ignore[no-untyped-call]
        return Sparse(places, values, self.shape)

    def _nnz(self) -> int:
        return len(self.values)

    def to_dense(self) -> Tensor:
        """With all its zeros."""
        return self._spread().contiguous()

    def _spread(self) -> Tensor:
        """Its values on a dense matrix of no size, to be added to one."""
        spread: Any = _Spread.apply
        found: Tensor = spread(self.values, self.places, self.shape)
        return found

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        dense, sparse = args
        if func not in (Tensor.add_, Tensor.__iadd__) or not isinstance(sparse, Sparse):
            raise NotImplementedError(f"{func} of a sparse matrix without values")
        return dense.add_(sparse._spread())


def made(original: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.sparse_coo_tensor` for places that have no values, too."""

    def sparse_coo_tensor(places: Tensor, values: Tensor, size: Any, **kwargs: Any) -> Any:
        if _has_values(values):
            return original(places, values, size, **kwargs)
        return Sparse(places.to(torch.int64), values, tuple(size))

    return sparse_coo_tensor


def product(original: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.sparse.mm` for a matrix that has none, too."""

    def mm(left: Any, right: Tensor, **kwargs: Any) -> Tensor:
        if not isinstance(left, Sparse):
            return original(left, right, **kwargs)  # type: ignore[no-any-return]
        multiply: Any = _Product.apply
        found: Tensor = multiply(right, left.values, left.places)
        return found

    return mm


def _has_values(tensor: Tensor) -> bool:
    return not tensor.is_meta and type(tensor.data) is Tensor


def _picked(dense: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """A dense gradient's numbers at the places, and the places of the new matrix that they make."""
    found, own = dense.new_empty(places.shape[1]), places.clone()
    kept = torch.empty_like(found)
    del found
    return kept, own


class _Spread(Function):
    """Values onto a dense matrix."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, places: Tensor, shape: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(values, places)
        return values.new_empty(()).expand(shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        _, places = ctx.saved_tensors
        return _picked(gradient, places)[0], None, None


class _Ordered(Function):
    """Places sorted, values after them."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, places: Tensor) -> Any:
        ctx.save_for_backward(places)
        flat = places.new_empty(len(values))
        ordered, kept = torch.empty_like(places), torch.empty_like(values)
        passing = [torch.empty_like(flat) for _ in range(3)]
        del flat, passing
        ctx.mark_non_differentiable(ordered)
        return kept, ordered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Any) -> Any:
        (places,) = ctx.saved_tensors
        passing = [places.new_empty(len(gradient)) for _ in range(2)]
        kept, own = torch.empty_like(places), torch.empty_like(places)
        del own, passing
        found = torch.empty_like(gradient)
        del kept
        return found, None


class _Product(Function):
    """Of a sparse matrix and a dense one `(in, N)`."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, values: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(dense, values, places)
        return _new(dense)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        dense, _, places = ctx.saved_tensors
        wide = gradient @ dense.mT
        kept, own = _picked(wide, places)
        del wide
        turned = torch.empty_like(kept), torch.empty_like(own)
        between = _new(dense)
        del turned, own
        return between, kept, None


def _new(like: Tensor) -> Tensor:
    """A product as large as `like`; the kernel holds it twice for a moment."""
    once, twice = torch.empty_like(like), torch.empty_like(like)
    del twice
    return once
