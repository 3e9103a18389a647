"""Houlsby adapters: the paper's definition, its count, and what cannot be done with them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from studio.errors import StudioError
from studio.training import adapters
from tests.studio.training.tuners.models import adapted, base, outputs


def test_an_adapter_is_what_the_paper_writes() -> None:
    """y = z + U φ(D z): section 2.1 of arXiv:1902.00751."""
    model = adapted("llama", {"name": "houlsby", "bottleneck": 4})
    layer = model.base_model.model.model.layers[1].mlp.down_proj
    z = torch.randn(3, 160)

    down, up = layer.houlsby_down["default"], layer.houlsby_up["default"]
    projected = layer.base_layer(z)
    inner = functional.gelu(projected @ down.weight.t() + down.bias)

    torch.testing.assert_close(layer(z), projected + inner @ up.weight.t() + up.bias)


@pytest.mark.parametrize("norms", [True, False])
def test_the_count_is_the_papers(norms: bool) -> None:
    """2 m d + d + m an adapter (arXiv:1902.00751, section 2.1), two adapters a layer; beside them 2 d a norm
    of BERT's kind (gpt2)."""
    width, inner, depth = 64, 5, 3
    model = adapted("gpt2", {"name": "houlsby", "bottleneck": inner, "norms": norms})

    each = 2 * inner * width + width + inner
    expected = depth * (2 * each + (2 * 2 * width if norms else 0))
    assert adapters.count(model).trainable == expected


def test_it_begins_as_the_base() -> None:
    model = adapted("opt", "houlsby", moved=False)

    assert torch.equal(outputs(model, "opt"), outputs(base("opt"), "opt"))


def test_merging_is_refused_in_words() -> None:
    with pytest.raises(StudioError, match="cannot be merged into the model"):
        adapters.merge(adapted("llama", "houlsby"))
