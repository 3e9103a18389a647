"""Blocks: where attention and feed-forward end is told from the modules alone, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from studio.methods.base import Base
from studio.methods.blocks import feed_forwards, sublayer_ends
from studio.training.survey import survey
from tests.studio.estimator.configurations import make_folder

# What each architecture's own code ends its sublayers with, and what leads into its inner nodes.
KNOWN = {
    "llama": ({"o_proj", "down_proj"}, {"gate_proj", "up_proj"}, "down_proj"),
    "gemma3": ({"o_proj", "down_proj"}, {"gate_proj", "up_proj"}, "down_proj"),
    "gpt2": ({"c_proj"}, {"c_fc"}, "c_proj"),
    "neox": ({"dense", "dense_4h_to_h"}, {"dense_h_to_4h"}, "dense_4h_to_h"),
    "bloom": ({"dense", "dense_4h_to_h"}, {"dense_h_to_4h"}, "dense_4h_to_h"),
    "falcon": ({"dense", "dense_4h_to_h"}, {"dense_h_to_4h"}, "dense_4h_to_h"),
    "opt": ({"out_proj", "fc2"}, {"fc1"}, "fc2"),
    "phi": ({"dense", "fc2"}, {"fc1"}, "fc2"),
    "bert": ({"dense"}, {"dense"}, "dense"),
    "t5": ({"o", "wo"}, {"wi"}, "wo"),
}


def base_of(name: str, folder: Path) -> Base:
    builder = AutoModelForSeq2SeqLM if name == "t5" else AutoModelForCausalLM
    config = AutoConfig.from_pretrained(make_folder(name, folder))
    with torch.device("meta"):
        return survey(builder.from_config(config))


@pytest.mark.parametrize("name", KNOWN)
def test_each_sublayer_ends_where_its_code_ends_it(name: str, tmp_path: Path) -> None:
    base = base_of(name, tmp_path)
    ends, into, out = KNOWN[name]

    found = sublayer_ends(base, {0, 1, 2})
    inner = feed_forwards(base)

    assert found is not None
    assert inner is not None
    # A decoder that reads an encoder has two attentions and a feed-forward.
    assert len(found) == (2 + 3 if name == "t5" else 2) * 3
    assert {module.last_name for module in found} == ends
    assert {module.last_name for _, modules, _ in inner for module in modules} == into
    assert {module.last_name for *_, module in inner} == {out}


def test_a_fused_gate_is_no_row_for_a_node(tmp_path: Path) -> None:
    """phi3 keeps gate and up in one matrix, twice as high as its inner layer is wide."""
    base = base_of("phi3", tmp_path)

    assert {module.last_name for module in sublayer_ends(base, {0}) or ()} == {
        "o_proj",
        "down_proj",
    }
    assert feed_forwards(base) is None


def test_layers_of_experts_have_no_end_of_their_own(tmp_path: Path) -> None:
    assert sublayer_ends(base_of("mixtral", tmp_path), {0}) is None
