"""What a worker looks at: models that are there, and none that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.settings import Home
from studio.worker.bench import Bench


def test_a_folder_is_looked_at_where_it_is(tmp_path: Path, tiny_model: Path) -> None:
    bench = Bench(Home(tmp_path), 0)
    base = bench.base(str(tiny_model), None)

    assert base.place == tiny_model
    assert bench.tokenizer(base) is bench.tokenizer(base)


def test_a_model_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="There is no model"):
        Bench(Home(tmp_path), 0).base(str(tmp_path / "none"), None)
