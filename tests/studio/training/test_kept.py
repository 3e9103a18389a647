"""The examples of a queued spec come from its kept dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import DataProblem
from studio.library import Library
from studio.settings import Home
from studio.spec import DataChoice
from studio.training.kept import kept_split
from tests.studio.runs import make_order


def test_the_kept_rows_are_split_as_they_were_frozen(
    tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path)
    order = make_order(home, tiny_model, rows_csv)

    rows = kept_split(Library(home), order.spec.data, "chat")

    assert (len(rows.training), len(rows.held_out)) == (19, 5)


def test_a_spec_that_was_never_queued_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="not queued"):
        kept_split(Library(Home(tmp_path)), DataChoice(path="rows.csv"), "chat")
