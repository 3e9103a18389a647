"""A file's tensors beside those that are needed: the first difference, in words."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from studio.training.tensors import first_difference

WANTED = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(WANTED), None),
        ({"a": WANTED["a"]}, "it has no 'b'"),
        ({**WANTED, "c": torch.zeros(1)}, "it has 'c', which is not expected"),
        ({**WANTED, "a": torch.zeros(3, 2)}, "its 'a' has the shape (3, 2), expected (2, 3)"),
        ({}, "it has no 'a'"),
    ],
    ids=["alike", "missing", "extra", "shape", "empty"],
)
def test_the_first_difference_is_told(given: dict[str, Tensor], words: str | None) -> None:
    assert first_difference(given, WANTED) == words
