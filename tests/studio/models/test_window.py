"""The window: models that learned their places end there, others do not."""

from __future__ import annotations

from pathlib import Path

from studio.models.window import learned_places
from studio.spec import TrainSpec
from tests import tiny


def test_only_a_model_with_a_vector_for_each_place_ends(tiny_model: Path, tmp_path: Path) -> None:
    assert learned_places(tiny.make_model_of_places(tmp_path / "gpt2", places=24)) == 24
    assert learned_places(tiny_model) is None
    assert learned_places(tiny.make_encoder_decoder(tmp_path / "t5")) is None
    assert learned_places(tmp_path) is None, "no model at all"


def test_rows_end_where_the_model_does_the_method_s_own_tokens_before_them() -> None:
    spec = TrainSpec.parse({"training": {"max_length": 512}})
    prompted = TrainSpec.parse({"method": {"name": "prompt_tuning", "virtual_tokens": 20}})

    assert spec.within(None) is spec
    assert spec.within(512) is spec
    assert spec.within(64).training.max_length == 64
    assert prompted.within(64).training.max_length == 44
