"""Trainings that one process and several carry out, made ready for each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.objectives import Encoded
from studio.spec import ModelChoice, TrainSpec
from studio.training.loop import Setup
from studio.training.ranks import Ranks
from tests.studio.training.setups import setup


@dataclass(frozen=True)
class Case:
    """A training that one process and two carry out."""

    method: str
    sharding: str = "none"
    quantization: str = "none"
    algorithm: str | None = None
    rows: int = 10
    training: dict[str, Any] = field(default_factory=dict)


CASES = {
    "lora": Case("lora"),
    "full": Case("full"),
    "full, padded, accumulating": Case(
        "full", training={"packing": "off", "gradient_accumulation": 2, "batch_size": 1}
    ),
    "a last step with fewer rows than processes": Case("lora", rows=9),
    "nf4": Case("qlora", quantization="nf4"),
    "kto": Case("lora", algorithm="kto"),
    "sharded lora": Case("lora", "fsdp"),
    "sharded full": Case("full", "fsdp"),
    "sharded, a last step with fewer rows than processes": Case("lora", "fsdp", rows=9),
    "sharded, checkpointing": Case("lora", "fsdp", training={"gradient_checkpointing": True}),
    "sharded nf4": Case("qlora", "fsdp", "nf4"),
    "sharded int8": Case("qlora", "fsdp", "int8"),
    "sharded kto": Case("lora", "fsdp", algorithm="kto"),
}


def ready(ranks: Ranks, model: Path, folder: Path, case: Case, **more: Any) -> Setup:
    """The case made ready: `ranks` of them with a share of the batch, or one with all of it."""
    settings = {"batch_size": 2, "eval_every": 2, "epochs": 1, **case.training, **more}
    if ranks.count == 1:
        settings["batch_size"] *= 2
    else:
        settings |= {"processes": ranks.count, "sharding": case.sharding}
    held = ModelChoice.model_validate({"quantization": case.quantization})
    made = setup(
        model,
        folder,
        packed=settings.get("packing") != "off",
        method=case.method,
        held=held,
        ranks=ranks,
        **settings,
    )
    made = replace(made, training=made.training[: case.rows])
    return made if case.algorithm is None else preferring(made, case.algorithm)


def preferring(made: Setup, algorithm: str) -> Setup:
    """The same rows as answers that people liked or did not."""
    parsed = TrainSpec.parse({"objective": {"name": "preference", "algorithm": algorithm}})

    def of(rows: Any) -> list[Encoded]:
        return [
            replace(
                row,
                reference=(-40.0 - place, -60.0 + place),
                mismatched=rows[(place + 1) % len(rows)],
                is_good=place % 2 == 0,
            )
            for place, row in enumerate(rows)
        ]

    return replace(
        made,
        spec=replace(made.spec, objective=parsed.objective),
        training=of(made.training),
        held_out=of(made.held_out),
    )
