"""What the tests of verification share: what the tuned model and its base answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.inference.opened import open_run
from studio.settings import Home
from studio.spec import TrainSpec
from studio.verification.reference import choose_rows, write_reference


@pytest.fixture(scope="package")
def reference(trained_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What run 1 and its base answer."""
    chat = TrainSpec.parse({}).objective
    folder = tmp_path_factory.mktemp("reference")
    write_reference(open_run(trained_home.run(1)), choose_rows(chat, [], []), folder)
    return folder
