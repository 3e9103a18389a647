"""The list of models at hand."""

from __future__ import annotations

from pathlib import Path

from studio.models.installed import known_models
from studio.models.origin import Origin
from studio.settings import Home
from tests.studio.models.folders import PARAMETERS, make_folder


def test_an_empty_home_knows_the_starter(tmp_path: Path) -> None:
    (starter,) = known_models(Home(tmp_path))

    assert starter.as_json() == {
        "name": "SmolLM2 135M Instruct",
        "source": "starter",
        "parameters": 134515008,
        "bytes": 98362432,
        "licence": "apache-2.0",
    }


def test_a_fetched_model_is_listed_by_the_id_that_a_spec_takes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    folder = make_folder(home.models / "hub--owner--tiny--0123")
    Origin("owner/tiny", "owner/tiny", "0123", "mit").write(folder)

    fetched = known_models(home)[1]

    assert (fetched.source, fetched.parameters, fetched.licence) == (
        "owner/tiny",
        PARAMETERS,
        "mit",
    )


def test_what_is_incomplete_or_broken_is_left_out(tmp_path: Path) -> None:
    home = Home(tmp_path)
    make_folder(home.models / ".hub--owner--tiny--0123.fetching")
    broken = make_folder(home.models / "hub--owner--tiny--4567")
    Origin("owner/tiny", "owner/tiny", "4567", None).write(broken)
    (broken / "model.safetensors").unlink()

    assert len(known_models(home)) == 1
