"""Bad input: whatever can be wrong with what a training is given has a test of what a person is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.training import loop
from tests.shown import assert_it_has_its_test
from tests.studio.training.setups import setup

# What may be wrong, and the test that shows what becomes of it.
SHOWN = {
    "rows longer than the model's window": (
        "studio/tasks/test_train.py",
        "rows_longer_than_the_model_can_read_are_cut_where_it_ends_and_that_is_said",
    ),
    "rows of which nothing is left within the length": (
        "studio/training/test_preparing.py",
        "rows_of_which_nothing_is_left_are_all_named",
    ),
    "a template that raises": (
        "studio/objectives/test_chat.py",
        "the_templates_own_refusal_reaches_the_person",
    ),
    "labels never seen": (
        "studio/objectives/test_classification.py",
        "a_label_that_was_never_listed_names_its_line_and_the_nearest",
    ),
    "one class only": (
        "studio/objectives/test_classification.py",
        "labels_that_cannot_be_learnt_are_refused_in_words",
    ),
    "no trained token": (
        "studio/objectives/test_chat.py",
        "a_row_without_an_answer_is_an_error_not_silence",
    ),
    "a batch that does not fit even at one row": (
        "studio/tasks/test_train.py",
        "a_batch_that_does_not_fit_even_at_one_row_ends_in_words",
    ),
    "a dataset smaller than a batch": (
        "studio/training/test_bad_input.py",
        "fewer_rows_than_a_batch_are_a_batch_of_their_own",
    ),
    "a base with a weight that is no number": (
        "studio/tasks/test_train.py",
        "a_base_with_a_broken_number_is_refused_before_training",
    ),
    "a tokenizer that does not match the embedding": (
        "studio/training/test_checkups.py",
        "a_tokenizer_with_more_tokens_than_the_model_is_refused",
    ),
    "wrong world size": (
        "studio/training/ranks/test_ranks.py",
        "fewer_processes_than_asked_for_do_not_train",
    ),
    "a rank killed": (
        "studio/training/ranks/test_launching.py",
        "a_killed_process_counts_as_killed_whatever_the_others_say",
    ),
}


@pytest.mark.parametrize("what", SHOWN)
def test_each_has_its_test(what: str) -> None:
    assert_it_has_its_test(*SHOWN[what])


def test_fewer_rows_than_a_batch_are_a_batch_of_their_own(tiny_model: Path, tmp_path: Path) -> None:
    def losses(batch_size: int) -> list[float | None]:
        reports: list[loop.Report] = []
        made = setup(tiny_model, tmp_path / str(batch_size), batch_size=batch_size, epochs=3)
        outcome = loop.run(made, on_report=reports.append, should_stop=lambda: False)
        assert outcome.is_complete
        return [each.loss for each in reports if each.step]

    all_at_once = losses(64)
    assert len(all_at_once) == 3
    assert all_at_once == losses(10)
