"""What the pages act on: the home, its orders and records, the workers; each opened when first needed."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import QueueError
from studio.settings import Home

if TYPE_CHECKING:
    from studio.library import Library
    from studio.orders import Orders
    from studio.ui.own_data import OwnData
    from studio.ui.surveys import Surveys
    from studio.worker.client import Worker

# A page never waits long for a busy database: it keeps what it shows and says so.
PATIENCE_S = 1.0


# A started training has its data in the library; a half-filled form may still need its upload.
UPLOADS_KEPT_S = 30 * 86_400.0


def upload_folder(home: Home) -> Path:
    """Where uploads arrive: inside the data home, never in a shared temporary folder."""
    folder = home.tmp / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def forget_old_uploads(home: Home) -> None:
    """Delete the uploads of a month ago and before, each in the folder that Gradio made for it."""
    oldest = time.time() - UPLOADS_KEPT_S
    for folder in upload_folder(home).iterdir():
        if folder.is_dir() and folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)


class Backstage:
    """One a page server, shared by all pages and threads."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._opening = threading.RLock()

    @cached_property
    def _orders(self) -> Orders:
        from studio.orders import Orders
        from studio.orders.freezing import freeze_apart

        return Orders(
            self.home,
            patience_s=PATIENCE_S,
            estimate=lambda spec: self.model_worker.estimate(spec),
            trial=lambda spec: self.model_worker.trial(spec),
            freeze=freeze_apart,
        )

    @cached_property
    def _model_worker(self) -> Worker:
        from studio.worker.client import Worker

        return Worker(self.home, role="model")

    @cached_property
    def _chat_worker(self) -> Worker:
        from studio.worker.client import Worker

        return Worker(self.home, role="chat")

    @cached_property
    def _own_data(self) -> OwnData:
        from studio.ui.own_data import OwnData

        return OwnData(lambda: self.library, lambda: self.model_worker)

    @cached_property
    def _surveys(self) -> Surveys:
        from studio.ui.surveys import Surveys

        return Surveys(lambda: self.model_worker)

    def resume(self) -> None:
        """Bring up a dispatcher for what an earlier start left waiting or running; tidy up."""
        from studio.library.leftovers import sweep

        forget_old_uploads(self.home)
        sweep(self.home)
        try:
            self.orders.queue.tend()
        except QueueError as error:
            # The pages come up all the same; the Jobs page tries again at every look.
            print(error.words, file=sys.stderr)

    @property
    def orders(self) -> Orders:
        """Checked specs become jobs here; its `queue` holds the jobs."""
        with self._opening:
            return self._orders

    @property
    def library(self) -> Library:
        """The studio's own records: datasets and drafts."""
        return self.orders.library

    @property
    def own_data(self) -> OwnData:
        """The data behind the form: what was read of files, found in them and mended."""
        with self._opening:
            return self._own_data

    @property
    def surveys(self) -> Surveys:
        """What is known of the modules of the models that forms chose."""
        with self._opening:
            return self._surveys

    @property
    def model_worker(self) -> Worker:
        """Describes models and estimates trainings (torch, in a process of its own)."""
        with self._opening:
            return self._model_worker

    @property
    def chat_worker(self) -> Worker:
        """Answers with the base model and with a run's model."""
        with self._opening:
            return self._chat_worker
