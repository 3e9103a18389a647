"""Answers: what values would have told, where a library asks a tensor that has none.

Only questions whose answer is known beforehand: whether a number drawn at random lies above a share of 0,
whether a number that trains is infinite, whether a place lies within its bounds. All others still fail, so
that nothing is simulated on a guess.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

_aten = torch.ops.aten
# What each operation makes of what it was given (None: of anything), as far as that can be told.
_MAKES: dict[Any, dict[str | None, str]] = {
    _aten.rand.default: {None: "drawn"},
    _aten.gt.Scalar: {"drawn": "yes"},
    _aten.isinf.default: {None: "no"},
    _aten.any.default: {"no": "no"},
    _aten.lt.Scalar: {None: "below"},
    _aten.bitwise_and.Tensor: {"below": "within"},
}
_ANSWERS = {"yes": True, "no": False}
_ASKS = _aten._local_scalar_dense.default
_CHOOSES = _aten.index.Tensor
# What must be asked of torch each time, so that its answer is noted.
TELLING = frozenset({*_MAKES, _ASKS, _CHOOSES})


class Answers(TorchDispatchMode):
    """While active, answers for tensors without values; to be entered before what counts operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._known = WeakTensorKeyDictionary()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is _ASKS and (answer := _ANSWERS.get(self._of(args))) is not None:
            return answer
        if func is _CHOOSES:
            args = (args[0], [self._as_places(each) for each in args[1]])
        out = func(*args, **(kwargs or {}))
        makes = _MAKES.get(func)
        if makes is not None:
            made = makes.get(None) or makes.get(self._of(args))
            if made is not None:
                self._known[out] = made
        return out

    def _of(self, args: tuple[Any, ...]) -> str:
        given = args[0] if args else None
        return str(self._known.get(given, "")) if isinstance(given, Tensor) else ""

    def _as_places(self, index: Tensor | None) -> Tensor | None:
        """A mask that keeps all, as the places of all: how many it keeps decides the result's shape."""
        if index is None or self._known.get(index) != "within":
            return index
        return torch.empty(index.shape, dtype=torch.int64, device=index.device)
