"""A bug report tells what is needed, and nothing of the person's own."""

from __future__ import annotations

from pathlib import Path

from jobs.store import Store
from studio.orders.bug_report import bug_report, plain

LOG = """Attempt 1 on cpu:0, 2026-11-22 02:00:00.
Loaded /home/somebody/kettles.csv with 12 rows
Step 3/9  loss 2.1000  90 tokens/s
{"prompt": "the blue kettle of 1970"}
Traceback (most recent call last):
  File "/home/somebody/whetstone/studio/tasks/train.py", line 30, in train
    raise ValueError(row)
  File "C:\\Users\\somebody\\venv\\site-packages\\peft\\tuners\\lora.py", line 9, in forward
ValueError: the blue kettle of 1970 hf_abcdefghijklmnop
"""
OWN = ("somebody", "kettle", "1970", "hf_abc", "kettles", "Shop tone", "prompt")


def test_only_lines_that_cannot_hold_data_are_taken() -> None:
    assert plain(LOG.splitlines()) == [
        "Attempt 1 on cpu:0, 2026-11-22 02:00:00.",
        "Step 3/9  loss 2.1000  90 tokens/s",
        "  studio/tasks/train.py:30 in train",
        "  peft/tuners/lora.py:9 in forward",
        "ValueError",
    ]


def test_the_report_names_settings_and_events_but_no_data_and_no_names(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.db")
    spec = {
        "name": "Shop tone",
        "data": {"path": "/home/somebody/kettles.csv", "columns": {"prompt": "question"}},
        "method": {"name": "lora", "rank": 16, "targets": "all-linear"},
        "training": {"learning_rate": 0.5, "optimizer": "adamw", "note": "the blue kettle broke"},
    }
    job = store.enqueue("train", {"spec": spec}, name="Shop tone")
    (tmp_path / "log.txt").write_text(LOG)

    report = bug_report(job, tmp_path, store.events(job.id))

    assert "method: name lora, rank 16, targets all-linear" in report
    assert "training: learning_rate 0.5, optimizer adamw" in report
    assert "+0.0 s enqueued -> queued" in report
    assert "peft/tuners/lora.py:9 in forward" in report
    assert [own for own in OWN if own in report] == []
