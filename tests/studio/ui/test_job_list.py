"""The list of jobs, as HTML."""

from __future__ import annotations

from pathlib import Path

from jobs.store import Store
from studio.library import Note
from studio.ui import job_list


def test_waiting_jobs_can_be_moved_by_buttons_and_by_dragging(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.db")
    jobs = [store.enqueue("train", {}, name=name) for name in ("One", "Two")]

    shown = job_list.table(jobs, jobs[0], {}, {})

    assert 'data-verb="after" data-job="1" data-other="2"' in shown
    assert 'data-verb="before" data-job="2" data-other="1"' in shown
    assert shown.count('draggable="true"') == 2
    assert shown.count('aria-current="true"') == 1


def test_one_waiting_job_alone_has_no_order(tmp_path: Path) -> None:
    job = Store(tmp_path / "studio.db").enqueue("train", {})

    assert "draggable" not in job_list.table([job], None, {}, {})


def test_all_words_must_be_found_somewhere(tmp_path: Path) -> None:
    job = Store(tmp_path / "studio.db").enqueue("train", {}, name="Bike shop")
    note = Note("learns well", is_starred=True)

    assert job_list.matches(job, note, "bike WELL waiting #1 *")
    assert not job_list.matches(job, note, "bike badly")
    assert not job_list.matches(job, None, "*")


def test_a_long_list_is_made_of_blocks_that_a_browser_lays_out_when_they_are_seen(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "studio.db")
    jobs = [store.enqueue("train", {}) for _ in range(job_list.BLOCK + 1)]

    shown = job_list.table(jobs, None, {}, {})

    blocks = shown.split('<div class="rows-in-view"')[1:]
    assert [block.count("<tr data-row") for block in blocks] == [job_list.BLOCK, 1]
    assert [block.count("<col class") for block in blocks] == [6, 6]
