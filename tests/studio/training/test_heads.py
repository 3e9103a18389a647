"""Heads: the right kind of model for each objective, and a head that trains and is saved."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from studio.errors import ModelProblem
from studio.spec import TrainSpec
from studio.training import adapters, loading
from studio.training.heads import Head, head_modules
from tests import tiny

LABELS = Head("classes", ("no", "yes"))


def test_a_head_that_the_base_lacks_depends_on_the_seed_alone(tiny_model: Path) -> None:
    def head(seed: int) -> torch.Tensor:
        model = loading.load_base(tiny_model, torch.float32, head=LABELS, seed=seed)
        return model.get_parameter("score.weight").detach()

    assert torch.equal(head(1), head(1))
    assert not torch.equal(head(1), head(2))


def test_the_labels_names_are_in_the_model_s_configuration(tiny_model: Path) -> None:
    config = loading.load_base(tiny_model, torch.float32, head=LABELS).config

    assert config.id2label == {0: "no", 1: "yes"}  # type: ignore[union-attr]
    assert config.problem_type == "single_label_classification"  # type: ignore[union-attr]


def test_all_of_a_head_trains_beside_the_adapter_and_none_of_it_is_adapted() -> None:
    """DistilBERT's head has a layer that PEFT does not know of by itself."""
    config = DistilBertConfig(
        vocab_size=64, dim=16, hidden_dim=32, n_layers=1, n_heads=2, max_position_embeddings=32
    )
    model = DistilBertForSequenceClassification(config)

    adapted = adapters.attach(model, TrainSpec.parse({}).method, seed=0, head=LABELS)

    names = [name for name, _ in adapters.trainable(adapted)]
    whole = {name.split(".")[2] for name in names if "modules_to_save" in name}
    assert whole == set(head_modules(model, LABELS)) == {"pre_classifier", "classifier"}
    assert not any("lora" in name and "classifier" in name for name in names)


@pytest.mark.parametrize(
    ("layout", "is_decoder_model", "wanted"),
    [("decoder", False, "such as T5"), ("tokens", True, "such as Llama")],
)
def test_a_base_of_another_kind_is_refused_with_one_that_suits(
    layout: str, is_decoder_model: bool, wanted: str, tiny_model: Path, tmp_path: Path
) -> None:
    base = tiny.make_encoder_decoder(tmp_path / "t5") if is_decoder_model else tiny_model

    with pytest.raises(ModelProblem, match=wanted):
        loading.load_base(base, torch.float32, head=Head(layout))  # type: ignore[arg-type]
