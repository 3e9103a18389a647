"""A dataset of the Hub on the page: fetched with its progress shown, or why that does not go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.settings import Home
from studio.ui.draft import Draft
from studio.ui.steps import hub_part
from tests import tiny
from tests.studio.models.hub import COMMIT, serving


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    place = tmp_path / "repository"
    place.mkdir()
    tiny.write_csv(place / "train.csv", 12)
    with serving(place) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        # Other tests of this process may have switched it on for good.
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield Home(tmp_path / "home").prepare()


def said(updates: list[list[Any]]) -> list[str]:
    return [update[0] for update in updates]


def test_it_is_fetched_and_the_form_takes_it_with_its_commit(home: Home) -> None:
    first, *_, last = list(hub_part.fetching(" owner/tiny ", home))
    assert "Asking the Hub" in first[0]
    assert last[:2] == ["", f"hub:owner/tiny@{COMMIT}"]
    draft = Draft(data_from="hub", data_hub="owner/tiny", data_fetched=last[1])
    assert draft.data_file == f"hub:owner/tiny@{COMMIT}"
    assert Draft.of_spec(draft.to_spec().to_json()).data_file == draft.data_file
    assert draft.title.startswith("tiny,")


def test_why_it_cannot_be_fetched_is_said(home: Home) -> None:
    assert (
        "no dataset &#x27;owner/other&#x27;"
        in said(list(hub_part.fetching("owner/other", home)))[-1]
    )
    assert "names no dataset" in said(list(hub_part.fetching("nothing", home)))[-1]
    assert "Name a dataset first" in said(list(hub_part.fetching(" ", home)))[-1]
