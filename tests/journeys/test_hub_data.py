"""A dataset of the Hub in the page, from a stand-in: fetched, stopped on the way, resumed, looked through."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from playwright.sync_api import expect

from tests import tiny
from tests.journeys.person import Person
from tests.studio.models.hub import COMMIT, StandIn, serving
from tests.studio.ui.serving import PageServer

pytestmark = pytest.mark.long
ROWS = 30_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[StandIn]:
    """`owner/tiny`: a Parquet file of some megabytes, and a program beside it that nobody may run."""
    place = tmp_path / "repository"
    (place / "data").mkdir(parents=True)
    rows = [{"question": asked, "answer": said * 9} for asked, said in tiny.make_rows(ROWS)]
    file = place / "data" / "train-00000-of-00001.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file, compression="none")
    (place / "tiny.py").write_text("raise SystemExit('run!')")
    with serving(place) as standin:
        yield standin


@pytest.fixture
def studio(tmp_path: Path, hub: StandIn) -> Iterator[PageServer]:
    """A studio for which the Hub is the stand-in."""
    variables = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0"}
    server = PageServer(tmp_path / "home", variables=variables).start()
    yield server
    server.end_everything()


def test_a_dataset_is_fetched_stopped_gone_on_with_and_looked_through(
    person: Person, hub: StandIn, tiny_model: Path
) -> None:
    page = person.page
    shots = os.environ.get("STUDIO_SHOTS")

    def looks(name: str) -> None:
        for width, height in ((1280, 800), (900, 600)) if shots else ():
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.wait_for_timeout(300)
                page.screenshot(path=f"{shots}/hub-{name}-{scheme}-{width}.png")

    person.opens()
    person.chooses_model(tiny_model)
    page.get_by_text("A dataset of the Hugging Face Hub").click()
    said, fetch, stop = (page.locator(f"#hub-{name}") for name in ("said", "fetch", "stop"))

    # A name that is none, and one that the Hub does not know.
    page.locator("#data-hub textarea, #data-hub input").fill("nonsense")
    fetch.click()
    expect(said).to_contain_text("owner/name")
    page.locator("#data-hub textarea, #data-hub input").fill("owner/missing")
    fetch.click()
    expect(said).to_contain_text("owner/missing")
    looks("missing")

    # Stopped in the middle; what has arrived is kept, and the second time goes on from there.
    hub.stall_at = 2_000_000
    page.locator("#data-hub textarea, #data-hub input").fill("owner/tiny")
    fetch.click()
    expect(said).to_contain_text("MB")
    looks("fetching")
    stop.click()
    expect(said).to_contain_text("Stopped. What has arrived is kept")
    datasets = person.studio.home.datasets
    assert list(datasets.glob(".hub--owner--tiny--*.fetching"))
    hub.stall_at = None
    fetch.click()
    expect(person.findings).to_contain_text(f"{ROWS:,} rows, ", timeout=120_000)
    assert (datasets / f"hub--owner--tiny--{COMMIT}").is_dir()
    assert list(datasets.glob(".hub--owner--tiny--*.fetching")) == []
    assert {name for name, _ in hub.ranges} == {"train-00000-of-00001.parquet"}

    # And it is looked through like any file.
    expect(page.locator("#role-prompt input")).to_have_value("question")
    expect(page.locator("#checks-list")).to_contain_text(
        f"All {ROWS:,} rows are ready", timeout=120_000
    )
    looks("found")
    assert person.complaints == []
