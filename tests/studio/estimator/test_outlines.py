"""What an operation gives is made again without asking torch, and is what torch would have given."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from studio.estimator.outlines import done

aten = torch.ops.aten


def ones(*shape: int, **more: Any) -> torch.Tensor:
    return torch.ones(shape, device="meta", **more)


CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "broadcast": (aten.mul.Tensor, (ones(4, 1, 3), ones(2, 3))),
    "turned": (aten.mul.Tensor, (ones(3, 4).t(), ones(4, 3))),
    "several": (aten.native_layer_norm.default, (ones(2, 8), [8], ones(8), ones(8), 1e-5)),
    "a list": (aten.cat.default, ([ones(2, 3), ones(4, 3)], 0)),
    "a view": (aten.t.default, (ones(2, 3),)),
    "itself": (aten.add_.Tensor, (ones(2, 3), ones(2, 3))),
    "another type": (aten.gt.Scalar, (ones(5), 0.5)),
}


def looks(value: Any) -> Any:
    """Of each tensor its shape, strides, type and the size of its storage."""
    if isinstance(value, tuple | list):
        return [looks(each) for each in value]
    return value.shape, value.stride(), value.dtype, value.untyped_storage().nbytes()


@pytest.mark.parametrize("case", CALLS)
def test_the_second_time_gives_what_the_first_did(case: str) -> None:
    func, args = CALLS[case]
    expected = looks(func(*args))

    assert looks(done(func, args, {})) == expected
    assert looks(done(func, args, {})) == expected


def test_what_is_known_is_not_asked_of_torch_again() -> None:
    with Asked() as asked:
        for _ in range(3):
            done(aten.mul.Tensor, (ones(17, 19), ones(17, 19)), {})

    assert asked.calls.count(aten.mul.Tensor) == 1


class Asked(TorchDispatchMode):
    """Notes what torch is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.calls.append(func)
        return func(*args, **(kwargs or {}))


def test_each_time_is_a_storage_of_its_own() -> None:
    args = (ones(6, 6), ones(6, 6))
    first, second = done(aten.mul.Tensor, args, {}), done(aten.mul.Tensor, args, {})

    assert first.untyped_storage()._cdata != second.untyped_storage()._cdata


def test_real_numbers_are_computed() -> None:
    three = torch.tensor(3.0)

    for _ in range(2):
        assert done(aten.mul.Tensor, (three, three), {}).item() == 9.0
