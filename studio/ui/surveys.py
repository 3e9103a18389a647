"""Surveys: what the model worker told of the bases that forms chose, kept so that controls need not wait."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from studio.errors import StudioError
from studio.methods import Base
from studio.objectives import OBJECTIVES
from studio.ui.draft import Draft
from studio.worker.client import Worker

_KEPT = 8


class Surveys:
    """One a page server. `worker` is opened when first asked."""

    def __init__(self, worker: Callable[[], Worker]) -> None:
        self._worker = worker
        self._kept: OrderedDict[tuple[str, str], Base] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, draft: Draft) -> Base | None:
        """The base as it was last told of; None where it was not yet. Never waits."""
        with self._lock:
            return self._kept.get(_key(draft))

    def ask(self, draft: Draft, *, lane: str) -> Base | None:
        """The base as it is now, asked of the worker; None where it cannot be told."""
        if not draft.model_source:
            return None
        # How it is to be trained changes nothing, and may not be usable as it stands.
        plain = replace(draft, method=Draft().method, settings={}, training={}, adapter="")
        try:
            base = self._worker().survey(plain.to_spec(), lane=lane)
        except StudioError:
            # The model's own card and the figures say what is wrong with it.
            return None
        with self._lock:
            self._kept[_key(draft)] = base
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return base


def _key(draft: Draft) -> tuple[str, str]:
    return draft.model_source, OBJECTIVES[draft.objective].layout
