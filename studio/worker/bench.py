"""The bench: what a worker keeps at hand between two requests."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import ModelProblem
from studio.inference.opened import Opened
from studio.inference.switching import Switching
from studio.models.gguf_header import read_gguf_header
from studio.models.source import ResolvedModel, resolve
from studio.models.window import learned_places
from studio.settings import Home
from studio.spec import TrainSpec
from studio.training.loading import load_tokenizer


@dataclass(frozen=True)
class Base:
    """A base model that can be looked at now: `place` is its folder, or the .gguf file it will be made from."""

    resolved: ResolvedModel
    place: Path

    def fitted(self, spec: TrainSpec) -> TrainSpec:
        """The spec with rows no longer than this base can read, as the desk queues it."""
        return spec.within(learned_places(self.place)) if self.place.is_dir() else spec


@dataclass(frozen=True)
class Bench:
    """One a worker process. `idle_process_bytes` is what the process held once its imports were done."""

    home: Home
    idle_process_bytes: int

    def base(self, source: str, revision: str | None) -> Base:
        """The base of a spec. Raises ModelProblem when there is none, or when it must be fetched first."""
        resolved = resolve(source, revision, self.home)
        place = resolved.folder or resolved.gguf
        if place is None:
            raise ModelProblem(
                f"The model '{resolved.title}' is not on this machine yet, so it cannot be looked at. "
                "Fetch it first.",
                code="not_fetched",
            )
        return Base(resolved, place)

    def tokenizer(self, base: Base) -> Any:
        """The base's tokenizer, as the trainer will use it."""
        return _tokenizer(base.place)

    def opened(self, job_id: int) -> Opened:
        """A finished run's model, in use until another is opened; runs of one base share it in memory."""
        return _SWITCHING.open(self.home.run(job_id))


@functools.lru_cache(maxsize=4)
def _tokenizer(place: Path) -> Any:
    if place.is_dir():
        return load_tokenizer(place)
    # Imported only where a model was not converted yet.
    from studio.models.convert import load_tokenizer as load_from_gguf

    return load_from_gguf(place, read_gguf_header(place))


_SWITCHING = Switching()
