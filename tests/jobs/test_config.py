"""Where a queue lies, as its programs are told."""

from __future__ import annotations

from pathlib import Path

from jobs.config import QueueConfig
from tests.jobs.queues import config_in


def test_a_config_survives_the_way_over_a_command_line(tmp_path: Path) -> None:
    config = config_in(tmp_path / "a folder, 'quoted'")
    assert QueueConfig.from_text(config.to_text()) == config


def test_a_run_folder_is_named_by_the_number_of_its_job(tmp_path: Path) -> None:
    assert config_in(tmp_path).folder(7) == tmp_path / "runs" / "7"
