"""What a remedy changes in a spec."""

from __future__ import annotations

from studio.failures.card import on_the_processor, slower, smaller

TRAINING = {"batch_size": 4, "gradient_accumulation": 1, "learning_rate": 0.001}


def test_less_memory_keeps_the_steps() -> None:
    assert smaller({"training": TRAINING}) == {
        "training.batch_size": 2,
        "training.gradient_accumulation": 2,
        "training.gradient_checkpointing": True,
    }


def test_less_memory_lets_all_layers_compute_twice_not_a_share_of_them() -> None:
    some = {**TRAINING, "gradient_checkpointing": True, "checkpointed_share": 0.5}

    assert smaller({"training": some})["training.checkpointed_share"] == 1.0


def test_at_one_row_shorter_ones_are_left_and_then_nothing() -> None:
    assert smaller({"training": {"batch_size": 1, "max_length": 512}}) == {
        "training.max_length": 256
    }
    assert smaller({"training": {"batch_size": 1, "max_length": 32}}) == {}


def test_numbers_that_broke_down_are_tried_slower_and_finer() -> None:
    changes = slower({"training": TRAINING})

    assert changes == {"training.learning_rate": 0.0001, "training.precision": "fp32"}


def test_the_processor_is_a_device_as_well() -> None:
    assert on_the_processor({}) == {"training.devices": "cpu"}
