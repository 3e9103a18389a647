"""What the studio's tests share: a tiny model, and one finished run that many tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import tiny


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random model of two layers; nobody writes into it."""
    return tiny.make_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def rows_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data file of 24 rows with the columns question and answer."""
    return tiny.write_csv(tmp_path_factory.mktemp("data") / "rows.csv", 24)


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_csv: Path) -> Any:
    """A data home with job 1 trained (LoRA) and job 2 (full fine-tuning); read only."""
    from tests.studio.runs import train_run

    home_folder = tmp_path_factory.mktemp("trained") / "home"
    lora = train_run(home_folder, 1, tiny_model, rows_csv)
    train_run(home_folder, 2, tiny_model, rows_csv, method="full")
    return lora.home
