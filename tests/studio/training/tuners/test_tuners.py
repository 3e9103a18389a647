"""Tuners: each belongs to a method."""

from __future__ import annotations

from studio.methods import METHODS
from studio.spec import TrainSpec
from studio.training.tuners import TUNERS, tuner_of


def test_every_tuner_belongs_to_a_method() -> None:
    used = {method.tuner or name for name, method in METHODS.items()}

    assert used >= TUNERS.keys()


def test_a_tuner_keeps_nothing_of_its_own() -> None:
    for tuner in [*TUNERS.values(), tuner_of(TrainSpec.parse({"method": "full"}).method)]:
        assert not vars(tuner)
