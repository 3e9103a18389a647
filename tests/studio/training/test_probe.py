"""The probe finds out whether an architecture keeps packed rows apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, OPTConfig, OPTForCausalLM

from studio.training import loading
from studio.training.probe import keeps_documents_apart
from tests.studio.estimator.configurations import make_folder


def test_a_llama_keeps_packed_rows_apart(tiny_model: Path) -> None:
    assert keeps_documents_apart(loading.load_base(tiny_model, torch.float32), 320)


def test_an_opt_which_counts_positions_by_the_mask_does_not() -> None:
    config = OPTConfig(
        vocab_size=64,
        hidden_size=16,
        ffn_dim=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        word_embed_proj_dim=16,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = OPTForCausalLM(config)
        torch.nn.init.normal_(model.model.decoder.embed_positions.weight)

    assert not keeps_documents_apart(model, 64)


@pytest.mark.parametrize(("name", "apart"), [("llama", True), ("bloom", False), ("opt", False)])
def test_in_bf16_rounding_is_told_from_a_row_that_is_seen(
    name: str, apart: bool, tmp_path: Path
) -> None:
    """As they begin, these models add less of another row to the logits than bf16 rounds."""
    config = AutoConfig.from_pretrained(make_folder(name, tmp_path))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)

    assert keeps_documents_apart(model, 64) == apart
