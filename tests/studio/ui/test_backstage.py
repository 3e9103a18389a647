"""What pages act on: opened when needed, tidied at a start."""

from __future__ import annotations

import os
import time
from pathlib import Path

from studio.settings import Home
from studio.ui.backstage import UPLOADS_KEPT_S, Backstage, forget_old_uploads, upload_folder


def test_the_orders_and_records_are_the_homes_own(tmp_path: Path) -> None:
    backstage = Backstage(Home(tmp_path / "home").prepare())

    assert backstage.orders is backstage.orders
    assert backstage.library is backstage.orders.library
    assert backstage.orders.queue.config.database == backstage.home.database


def test_old_uploads_are_forgotten_and_new_ones_kept(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    old, new = upload_folder(home) / "old", upload_folder(home) / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "rows.csv").write_text("x")
    past = time.time() - UPLOADS_KEPT_S - 60
    os.utime(old, (past, past))

    forget_old_uploads(home)

    assert not old.exists()
    assert new.exists()


def test_a_start_with_nothing_in_the_queue_starts_no_dispatcher(tmp_path: Path) -> None:
    backstage = Backstage(Home(tmp_path / "home").prepare())

    backstage.resume()

    assert backstage.orders.queue.store.jobs() == []
    assert not backstage.orders.queue.config.dispatcher_log.exists()
