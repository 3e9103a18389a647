"""What a verb says where the state does not allow it."""

from __future__ import annotations

import pytest

from jobs.errors import WrongState
from jobs.store import Store


def test_resume_and_retry_name_each_other(store: Store) -> None:
    store.pause(store.enqueue("train", {}).id)
    with pytest.raises(WrongState, match="resume it"):
        store.retry(1)
    store.cancel(1)
    with pytest.raises(WrongState, match="try it again"):
        store.resume(1)


def test_nothing_is_enqueued_or_tried_again_after_a_job_that_failed(store: Store) -> None:
    first = store.enqueue("convert", {})
    second = store.enqueue("train", {}, after=first.id)
    store.cancel(first.id)
    with pytest.raises(WrongState, match="Try that one again first"):
        store.enqueue("train", {}, after=first.id)
    with pytest.raises(WrongState, match="Try that one again first"):
        store.retry(second.id)
