"""The tensors of an adapter's file beside those that a model with this adapter has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor


def first_difference(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str | None:
    """In words, the first by name that is missing, too many or of another shape; None where all fit."""
    return next(_differences(given, wanted), None)


def _differences(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    for name in sorted(given.keys() | wanted.keys()):
        if name not in given:
            yield f"it has no '{name}'"
        elif name not in wanted:
            yield f"it has '{name}', which is not expected"
        elif given[name].shape != wanted[name].shape:
            has, wants = tuple(given[name].shape), tuple(wanted[name].shape)
            yield f"its '{name}' has the shape {has}, expected {wants}"
