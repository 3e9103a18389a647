"""Earlier results: finished trainings of the right kind on the same base, frozen when an order is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.queue import Queue, QueueConfig
from studio.models.source import resolve
from studio.orders.earlier import freeze_earlier
from studio.settings import Home
from studio.spec import Base, TrainOrder, TrainSpec

SPEC = TrainSpec.parse({"method": "intrinsic_prompt"})


def finished(home: Home, base: Any, kinds: list[tuple[str, int]], source: str) -> Queue:
    """A queue with a training for each of `kinds`: the type and length of its adapter."""
    queue = Queue(
        QueueConfig(home.database, home.runs, "studio.tasks:TASKS", "studio.devices:slots")
    )
    for kind, tokens in kinds:
        held = Base(source, base.revision, str(base.folder), "Tiny", None)
        job = queue.enqueue("train", TrainOrder(SPEC, held).to_json(), name="a", slot_kind="cpu")
        folder = home.run(job.id) / "adapter"
        folder.mkdir(parents=True)
        config = {"peft_type": kind, "num_virtual_tokens": tokens}
        (folder / "adapter_config.json").write_text(json.dumps(config))
    return queue


@pytest.mark.parametrize(
    ("kinds", "others", "count"),
    [
        ([("PROMPT_TUNING", 20)] * 3, False, 3),
        ([("PROMPT_TUNING", 20)] * 2 + [("PROMPT_TUNING", 5), ("LORA", 20)], False, 2),
        ([("PROMPT_TUNING", 20)], False, 0),
        ([("PROMPT_TUNING", 20)] * 3, True, 0),
    ],
)
def test_those_that_fit_are_taken_and_fewer_than_two_are_none(
    kinds: list[tuple[str, int]], others: bool, count: int, tiny_model: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path).prepare()
    base = resolve(str(tiny_model), None, home)
    queue = finished(home, base, kinds, "another/base" if others else base.source)

    frozen = freeze_earlier(SPEC, base, lambda: queue.store.jobs(task="train"), home)

    earlier = frozen.method.settings.earlier  # type: ignore[attr-defined]
    assert earlier == "random" if count == 0 else len(earlier) == count
    assert TrainSpec.parse(frozen.to_json()) == frozen


def test_a_choice_of_ones_own_and_other_methods_stay(tiny_model: Path, tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    base = resolve(str(tiny_model), None, home)
    own = TrainSpec.parse({"method": {"name": "intrinsic_prompt", "earlier": ["a", "b"]}})

    for spec in (own, TrainSpec.parse({"method": "lora"})):
        assert freeze_earlier(spec, base, list, home) == spec
