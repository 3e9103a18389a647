"""A dataset of the Hub comes into the data home with the real huggingface_hub, from a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from studio.checks.data_card import data_card
from studio.data.readers import open_source
from studio.errors import DataProblem
from studio.library import Library
from studio.library.hub import HubDataset, bring, dataset_named, fetch, place_of
from studio.orders.freezing import freeze_data
from studio.settings import Home
from studio.spec import TrainSpec
from tests import tiny
from tests.studio.models.hub import COMMIT, StandIn, serving

NAME = "hub:owner/tiny"
Told = list[tuple[int, int]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A dataset of two Parquet files in a folder, with a script and a paper beside them."""
    place = tmp_path / "repository"
    (place / "data").mkdir(parents=True)
    rows = [{"question": asked, "answer": said} for asked, said in tiny.make_rows(40)]
    for number in range(2):
        part = pyarrow.Table.from_pylist(rows[number * 20 : number * 20 + 20])
        pyarrow.parquet.write_table(part, place / "data" / f"train-0000{number}-of-00002.parquet")
    (place / "tiny.py").write_text("raise SystemExit('run!')")
    (place / "README.md").write_text("---\nlicense: mit\n---\n")
    (place / ".gitattributes").write_text("")
    with serving(place) as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.address)
        # Other tests of this process may have switched it on for good.
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield standin


def test_its_tables_arrive_and_are_read_as_one_and_nothing_else_is_asked_for(
    home: Home, hub: StandIn
) -> None:
    told: Told = []
    assert bring(NAME, home, lambda done, total: told.append((done, total))) == f"{NAME}@{COMMIT}"
    assert len(list(open_source(place_of(NAME, home)).records())) == 40
    assert {name for name, _ in hub.ranges} == {
        "train-00000-of-00002.parquet",
        "train-00001-of-00002.parquet",
    }
    assert told[-1][0] == told[-1][1] > 0
    # What is here is used as it is, though the Hub cannot be reached any more.
    hub.refusal = (500, "Down")
    assert bring(NAME, home) == f"{NAME}@{COMMIT}"


def test_a_download_that_was_cut_off_goes_on_where_it_stood(home: Home, hub: StandIn) -> None:
    wanted, large = HubDataset("owner/tiny"), hub.folder / "data" / "train-00000-of-00002.parquet"
    # Larger than the pieces in which files arrive.
    table = pyarrow.table({"question": ["x" * 24_000_000], "answer": ["a"]})
    pyarrow.parquet.write_table(table, large, compression="none", use_dictionary=False)

    def stops(done: int, total: int) -> None:
        if done:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fetch(wanted, home, stops)
    assert wanted.copy(home) is None
    hub.ranges.clear()
    folder = fetch(wanted, home, lambda done, total: None)
    assert hub.ranges[0][1] is not None  # it asked for the rest only
    assert (folder / "data" / large.name).read_bytes() == large.read_bytes()


def test_what_was_begun_of_an_older_commit_goes_once_the_newer_one_is_here(
    home: Home, hub: StandIn
) -> None:
    older, another, longer = (
        home.datasets / f".hub--owner--{name}.fetching"
        for name in (f"tiny--{'0' * 40}", f"other--{'0' * 40}", f"tiny--more--{'0' * 40}")
    )
    for folder in (older, another, longer):
        folder.mkdir()
    bring(NAME, home)

    assert [folder.exists() for folder in (older, another, longer)] == [False, True, True]


def test_offline_is_said_and_so_is_what_is_not_there(
    home: Home, hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataProblem, match="no dataset 'owner/other'") as caught:
        bring("hub:owner/other", home)
    assert caught.value.code == "not_found"
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DataProblem, match="this machine seems to be offline") as caught:
        bring(NAME, home)
    assert caught.value.code == "offline"
    with pytest.raises(DataProblem, match="is not in the data folder yet"):
        place_of(NAME, home)


def test_a_dataset_that_only_a_program_makes_is_refused(home: Home, hub: StandIn) -> None:
    for file in hub.folder.glob("data/*"):
        file.unlink()
    with pytest.raises(DataProblem, match="no program of others is run here"):
        bring(NAME, home)


@pytest.mark.parametrize(
    "name", ["hub:", "hub:owner", "hub:../x", "hub:a/b/c", "hub:a/b@../../c d"]
)
def test_what_names_no_dataset_is_refused(name: str) -> None:
    with pytest.raises(DataProblem, match="names no dataset"):
        dataset_named(name)


def test_a_spec_names_it_and_the_card_says_where_it_came_from(home: Home, hub: StandIn) -> None:
    spec = TrainSpec.parse({"data": {"path": bring(NAME, home)}, "method": "lora"})
    library = Library(home)
    frozen = freeze_data(spec, library)
    assert frozen.data.path == f"{NAME}@{COMMIT}"
    assert frozen.data.columns == {"prompt": "question", "response": "answer"}
    card = data_card(library, frozen.data, "chat", training_rows=36, held_out_rows=4, shape={})
    assert f"owner/tiny of the Hugging Face Hub, revision {COMMIT}" in card.as_markdown()
    assert "| Licence | mit |" in card.as_markdown()
