"""A run made ready on the tiny model, for tests of the step and the loop."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from studio.data.examples import Message
from studio.objectives import Encoded
from studio.spec import ModelChoice, TrainSpec
from studio.training import adapters, encoding, loading, sharding
from studio.training.loop import Setup
from studio.training.ranks import ALONE, Ranks
from tests import tiny


def encoded(count: int = 12) -> list[Encoded]:
    """Rows of tiny's data as the tiny tokenizer encodes them."""
    examples = [
        SimpleNamespace(
            messages=(Message("user", question), Message("assistant", answer)),
            tools=(),
            line=number,
        )
        for number, (question, answer) in enumerate(tiny.make_rows(count), start=2)
    ]
    return encoding.encode(examples, TrainSpec.parse({}).objective, tiny.make_tokenizer(), 512)


def setup(
    model: Path,
    folder: Path,
    *,
    packed: bool = True,
    method: Any = "lora",
    held: ModelChoice | None = None,
    ranks: Ranks = ALONE,
    **training: Any,
) -> Setup:
    """Ten rows to train on, two held out, the adapter on the tiny model (`held` as a spec's model says)."""
    values = {"epochs": 2, "learning_rate": 0.01, "batch_size": 4, **training}
    spec = TrainSpec.parse({"method": method, "training": values})
    device = loading.choose_device("cpu")
    trains_weights = spec.method.name == "full"
    numbers = loading.choose_numbers(spec.training.precision, device, trains_weights=trains_weights)
    base = loading.load_base(model, numbers.weights, held=held)
    adapted = adapters.attach(base, spec.method, seed=spec.training.seed)
    if spec.training.sharding != "none":
        sharding.shard(adapted, ranks, device)
    rows = encoded()
    return Setup(
        spec,
        adapted,
        device,
        numbers,
        rows[:10],
        rows[10:],
        packed and spec.may_pack,
        3,
        folder,
        tokenizer=tiny.make_tokenizer(),
        ranks=ranks,
    )
