"""Bad input: whatever can be wrong with a method or an adapter has a test of what a person is told."""

from __future__ import annotations

import pytest

from tests.shown import assert_it_has_its_test

# What may be wrong, and the test that shows what becomes of it.
SHOWN = {
    "a method on an architecture that it does not know": (
        "studio/training/test_matrix.py",
        "a_combination_works_or_is_refused_with_the_reason",
    ),
    "a target that matches nothing": (
        "studio/methods/test_targets.py",
        "a_name_that_is_not_there_is_refused_with_the_nearest",
    ),
    "a rank above the width": (
        "studio/methods/test_ranks.py",
        "a_rank_that_no_layer_has_room_for_is_refused_at_its_field",
    ),
    "AdaLoRA's budget longer than the run": (
        "studio/training/tuners/test_adalora.py",
        "the_schedule_is_never_longer_than_the_run",
    ),
    "AdaLoRA's phases longer than the run": (
        "studio/training/tuners/test_adalora.py",
        "phases_that_leave_no_steps_for_ranks_to_move_are_refused",
    ),
    "a prefix with recomputed activations": (
        "studio/training/tuners/test_prefix_tuning.py",
        "what_it_does_not_go_with_is_refused",
    ),
    "a prompt with packed rows": (
        "studio/methods/test_methods.py",
        "packing_with_a_method_that_needs_lines_of_their_own_is_no_spec",
    ),
    "more memory than there is, as Diff Pruning may need": (
        "studio/orders/test_needs.py",
        "more_than_there_is_in_all_is_refused_with_both_figures_and_the_way_out",
    ),
    "an adapter of another model": (
        "studio/training/test_adapters.py",
        "an_adapter_of_another_model_is_refused_in_words",
    ),
    "an earlier adapter of another base": (
        "studio/orders/test_continuing.py",
        "another_base_goal_or_an_unfinished_training_is_refused",
    ),
    "an earlier adapter of another version": (
        "studio/orders/test_continuing.py",
        "an_adapter_that_was_changed_since_the_spec_was_made_is_not_taken",
    ),
    "missing, extra or wrong-shaped tensors in a file": (
        "studio/training/test_adapters.py",
        "a_file_with_other_tensors_is_not_loaded",
    ),
    "the same in an adapter that learns on": (
        "studio/training/test_earlier.py",
        "a_file_with_other_tensors_is_refused_and_nothing_is_changed",
    ),
}


@pytest.mark.parametrize("what", SHOWN)
def test_each_has_its_test(what: str) -> None:
    assert_it_has_its_test(*SHOWN[what])
