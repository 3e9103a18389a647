"""Turns: at which moments of a step a layer begins and ends its part of the forward and backward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from studio.estimator.live import LiveStorages, Pass


@contextmanager
def turns_marked(live: LiveStorages, model: nn.Module, paths: Sequence[str]) -> Iterator[None]:
    """Mark in `live` each turn of the layers in the stacks at `paths` of the base, while active."""
    with ExitStack() as stack:
        for path in paths:
            layers = list(_layers(model, path).named_children())
            for place, (name, layer) in enumerate(layers):
                marks = _Marks(live, path, int(name), is_lowest=place == 0)
                for hook in (
                    layer.register_forward_pre_hook(marks.begins, with_kwargs=True),
                    layer.register_forward_hook(marks.ends),
                ):
                    stack.callback(hook.remove)
        yield


def _layers(model: nn.Module, path: str) -> nn.Module:
    """The stack, wherever a method has put the base."""
    return next(
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and f".{name}".endswith(f".{path}")
    )


class _Marks:
    """The hooks of one layer. What is recomputed in the backward pass belongs to the layer's turn there."""

    def __init__(self, live: LiveStorages, path: str, number: int, *, is_lowest: bool) -> None:
        self._live = live
        self._forward = Pass(path, number, is_backward=False)
        self._backward = Pass(path, number, is_backward=True)
        self._is_lowest = is_lowest

    def begins(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._live.moment != "forward":
            return
        given = _first(args) if args else kwargs.get("hidden_states")
        if self._is_lowest and isinstance(given, Tensor) and given.requires_grad:
            given.register_hook(self._is_through)
        self._live.mark(self._forward)

    def ends(self, layer: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._live.moment != "forward":
            return
        given = _first(output)
        if isinstance(given, Tensor) and given.requires_grad:
            given.register_hook(self._comes_back)
        self._live.mark(None)

    def _comes_back(self, gradient: Tensor) -> None:
        self._live.mark(self._backward)

    def _is_through(self, gradient: Tensor) -> None:
        self._live.mark(None)


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, tuple) and values else values
