"""Jobs and their states."""

from __future__ import annotations

import pytest

from jobs.models import ACTIVE, ENDED, JobState


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_sentence_in_plain_words(state: JobState) -> None:
    assert state.sentence[0].isupper()
    assert state.value not in state.sentence or state == JobState.QUEUED


def test_no_state_is_both_active_and_ended() -> None:
    assert not ACTIVE & ENDED
    assert JobState.RUNNING.is_active
    assert JobState.CANCELLED.is_ended
    assert not JobState.PAUSED.is_active
    assert not JobState.PAUSED.is_ended
