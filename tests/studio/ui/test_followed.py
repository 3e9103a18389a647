"""Metrics are read on from where the last look ended."""

from __future__ import annotations

from pathlib import Path

from studio.ui.followed import MOST_RUNS, Followed


def test_only_what_is_new_is_read_and_all_of_it_is_given(tmp_path: Path) -> None:
    followed, file = Followed(), tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n{"step": 2}\n{"st')
    first = followed.metrics(tmp_path)
    with open(file, "a") as more:
        more.write('ep": 3}\n')

    assert [line["step"] for line in first] == [1, 2]
    assert [line["step"] for line in followed.metrics(tmp_path)] == [1, 2, 3]
    file.write_text('{"step": 1}\n')  # tried again from the start
    assert [line["step"] for line in followed.metrics(tmp_path)] == [1]


def test_the_runs_of_long_ago_are_forgotten(tmp_path: Path) -> None:
    followed = Followed()
    for number in range(MOST_RUNS + 5):
        followed.metrics(tmp_path / str(number))

    assert len(followed._runs) == MOST_RUNS
