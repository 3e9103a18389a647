"""The desk where orders are taken: every job that pages and commands put into the queue."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jobs.models import ACTIVE, Job, JobState
from jobs.queue import Queue, QueueConfig
from studio.data.progress import Progress, silent
from studio.errors import AskedWrongly, FieldProblem, StudioError
from studio.formats import FORMATS
from studio.library import Library
from studio.models.source import ResolvedModel, resolve
from studio.models.window import learned_places
from studio.orders.combining import combination
from studio.orders.continuing import freeze_adapter, refuse_unfit
from studio.orders.earlier import freeze_earlier
from studio.orders.freezing import Freeze, freeze_data
from studio.orders.needs import needed_bytes
from studio.orders.rate import suited
from studio.orders.views import RunView, explain, view
from studio.settings import Home
from studio.spec import Base, ExportSpec, TrainOrder, TrainSpec
from studio.spec.installed import require_installed
from studio.spec.places import slots_for

logger = logging.getLogger(__name__)

# Imported by the queue's own programs where they are needed, never here.
TASKS = "studio.tasks:TASKS"
DEVICES = "studio.devices:slots"
# What leaves a trained model.
TRAINED = ("train", "combine")

Estimate = Callable[[TrainSpec], dict[str, Any]]
Trial = Callable[[TrainSpec], dict[str, Any]]


class Orders:
    """Takes orders for one data home. `estimate` and `trial` ask the model worker; without them nothing is
    predicted, and nothing tried beforehand. `freeze` keeps a spec's data: `freeze_data`, or one that does
    it elsewhere."""

    def __init__(
        self,
        home: Home,
        *,
        patience_s: float = 90.0,
        estimate: Estimate | None = None,
        trial: Trial | None = None,
        freeze: Freeze = freeze_data,
    ) -> None:
        self.home = home.prepare()
        config = QueueConfig(
            database=home.database,
            runs=home.runs,
            tasks=TASKS,
            devices=DEVICES,
        )
        self.queue = Queue(config, patience_s=patience_s)
        self.library = Library(home, patience_s=patience_s)
        self._estimate = estimate
        self._trial = trial
        self._freeze = freeze

    def train(self, spec: TrainSpec, *, on_progress: Progress = silent) -> Job:
        """Freeze the data and the model's revision, then queue the training.

        A model that must first be fetched or converted gets a job of its own, before this one.
        Raises AskedWrongly (data, columns, model, a missing package of a logger's or of kernels, a step that
        fails on a few of the model's layers, more memory than there is) before anything is queued.
        `on_progress` hears the share of the rows done and what is being done; what it raises ends this, and
        nothing is queued.
        """
        return self._queue(spec, "train", on_progress)

    def find_rate(self, spec: TrainSpec, *, on_progress: Progress = silent) -> Job:
        """Queue a short test of learning rates on the spec's own data; as `train` does."""
        return self._queue(replace(spec, loggers=()), "find_rate", on_progress)

    def _queue(self, spec: TrainSpec, task: str, on_progress: Progress) -> Job:
        require_installed(spec.loggers, spec.training.kernels)
        resolved = resolve(spec.model.source, spec.model.revision, self.home)
        spec = self._freeze(spec, self.library, on_progress)
        frozen = spec.model.model_copy(
            update={"source": resolved.source, "revision": resolved.revision}
        )
        name = spec.name or f"{resolved.title} on {Path(str(spec.data.path)).stem}"
        spec = suited(replace(spec, model=frozen, name=name), resolved)
        spec = freeze_earlier(spec, resolved, self.finished, self.home)
        ground = freeze_adapter(spec, _base(resolved), self.require_finished, self.home)
        spec = ground.spec
        if resolved.folder is not None:
            spec = spec.within(learned_places(resolved.folder))
        kind, slots = slots_for(spec.training)
        on_progress(1.0, "One step on a few of the layers")
        self._refuse_what_fails(spec)
        on_progress(1.0, "What it will need")
        order = TrainOrder(spec, ground.base, self._predicted(spec), ground.start)
        needed = needed_bytes(order.predicted or {}, spec.training)
        if task != "train":
            name = f"{name}: learning rate"
        # The last word before anything is queued.
        on_progress(1.0, "Into the queue")
        preparation = self._prepare(resolved)
        return self.queue.enqueue(
            task,
            order.to_json(),
            name=name,
            slot_kind=kind,
            slots_wanted=slots,
            needs_bytes=needed,
            after=preparation.id if preparation else None,
        )

    def refuse_adapter(self, spec: TrainSpec) -> None:
        """Raises AskedWrongly where `spec` cannot go on from the earlier training that it names."""
        if spec.model.adapter is not None:
            resolved = resolve(spec.model.source, spec.model.revision, self.home)
            earlier = self.require_finished(spec.model.adapter)
            refuse_unfit(spec, _base(resolved), earlier)

    def prepare_model(self, source: str, revision: str | None = None) -> Job | None:
        """Fetch or convert a model ahead of any training; None when it is ready."""
        return self._prepare(resolve(source, revision, self.home))

    def export(
        self,
        job_id: int,
        format_name: str,
        settings: dict[str, Any] | None = None,
        out: Path | None = None,
    ) -> Job:
        """Queue an export of a finished training to `out`, else to a new folder of the data home.

        Raises AskedWrongly when the run is not finished, the format unknown or the place taken.
        """
        run = self.require_finished(job_id)
        place = (
            out or self._free_place(f"{_file_name(run.name)}-{run.id}-{format_name}")
        ).absolute()
        spec = ExportSpec.parse(
            {"job": job_id, "format": format_name, "settings": settings or {}, "out": str(place)}
        )
        self._refuse_what_cannot_merge(run, format_name)
        if place.exists():
            raise AskedWrongly(
                f"{place} exists already. Choose a folder that is not there yet; "
                "nothing is overwritten.",
                code="exists",
            )
        name = f"{run.name}: {format_name}"
        return self.queue.enqueue("export", spec.to_json(), name=name, slot_kind="cpu")

    def combine(
        self, weights: Mapping[int, float], *, rank: int | None = None, name: str = ""
    ) -> Job:
        """Queue a new adapter that is the weighted sum of those of finished trainings.

        Raises AskedWrongly where they cannot be summed, or their sum not be reduced to `rank`.
        """
        runs = [self.require_finished(job_id) for job_id in weights]
        order = combination(list(zip(runs, weights.values(), strict=True)), rank, name, self.home)
        return self.queue.enqueue("combine", order.to_json(), name=order.spec.name, slot_kind="cpu")

    def answers(self, job_id: int, *, max_new_tokens: int = 64) -> Job:
        """Queue the answering of a finished run's held-out questions, before and after."""
        run = self.require_finished(job_id)
        name = f"{run.name}: held-out questions"
        spec = {"job": job_id, "max_new_tokens": max_new_tokens}
        return self.queue.enqueue("answers", spec, name=name, slot_kind="cpu")

    def runs(self, *, task: str | None = None, limit: int | None = None) -> list[RunView]:
        """Jobs as a page or `jobs list` shows them."""
        found = self.queue.store.jobs(task=task, limit=limit)
        return [view(job, self.queue.folder(job.id)) for job in found]

    def run(self, job_id: int) -> RunView:
        """One job as the run page or `jobs show` shows it."""
        job = self.queue.store.job(job_id)
        return view(job, self.queue.folder(job_id), is_explained=True)

    def again(self, job_id: int, changes: Mapping[str, Any], *, name: str | None = None) -> Job:
        """Queue a training like `job_id`, with dotted fields of its spec changed.

        Raises AskedWrongly when it is no training, or a change cannot be used.
        """
        job = self.queue.store.job(job_id)
        if job.task != "train":
            raise AskedWrongly(
                f"Job {job_id} ({job.name}) is a '{job.task}' job; only trainings can be made anew "
                "with changes. Try it again as it is.",
                code="not_a_training",
            )
        spec = json.loads(json.dumps(job.spec["spec"]))
        for path, value in changes.items():
            *sections, last = path.split(".")
            place = spec
            for section in sections:
                place = place.setdefault(section, {})
            place[last] = value
        spec["name"] = name or next_name(job.name, {each.name for each in self.queue.store.jobs()})
        return self.train(TrainSpec.parse(spec))

    def remedy(self, job_id: int) -> Job:
        """Carry out the remedy of the failure card: the job again, on from where it was, or a new one.

        Raises AskedWrongly where a person has to act first, saying what to do.
        """
        job = self.queue.store.job(job_id)
        card = explain(job, self.queue.folder(job_id))
        if card is None:
            raise AskedWrongly(
                f"Nothing is wrong with job {job_id}: its state is '{job.state.sentence}'.",
                code="wrong_state",
            )
        if card.verb == "change":
            return self.again(job_id, card.changes)
        if card.verb not in ("retry", "resume"):
            raise AskedWrongly(f"{card.title}. {card.words}", code="needs_a_person")
        if job.state == JobState.PAUSED:
            job = self.queue.store.resume(job_id)
        else:
            job = self.queue.store.retry(job_id)
        self.queue.ensure_dispatcher()
        return job

    def require_finished(self, job_id: int) -> Job:
        """The training, or combination of trainings, `job_id`. Raises AskedWrongly unless it is one, and
        finished."""
        job = self.queue.store.job(job_id)
        if job.task not in TRAINED or job.state != JobState.SUCCEEDED:
            raise AskedWrongly(
                f"Job {job_id} ({job.name}) is not a finished training: it is a '{job.task}' job and "
                f"its state is '{job.state.value}'. `jobs list` shows the finished ones.",
                code="not_finished",
            )
        return job

    def finished(self) -> list[Job]:
        """All that ended with a trained model: trainings, and combinations of several."""
        jobs = self.queue.store.jobs
        return [job for task in TRAINED for job in jobs(states={JobState.SUCCEEDED}, task=task)]

    def _refuse_what_cannot_merge(self, run: Job, format_name: str) -> None:
        """Before anything runs: a whole model cannot be made of what stays beside the weights."""
        method = TrainOrder.parse(run.spec).spec.method.method
        if not FORMATS[format_name].merges or method.is_mergeable:
            return
        raise AskedWrongly(
            f"What {method.title} learned cannot be merged into a whole model: {method.unmergeable}. "
            "Export it as 'adapter', the small file that is used beside the model.",
            code="not_mergeable",
            fields=[FieldProblem("format", f"{method.title} cannot be merged: use 'adapter'.")],
        )

    def close(self) -> None:
        """Close the database."""
        self.queue.store.close()
        self.library.close()

    def _prepare(self, resolved: ResolvedModel) -> Job | None:
        """The job that makes the model ready: a waiting or running one if there is one, else a new one."""
        if resolved.task is None:
            return None
        target = str(resolved.target)
        waiting = self.queue.store.jobs(task=resolved.task, states={JobState.QUEUED, *ACTIVE})
        for job in waiting:
            if job.spec.get("target") == target:
                return job
        spec = {
            "source": resolved.source,
            "revision": resolved.revision,
            "target": target,
            "gguf": str(resolved.gguf) if resolved.gguf else None,
            "origin": asdict(resolved.origin),
        }
        name = f"Prepare {resolved.title}"
        return self.queue.enqueue(resolved.task, spec, name=name, slot_kind="io")

    def _predicted(self, spec: TrainSpec) -> dict[str, Any] | None:
        if self._estimate is None:
            return None
        try:
            return self._estimate(spec)
        except StudioError as error:
            # The run is not refused for want of a forecast; it then starts when its slot is free.
            logger.warning("No estimate for '%s': %s", spec.name, error)
            return None

    def _refuse_what_fails(self, spec: TrainSpec) -> None:
        """Raises AskedWrongly where one step on a few of the layers fails: the run would, an hour later."""
        if self._trial is None:
            return
        try:
            trial = self._trial(spec)
        except AskedWrongly:
            raise
        except StudioError as error:
            # A model that is not here yet, or a worker that does not answer, is no reason to refuse.
            logger.warning("'%s' was not tried beforehand: %s", spec.name, error)
            return
        if trial["works"] is False:
            words = str(trial["words"])
            raise AskedWrongly(words, code="method", fields=[FieldProblem("method.name", words)])

    def _free_place(self, name: str) -> Path:
        """A folder of the data home that is not there yet."""
        place, number = self.home.exports / name, 2
        while place.exists():
            place, number = self.home.exports / f"{name}-{number}", number + 1
        return place


def _base(resolved: ResolvedModel) -> Base:
    return Base(
        source=resolved.source,
        revision=resolved.revision,
        folder=str(resolved.folder or resolved.target),
        title=resolved.title,
        licence=resolved.licence,
    )


def next_name(name: str, taken: Collection[str]) -> str:
    """`Tone 2` after `Tone`, `Tone 3` where that is there already."""
    stem, number = name, 2
    if match := re.fullmatch(r"(.*\S) (\d{1,4})", name):
        stem, number = match[1], int(match[2]) + 1
    while f"{stem} {number}" in taken:
        number += 1
    return f"{stem} {number}"


def _file_name(words: str) -> str:
    """A name that every file system takes."""
    kept = "".join(letter if letter.isalnum() or letter in " -_" else " " for letter in words)
    return "-".join(kept.split())[:60] or "run"
