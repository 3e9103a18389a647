"""The system tells that a job has ended, while the window is looked at and while it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from jobs.endings import Ending, EndingKind
from jobs.models import DeviceSlot
from jobs.processes import myself
from studio.orders import Orders
from tests.journeys.person import Person
from tests.studio.ui.serving import PageServer

# A slot that this machine does not offer: only the test itself runs these jobs.
KIND = "bench"
# The system's own notification is shown as well; what it was made of is kept for the test.
KEPT = """
window.told = [];
const Real = window.Notification;
window.Notification = class extends Real {
  constructor(title, options) { super(title, options); window.told.push([title, options.body]); }
};
"""


def ends(orders: Orders, ending: Ending) -> None:
    """The waiting job runs and ends so."""
    store = orders.queue.store
    job = store.claim([DeviceSlot("bench:0", KIND)], myself())
    assert job is not None
    store.settle(job.id, str(job.lease_token), ending)


def told(person: Person, count: int) -> Any:
    """What the system was asked to tell, once there is that much of it."""
    person.page.wait_for_function("count => window.told.length >= count", arg=count)
    return person.page.evaluate("window.told")


def test_a_job_that_ends_or_fails_is_told_by_the_system(
    person: Person, studio: PageServer, tmp_path: Path
) -> None:
    orders = Orders(studio.home)
    for name in ("Yesterday", "Bike shop", "Flowers"):
        orders.queue.store.enqueue("train", {}, name=name, slot_kind=KIND)
    ends(orders, Ending(EndingKind.RETURNED, result={}))
    person.page.add_init_script(KEPT)
    person.opens("jobs")
    expect(person.page.locator("[data-row]")).to_have_count(3)

    # Asked once, by a click; the browser's own question is answered with yes.
    expect(person.page.locator("#tell")).to_be_visible()
    person.page.context.grant_permissions(["notifications"])
    person.page.locator("#tell").click()
    expect(person.page.locator("#tell")).to_be_hidden()

    ends(orders, Ending(EndingKind.RETURNED, result={}))
    # What had ended before the window was opened is no news.
    assert [title for title, _ in told(person, 1)] == ["Bike shop"]
    ends(orders, Ending(EndingKind.RAISED, code="disk_full", words="The disk is full. Make room."))
    assert told(person, 2)[1] == ["Flowers", "The disk is full. Make room."]
    assert person.complaints == []
