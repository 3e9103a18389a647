"""The settings that a beginner does not need: what they ask of one another and the machine is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from studio import devices
from tests import tiny
from tests.journeys.person import Person
from tests.journeys.test_looks import is_within_the_window

pytestmark = pytest.mark.long


def chooses(person: Person, setting: str, choice: str) -> None:
    """Click a choice of a setting."""
    person.page.locator(f"#training-{setting} label").get_by_text(choice, exact=True).click()


def test_several_processes_spreading_and_offloading(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    page = person.page
    problems: Locator = page.locator("#problems")
    person.opens()
    person.chooses_model(tiny_model)
    person.uploads(tiny.write_csv(tmp_path / "replies.csv", 24))
    person.goes_on_to_method()
    person.opens_more_settings()

    chooses(person, "sharding", "fsdp")
    expect(problems).to_contain_text("Spread the model over the processes: It spreads")
    page.screenshot(path=pictures / "settings-spread-alone.png", full_page=True)
    page.locator("#next-2").click()
    expect(page.locator("#start")).to_be_hidden()
    person.sets("training-processes", "2")
    gpus = sum(slot.kind == "cuda" for slot in devices.slots())
    if gpus == 0:
        expect(problems).to_have_text("")
        chooses(person, "sharding", "none")
        chooses(person, "offload", "auto")
        expect(problems).to_contain_text("Frozen layers outside the GPU: Offloading keeps frozen")
        chooses(person, "offload", "none")
        expect(problems).to_have_text("")
    page.get_by_label("Save memory, take longer").check()
    person.sets("training-checkpointed_share", "0.5")
    page.set_viewport_size({"width": 900, "height": 600})
    page.screenshot(path=pictures / "settings-small.png", full_page=True)
    assert is_within_the_window(page)

    page.locator("#next-2").click()
    expect(page.locator("#start")).to_be_visible()
    page.get_by_role("button", name="The same as a file").click()
    expect(page.locator("#spec")).to_contain_text('"checkpointed_share": 0.5')
    assert person.complaints == []
