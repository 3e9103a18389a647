"""Stands in for a page that is open: lists the jobs each second and brings up a dispatcher."""

from __future__ import annotations

import sys
import time

from jobs.config import QueueConfig
from jobs.errors import StoreBusy
from jobs.queue import Queue

if __name__ == "__main__":
    queue = Queue(QueueConfig.from_text(sys.argv[1]), patience_s=1.0)
    while True:
        try:
            queue.store.jobs(limit=1000)
            queue.tend()
        except StoreBusy:
            pass
        time.sleep(1.0)
