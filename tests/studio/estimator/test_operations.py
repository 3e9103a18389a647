"""What a stretch of training computes, operation by operation."""

from __future__ import annotations

from collections import Counter

import torch

from studio.estimator.operations import Work, deep_work, recorded, shortened


def product(rows: int) -> Work:
    """The work of one product and a sum, of numbers that are not there."""
    left, right = torch.empty(rows, 4, device="meta"), torch.empty(4, 5, device="meta")
    return recorded(lambda: (left @ right).add(1.0))


def test_operations_come_with_their_shapes_products_and_bytes() -> None:
    work = product(3)

    (multiplied,) = (each for each in work if "mm" in each.name)
    assert multiplied.flops == 2 * 3 * 4 * 5
    assert multiplied.bytes == 4 * (3 * 4 + 4 * 5 + 3 * 5)
    assert [like.shape for like in multiplied.likes()] == [(3, 4), (4, 5)]
    assert sum(work.values()) == 2


def test_the_same_with_values_and_without() -> None:
    left, right = torch.rand(3, 4), torch.rand(4, 5)

    assert recorded(lambda: (left @ right).add(1.0)) == product(3)


def test_looking_at_numbers_in_another_way_takes_no_bytes() -> None:
    given = torch.empty(3, 4, device="meta")

    (turned,) = recorded(lambda: given.t())

    assert turned.bytes == 0


def test_a_deep_model_is_the_few_layers_and_each_missing_one() -> None:
    few, wider = product(3), product(3) + product(3)

    assert deep_work(few, [wider], [28]) == Counter(dict.fromkeys(few, 29))
    assert deep_work(few, [few], [28]) == few


def test_a_long_list_of_tensors_is_tried_on_its_first_ones() -> None:
    weights = [torch.empty(1000, device="meta") for _ in range(50)]
    (whole,) = recorded(lambda: torch._foreach_mul_(weights, 0.5))

    few = shortened(whole, most_bytes=40_000)

    assert len(few.args[0]) == 10
    assert few.bytes == whole.bytes // 5
