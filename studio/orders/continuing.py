"""Continuing: the earlier adapters that an order goes on from, checked and kept when it is taken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace

from jobs import durable
from jobs.models import Job
from studio.errors import AskedWrongly, FieldProblem
from studio.methods import METHODS
from studio.models.fingerprints import fingerprint_folder
from studio.orders.earlier import ADAPTER
from studio.settings import Home
from studio.spec import ADAPTER_FILES, Base, Earlier, ObjectiveChoice, TrainOrder, TrainSpec


@dataclass(frozen=True)
class Ground:
    """What a training stands on: its spec with the adapter frozen, its base, and the adapter that learns on."""

    spec: TrainSpec
    base: Base
    start: Earlier | None = None


def freeze_adapter(
    spec: TrainSpec, base: Base, finished: Callable[[int], Job], home: Home
) -> Ground:
    """The earlier adapter that `spec` names, kept in the data home: what becomes of its training later
    changes nothing.

    `finished` gives a finished training by its number. Raises AskedWrongly where this training cannot go on
    from that one.
    """
    if spec.model.adapter is None:
        return Ground(spec, base)
    job = finished(spec.model.adapter)
    earlier = refuse_unfit(spec, base, job)
    kept = keep_adapter(job, home)
    if spec.model.adapter_revision not in (None, kept.revision):
        raise _refused(
            "model.adapter",
            f"The adapter of training {job.id} ({job.name}) is not the one that this spec was made for. "
            "Leave model.adapter_revision out to use it as it is now.",
        )
    frozen = spec.model.model_copy(update={"adapter_revision": kept.revision})
    spec, beneath = replace(spec, model=frozen), earlier.base.beneath
    if spec.model.learns_on:
        return Ground(spec, replace(base, beneath=beneath), kept)
    return Ground(spec, replace(base, beneath=(*beneath, kept)))


def leaves_adapter(job: Job) -> bool:
    """Whether a training's method leaves an adapter, and not a whole model."""
    method = job.spec.get("spec", {}).get("method", {}).get("name")
    return method in METHODS and METHODS[method].family != "full"


def refuse_unfit(spec: TrainSpec, base: Base, job: Job) -> TrainOrder:
    """The order of the earlier training. Raises AskedWrongly where `spec` cannot go on from it."""
    earlier = TrainOrder.parse(job.spec)
    reason = why_not(spec, base, earlier, job.name)
    if reason is not None:
        raise _refused(*reason)
    return earlier


def keep_adapter(job: Job, home: Home, *, weight: float = 1.0) -> Earlier:
    """The adapter of a finished training, copied to a place named by what it is.

    Raises AskedWrongly where the training left none.
    """
    folder = home.run(job.id) / ADAPTER
    if not all((folder / name).is_file() for name in ADAPTER_FILES):
        raise _refused(
            "model.adapter",
            f"Training {job.id} ({job.name}) left no adapter. After full fine-tuning export the whole model "
            "and choose its folder as the model.",
        )
    revision = fingerprint_folder(folder)
    place = home.adapter(revision)
    if place.exists() and fingerprint_folder(place) != revision:
        shutil.rmtree(place)  # somebody changed it
    if not place.exists():
        durable.clear_leftovers(place)
        with durable.new_folder(place) as new:
            for name in ADAPTER_FILES:
                shutil.copyfile(folder / name, new / name)
    return Earlier(job.id, job.name, revision, weight)


def why_not(spec: TrainSpec, base: Base, earlier: TrainOrder, name: str) -> tuple[str, str] | None:
    """The field and the words of what speaks against going on from an earlier training; None for nothing."""
    theirs = earlier.spec
    if not earlier.base.is_of(base):
        return "model.adapter", (
            f"'{name}' was trained on another base ({earlier.base.title}); an adapter fits its own base only."
        )
    if theirs.model.quantization != spec.model.quantization and spec.model.learns_on:
        return "model.quantization", (
            f"'{name}' was trained over a base held as {theirs.model.quantization}: use the same."
        )
    if not is_one_task(theirs.objective, spec.objective):
        return "model.adapter", (
            f"'{name}' was trained for {_in_words(theirs.objective)}, this is for "
            f"{_in_words(spec.objective)}: what stands on the model is another."
        )
    if spec.model.learns_on:
        return _why_it_cannot_learn_on(spec, theirs, name)
    if not theirs.method.method.is_mergeable or theirs.method.method.family == "full":
        title = theirs.method.method.title
        reason = theirs.method.method.unmergeable
        return "model.adapter_use", (
            f"What {title} learned cannot become part of the base: {reason}. "
            'Use "train" with the same method, or train the other one first and this on top of it.'
        )
    if theirs.model.quantization != "none":
        return "model.adapter_use", (
            f"'{name}' was trained over a base held as {theirs.model.quantization}; merged into the whole "
            'one it would be another model. Use "train", or export it as a whole model and choose that.'
        )
    return None


def _why_it_cannot_learn_on(
    spec: TrainSpec, theirs: TrainSpec, name: str
) -> tuple[str, str] | None:
    """An adapter learns on by the method that made it, in the shape that it has."""
    method = theirs.method.method
    if method.name != spec.method.name:
        return "method.name", (
            f"'{name}' was trained by {method.title}, and its adapter learns on by the same method only. "
            f'Use "{method.name}", or model.adapter_use "merge" to learn something new on top of it.'
        )
    if reason := method.why_finished(theirs.method.settings):
        return "model.adapter_use", (
            f"The adapter of '{name}' cannot itself learn on: {reason}. "
            'Use "merge" to learn something new on top of it.'
        )
    ours, asked = (each.method.settings.model_dump(mode="json") for each in (theirs, spec))
    for setting, value in ours.items():
        if setting not in method.free_settings and asked[setting] != value:
            return f"method.{setting}", (
                f"The adapter of '{name}' has {setting} {value!r}, which cannot change any more; this "
                f'training says {asked[setting]!r}. Use {value!r}, or model.adapter_use "merge".'
            )
    return None


def is_one_task(left: ObjectiveChoice, right: ObjectiveChoice) -> bool:
    """Whether two objectives train one kind of model, with the same on top of it as far as that is known."""
    if _kind(left) != _kind(right):
        return False
    named = [getattr(each.settings, "labels", None) for each in (left, right)]
    several = [getattr(each.settings, "several", False) for each in (left, right)]
    return several[0] == several[1] and (None in named or named[0] == named[1])


def _kind(choice: ObjectiveChoice) -> str:
    layout = choice.objective.layout
    return "causal" if layout in ("tokens", "sequences") else layout


def _in_words(choice: ObjectiveChoice) -> str:
    labels = getattr(choice.settings, "labels", None) or ()
    named = f" ({', '.join(labels)})" if labels else ""
    return f"{choice.objective.title.lower()}{named}"


def _refused(field: str, words: str) -> AskedWrongly:
    return AskedWrongly(words, code="adapter", fields=[FieldProblem(field, words)])
