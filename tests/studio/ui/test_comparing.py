"""Runs side by side."""

from __future__ import annotations

from pathlib import Path

from jobs.store import Store
from studio.ui.comparing import comparison_html, settings


def test_a_spec_is_told_by_dotted_names() -> None:
    spec = {"version": 1, "name": "x", "method": {"name": "lora", "layers": {"last": 2}}, "a": None}

    assert settings(spec) == {"method.name": "lora", "method.layers.last": "2", "a": ""}


def test_differences_come_first_and_are_marked(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.db")
    jobs = [store.enqueue("train", {"spec": {"a": 1, "b": n}}, name=f"<{n}>") for n in (1, 2)]

    shown = comparison_html([(job, []) for job in jobs])

    assert shown.index('class="differs"><th scope="row">b') < shown.index('<th scope="row">a')
    assert "&lt;1&gt;" in shown
    assert comparison_html([(jobs[0], [])]) == ""
