"""The rule of thumb that full fine-tuning takes 12 to 20 bytes a parameter, held against the estimate."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

from studio.estimator.blueprint import Plan
from studio.estimator.deep import DeepModel
from studio.estimator.microbatch import unknown_run
from studio.spec import TrainSpec
from studio.training.loading import choose_numbers
from tests.claims import FULL_BYTES_A_PARAMETER


@pytest.fixture(scope="module")
def eight_billion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llama 3's shape of eight billion parameters, as a configuration alone."""
    folder = tmp_path_factory.mktemp("8B")
    transformers.LlamaConfig(
        vocab_size=128_256,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        tie_word_embeddings=False,
    ).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", [*FULL_BYTES_A_PARAMETER])
def test_what_the_docs_say_of_full_fine_tuning_is_the_estimate(
    eight_billion: Path, name: str
) -> None:
    training, said = FULL_BYTES_A_PARAMETER[name]
    spec = TrainSpec.parse({"method": "full", "training": training})
    numbers = choose_numbers(spec.training.precision, torch.device("cpu"), trains_weights=True)
    model = DeepModel.of(eight_billion, Plan.of(spec, numbers))
    batch = unknown_run(spec.training, spec.objective, packed=True).largest

    peak = model.step_cost(spec, batch, numbers).peak

    assert model.counts().total == 8_030_261_248
    assert round(peak.bytes / 8_030_261_248, 1) == said
