"""The data home: who names it, and what a place that cannot be written to says."""

from pathlib import Path

import pytest

from studio.errors import AskedWrongly
from studio.settings import Home


def test_the_option_wins_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "from-environment"))

    assert Home.find().folder == tmp_path / "from-environment"
    assert Home.find(tmp_path / "from-option").folder == tmp_path / "from-option"


def test_the_folder_of_a_run_leads_back_to_its_home(tmp_path: Path) -> None:
    assert Home.of_run(Home(tmp_path).run(7)) == Home(tmp_path)


def test_a_home_that_cannot_be_written_to_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file stands here")

    with pytest.raises(AskedWrongly, match="cannot be written to"):
        Home(tmp_path / "home").prepare()
