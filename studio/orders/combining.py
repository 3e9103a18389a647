"""Combining: which finished trainings can become one adapter, and the order of that."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jobs.models import Job
from studio.errors import AskedWrongly, FieldProblem
from studio.methods import MethodSettings
from studio.methods.low_rank import Pattern
from studio.orders.continuing import is_one_task, keep_adapter
from studio.settings import Home
from studio.spec import MethodChoice, TrainOrder

# The types of adapters, as PEFT calls them, of which it makes weighted sums that are what they say.
SUMMED = ("LORA", "IA3")


def combination(
    parts: Sequence[tuple[Job, float]], rank: int | None, name: str, home: Home
) -> TrainOrder:
    """The order of a weighted sum of the adapters of finished trainings, each kept in the data home.

    Its spec is the first one's, with the rank that the sum has. Raises AskedWrongly where they cannot be
    summed.
    """
    _refuse_numbers(parts, rank)
    orders = [TrainOrder.parse(job.spec) for job, _ in parts]
    first = orders[0]
    for (job, _), order in zip(parts[1:], orders[1:], strict=True):
        _refuse_another(parts[0][0], first, job, order)
    kept = tuple(keep_adapter(job, home, weight=weight) for job, weight in parts)
    configs = [
        json.loads((home.adapter(each.revision) / "adapter_config.json").read_text("utf-8"))
        for each in kept
    ]
    _refuse_kinds(first, configs, rank)
    summed = " + ".join(f"{each.weight:g} × {each.title}" for each in kept)
    method = _of_the_sum(first.spec.method, [order.spec.method for order in orders], configs, rank)
    spec = replace(first.spec, name=name or summed[:200], method=method)
    return TrainOrder(spec, first.base, parts=kept, rank=rank)


def _refuse_numbers(parts: Sequence[tuple[Job, float]], rank: int | None) -> None:
    if len(parts) < 2:
        raise _refused("Name at least two trainings to combine, each with its weight.")
    for job, weight in parts:
        if not math.isfinite(weight):
            raise _refused(f"The weight of training {job.id} is no number ({weight}).")
    if not any(weight for _, weight in parts):
        raise _refused("All weights are 0: nothing would be left of any training.")
    if rank is not None and rank < 1:
        raise _refused(f"The rank is {rank}; expected 1 or more, or none to keep the sum as it is.")


def _refuse_another(first: Job, wanted: TrainOrder, job: Job, order: TrainOrder) -> None:
    """Adapters can be summed where they are of one base, one method and one kind of model."""
    pair = f"training {job.id} ({job.name}) and training {first.id} ({first.name})"
    if not wanted.base.is_same(order.base) or (
        wanted.spec.model.quantization != order.spec.model.quantization
    ):
        raise _refused(
            f"{pair} do not stand on the same base ({order.base.title}, {wanted.base.title}; earlier "
            "adapters merged into it count): only adapters of one base can be combined."
        )
    ours, theirs = wanted.spec.method.method, order.spec.method.method
    if ours.name != theirs.name:
        raise _refused(
            f"{pair} were trained by different methods ({theirs.title}, {ours.title}): only adapters of "
            "one method can be combined. To have both, train the one on top of the other."
        )
    if not is_one_task(wanted.spec.objective, order.spec.objective):
        raise _refused(f"{pair} have different goals: what stands on the model is another.")


def _refuse_kinds(first: TrainOrder, configs: Sequence[dict[str, Any]], rank: int | None) -> None:
    """What PEFT cannot sum, or would sum to something else than the sum."""
    title, kinds = first.spec.method.method.title, {config["peft_type"] for config in configs}
    if not kinds <= set(SUMMED):
        raise _refused(
            f"Adapters of {title} cannot be combined by weights: PEFT sums those of LoRA (QLoRA and AdaLoRA "
            "too) and of (IA)³ only."
        )
    if any(config.get("use_dora") for config in configs):
        raise _refused(
            "With DoRA a weight is split into length and direction, which do not add up: such adapters "
            "cannot be combined. Export one as a whole model and train the other on that."
        )
    if any(config.get("modules_to_save") for config in configs):
        raise _refused(
            "These trainings have a part of the model trained whole beside the adapter (a classifier's "
            "head), and two of those cannot be summed."
        )
    if rank is not None and kinds != {"LORA"}:
        raise _refused(f"Adapters of {title} have no rank that could be lowered; leave it out.")
    if kinds == {"IA3"} and len({_shape(config) for config in configs}) > 1:
        raise _refused("These trainings scale different layers, which PEFT cannot combine.")


def _shape(config: dict[str, Any]) -> str:
    return json.dumps(
        [sorted(config[name] or ()) for name in ("target_modules", "feedforward_modules")]
    )


def _of_the_sum(
    choice: MethodChoice,
    parts: Sequence[MethodChoice],
    configs: Sequence[dict[str, Any]],
    rank: int | None,
) -> MethodChoice:
    """The method as it is of the sum: its strength is in its numbers, so that it is scaled by one."""
    settings: Any = choice.settings
    if not {"rank", "alpha", "rslora"} <= type(settings).model_fields.keys():
        return choice
    whole = sum(int(config["r"]) for config in configs)
    if rank is not None and rank > whole:
        raise _refused(
            f"The sum has rank {whole}, so it cannot be reduced to {rank}; leave it out."
        )
    summed, most = rank or whole, _most(type(settings))
    if summed > most:
        raise _refused(
            f"The sum has rank {whole}, the ranks of all parts added up; {most} is the most. "
            f"Have it reduced: give a rank of {most} or less, such as {int(configs[0]['r'])}."
        )
    changed = {"rank": summed, "alpha": float(summed), "rslora": False, "init": "default"}
    changed |= {"rank_pattern": Pattern(), "alpha_pattern": Pattern()}
    if len({(str(part.settings.targets), str(part.settings.layers)) for part in parts}) > 1:  # type: ignore[attr-defined]
        names = {name for config in configs for name in config["target_modules"]}
        changed |= {"targets": tuple(sorted(names)), "layers": "all"}
    return replace(choice, settings=settings.model_copy(update=changed))


def _most(settings: type[MethodSettings]) -> int:
    limits = settings.model_fields["rank"].metadata
    return next(int(each.le) for each in limits if hasattr(each, "le"))


def _refused(words: str) -> AskedWrongly:
    return AskedWrongly(words, code="combine", fields=[FieldProblem("parts", words)])
