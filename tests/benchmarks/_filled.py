"""A page server whose queue holds a thousand jobs, for what is measured of its Jobs page."""

from __future__ import annotations

import time
from pathlib import Path

from jobs.endings import Ending, EndingKind
from jobs.models import DeviceSlot
from jobs.processes import myself
from studio.orders import Orders
from tests.studio.ui.serving import PageServer

COUNT, WAITING = 1000, 20


def filled(folder: Path) -> PageServer:
    """The server, started; most of its jobs are past, some wait for tomorrow."""
    server = PageServer(folder / "home")
    store, me = Orders(server.home).queue.store, myself()
    slots = [DeviceSlot("cpu:0", "cpu")]
    for number in range(COUNT):
        spec = {"spec": {"name": f"Run {number}", "training": {"epochs": 3}}}
        later = 0.0 if number < COUNT - WAITING else time.time() + 86_400
        store.enqueue("train", spec, name=f"Run {number}", run_after=later)
    while job := store.claim(slots, me, tell=False):
        ending = Ending(EndingKind.RETURNED, result={"number": job.id})
        store.settle(job.id, str(job.lease_token), ending)
    return server.start()
