"""Sparse matrices without values take and give what real ones do: the same shapes, and gradients."""

from __future__ import annotations

import pytest
import torch

from studio.estimator import sparse


def parts(device: str) -> tuple[torch.Tensor, torch.Tensor]:
    places = torch.tensor([[0, 2, 1], [1, 3, 0]], device=device)
    return places, torch.ones(3, device=device, requires_grad=True)


def test_with_values_it_is_torch_s_own() -> None:
    places, values = parts("cpu")

    made = sparse.made(torch.sparse_coo_tensor)(places, values, (4, 5))

    assert made.is_sparse
    assert made.to_dense()[2, 3] == 1


def test_it_is_added_to_a_dense_one_and_its_values_learn() -> None:
    places, values = parts("meta")
    matrix = sparse.made(torch.sparse_coo_tensor)(places, values, (4, 5))
    dense = torch.ones((4, 5), device="meta").clone()

    dense += matrix
    dense.sum().backward()

    assert dense.shape == (4, 5)
    assert values.grad is not None
    assert values.grad.shape == values.shape


def test_its_product_has_the_real_one_s_shape_and_gradients() -> None:
    places, values = parts("meta")
    matrix = sparse.made(torch.sparse_coo_tensor)(places, values, (4, 4)).coalesce()
    right = torch.ones((4, 7), device="meta", requires_grad=True)

    out = sparse.product(torch.sparse.mm)(matrix, right)
    out.sum().backward()

    assert out.shape == (4, 7)
    assert right.grad is not None
    assert values.grad is not None
    assert (right.grad.shape, values.grad.shape) == ((4, 7), (3,))


def test_what_is_not_known_of_it_fails() -> None:
    places, values = parts("meta")
    matrix = sparse.made(torch.sparse_coo_tensor)(places, values, (4, 4))

    with pytest.raises((NotImplementedError, TypeError)):
        torch.matmul(torch.ones((4, 4), device="meta"), matrix)
