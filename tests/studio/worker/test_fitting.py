"""Make it fit: the gentlest plan, found among real estimates of a model that is no more than its shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import transformers

from studio.devices import Device, Machine
from studio.errors import AskedWrongly
from studio.estimator.estimate import Rows, estimate
from studio.spec import TrainSpec
from studio.worker.fitting import Fitting, _levers, make_it_fit
from tests.studio.estimator.configurations import make_rows

MB = 10**6
MACHINE = Machine((Device("cpu:0", "cpu", 16_000 * MB, 16_000 * MB, "processor"),), 10**11)
LENGTHS = (*range(60, 100), 250, 250)
ROWS = Rows(make_rows(*LENGTHS), make_rows(40))
COVERING = {"max_length": 104, "cut_rows": 2, "lost_tokens": 292}
DATA = {"rows": len(LENGTHS), "tokens": sum(LENGTHS), "covering": COVERING}


@dataclass
class Shape:
    """A model's shape in a folder, asked for its estimates; each is made once."""

    folder: Path
    known: dict[str, Any] = field(default_factory=dict)

    def within(self, memory: int) -> Callable[[TrainSpec], dict[str, Any]]:
        """Estimates judged against so many bytes."""

        def ask(spec: TrainSpec) -> dict[str, Any]:
            key = f"{memory} {spec.to_json()}"
            if key not in self.known:
                found = estimate(
                    spec, self.folder, ROWS, MACHINE, idle_process_bytes=1, memory_bytes=memory
                )
                self.known[key] = found.to_json()
            return dict(self.known[key])

        return ask


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Shape:
    """Two layers, wide enough that weights, activations and loss all count beside the process."""
    folder = tmp_path_factory.mktemp("shape")
    transformers.LlamaConfig(
        vocab_size=4096,
        hidden_size=1024,
        intermediate_size=3072,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=512,
    ).save_pretrained(folder)
    return Shape(folder)


def asked(**values: Any) -> TrainSpec:
    """Sixteen rows a step."""
    training = {"batch_size": 8, "gradient_accumulation": 2, **values.pop("training", {})}
    return TrainSpec.parse({**values, "training": training})


def fit(shape: Shape, spec: TrainSpec, memory: int) -> Fitting:
    """The plan for so many bytes."""
    return make_it_fit(spec, shape.within(memory), DATA)


def rows_a_step(spec: TrainSpec) -> int:
    """Rows a step takes."""
    return spec.training.batch_size * spec.training.gradient_accumulation


def test_what_fits_is_left_as_it_is(shape: Shape) -> None:
    found = fit(shape, asked(), 8_000 * MB)

    assert (found.changes, found.spec, found.tried) == ((), asked(), 1)


def test_the_rows_at_a_time_are_lowered_first_and_no_further_than_needed(shape: Shape) -> None:
    whole = shape.within(10**12)(asked())["memory"]["high_bytes"]

    found = fit(shape, asked(), whole - 1)

    assert found.spec is not None
    assert [change.field for change in found.changes] == [
        "training.batch_size",
        "training.gradient_accumulation",
    ]
    assert rows_a_step(found.spec) == rows_a_step(asked())
    assert found.spec.training.batch_size == 4
    assert all(change.cost for change in found.changes)


def test_batches_by_tokens_that_do_not_fit_become_batches_by_rows(shape: Shape) -> None:
    by_tokens = asked(training={"tokens_per_batch": 1000})
    whole = shape.within(10**12)(by_tokens)["memory"]["high_bytes"]

    found = fit(shape, by_tokens, whole - 1)

    assert found.spec is not None
    assert found.spec.training.tokens_per_batch is None
    assert rows_a_step(found.spec) == rows_a_step(by_tokens)
    assert "training.tokens_per_batch" in [change.field for change in found.changes]


def test_a_plan_that_changes_what_is_learnt_comes_only_after_those_that_do_not(
    shape: Shape,
) -> None:
    one = asked(training={"batch_size": 1, "gradient_accumulation": 16})
    need = shape.within(10**12)(one)["memory"]["high_bytes"]
    recomputed = asked(
        training={"batch_size": 1, "gradient_accumulation": 16, "gradient_checkpointing": True}
    )
    less = shape.within(10**12)(recomputed)["memory"]["high_bytes"]
    assert less < need

    found = fit(shape, asked(), (less + need) // 2)
    harder = fit(shape, asked(), less - 1 * MB)

    assert found.spec is not None
    assert found.spec.training.gradient_checkpointing
    assert found.spec.model.quantization == "none"
    assert found.spec.training.optimizer == "adamw"
    assert harder.spec is not None
    assert harder.spec.training.optimizer != "adamw" or harder.spec.model.quantization != "none"


@pytest.mark.parametrize(
    "share",
    [0.35, *(pytest.param(each / 100, marks=pytest.mark.long) for each in range(5, 100, 8))],
)
def test_no_gentler_plan_than_the_one_found_would_fit(shape: Shape, share: float) -> None:
    """Every gentler set of options, with every number of rows, is asked for; nothing is left out."""
    spec = asked()
    least, most = least_and_most(shape, spec)
    memory = int(least + share * (most - least))
    ask = shape.within(memory)

    found = fit(shape, spec, memory)

    assert found.spec is not None
    assert ask(found.spec)["verdict"]["fits"]
    assert rows_a_step(found.spec) == rows_a_step(spec)
    rank = hardness(found.spec)
    for gentler in every_plan(spec):
        if hardness(gentler) < rank:
            assert not ask(gentler)["verdict"]["fits"], (gentler, found.words)


def least_and_most(shape: Shape, spec: TrainSpec) -> tuple[int, int]:
    """Bytes that the hardest plan and the spec itself need."""
    ask = shape.within(10**12)
    hardest = max(every_plan(spec), key=hardness)
    return (
        ask(hardest)["verdict"]["needs_bytes"],
        ask(spec)["verdict"]["needs_bytes"],
    )


def hardness(spec: TrainSpec) -> tuple[int, int, bool, float, int]:
    """What is compared first weighs most: length, bits of the base, optimizer, recomputing, rows."""
    bits = ("none", "int8", "nf4").index(spec.model.quantization)
    training = spec.training
    return (
        -training.max_length,
        bits,
        training.optimizer != "adamw",
        training.recomputed_share,
        -training.batch_size,
    )


def every_plan(spec: TrainSpec) -> list[TrainSpec]:
    """All that the search may choose from."""
    plans = []
    for rows in (1, 2, 4, 8):
        for share in (0.0, 0.5, 1.0):
            for optimizer in ("adamw", "adamw_8bit"):
                for bits in ("none", "int8", "nf4"):
                    for length in (512, COVERING["max_length"]):
                        document = spec.to_json()
                        document["model"]["quantization"] = bits
                        document["training"] |= {
                            "batch_size": rows,
                            "gradient_accumulation": 16 // rows,
                            "gradient_checkpointing": share > 0,
                            "checkpointed_share": share or 1.0,
                            "optimizer": optimizer,
                            "max_length": length,
                        }
                        plans.append(TrainSpec.parse(document))
    return plans


def test_a_method_that_trains_the_base_itself_keeps_it_whole(shape: Shape) -> None:
    spec = asked(method="full")
    least = shape.within(10**12)(asked(method="full", training={"optimizer": "adamw_8bit"}))

    found = fit(shape, spec, least["memory"]["high_bytes"])

    assert found.spec is not None
    assert found.spec.model.quantization == "none"
    assert rows_a_step(found.spec) == 16


def test_where_nothing_fits_the_least_need_is_said_and_what_else_there_is_to_do(
    shape: Shape,
) -> None:
    found = fit(shape, asked(method="full"), 200 * MB)

    assert found.spec is None
    assert found.to_json()["fits"] is False
    assert "at least" in found.words
    assert "lora" in found.words


def test_a_spec_that_cannot_be_estimated_is_not_searched(shape: Shape) -> None:
    def refuse(spec: TrainSpec) -> dict[str, Any]:
        raise AskedWrongly("There is no such layer.")

    with pytest.raises(AskedWrongly):
        make_it_fit(asked(), refuse, DATA)


def test_a_base_whose_adapter_goes_on_keeps_its_bits() -> None:
    plain, on = (TrainSpec.parse({"model": {"adapter": number}}) for number in (None, 3))

    fields = [
        {name for lever in _levers(spec, {}) for each in lever for name in each.values}
        for spec in (plain, on)
    ]
    assert fields[0] - fields[1] == {"model.quantization"}
