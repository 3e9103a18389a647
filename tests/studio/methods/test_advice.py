"""Advice: every combination of answers names what METHODS has, with a reason with figures, and what fits."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable
from typing import Any, get_args

import pytest

from studio.methods import METHODS
from studio.methods.advice import NOT_COMPARED, Advice, Ask, Matters, Need, Tasks, advise
from studio.settings import ASSETS
from studio.spec import TrainSpec

ANSWERS = list(itertools.product((5, 500, 50_000), get_args(Matters), get_args(Tasks)))
FREE = 16_000_000_000
FIGURES = re.compile(
    r"([\d.]+) % right, ([\d.]+) GB, a file of ([\d.,]+) MB, forgetting (\d+\.\d+)"
)


def benchmark() -> list[dict[str, float]]:
    """The runs of the file, read as anybody would."""
    lines = (ASSETS / "peft-benchmark.csv").read_text("utf-8").splitlines()
    wanted = ("test_acc", "mem_max_gb", "file_mb", "forgetting")
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [{name: float(row[name]) for name in wanted} for row in rows]


def needing(**needs_bytes: int) -> Ask:
    """Each method needs so much, and a third of it one example at a time."""

    def ask(advice: Advice) -> Need:
        needed = needs_bytes["held" if advice.quantization else advice.method]
        return Need(needed // 3 if advice.training else needed, FREE)

    return ask


def refusing(*methods: str) -> Callable[[Advice], Need]:
    """These methods cannot be used; all others fit."""
    return lambda advice: (
        Need(refused="Its layers are odd.") if advice.method in methods else Need(10**9, FREE)
    )


@pytest.mark.parametrize(("examples", "matters", "tasks"), ANSWERS)
def test_every_answer_names_a_method_and_settings_that_it_takes(
    examples: int, matters: Any, tasks: Any
) -> None:
    advice = advise(examples, matters, tasks)

    METHODS[advice.method].settings.model_validate(advice.settings)
    assert advice.reason.endswith(".")


@pytest.mark.parametrize(("examples", "matters", "tasks"), ANSWERS)
def test_every_reason_has_figures_and_they_are_those_of_one_run_of_the_benchmark(
    examples: int, matters: Any, tasks: Any
) -> None:
    said = FIGURES.findall(advise(examples, matters, tasks).reason)

    assert said
    for accuracy, memory, file, forgetting in said:
        assert any(
            f"{100 * run['test_acc']:.1f}" == accuracy
            and f"{run['mem_max_gb']:.1f}" == memory
            and abs(run["file_mb"] - float(file.replace(",", ""))) <= run["file_mb"] / 100
            and f"{run['forgetting']:.3f}" == forgetting
            for run in benchmark()
        ), (accuracy, memory, file, forgetting)


def test_more_examples_are_given_more_room() -> None:
    ranks = [advise(count, "quality", "one").settings.get("rank", 16) for count in (50, 500, 5000)]

    assert ranks == sorted(ranks)


def test_several_tasks_are_told_to_stay_apart() -> None:
    assert "beside the one model" in advise(500, "quality", "many").reason
    assert "beside the one model" not in advise(500, "quality", "one").reason


def test_figures_are_written_as_people_write_them() -> None:
    assert "a file of 6,128 MB" in advise(500, "quality", "one").reason


@pytest.mark.parametrize(("examples", "matters", "tasks"), ANSWERS)
def test_what_is_not_known_of_the_machine_is_not_claimed(
    examples: int, matters: Any, tasks: Any
) -> None:
    assert NOT_COMPARED in advise(examples, matters, tasks).reason
    assert NOT_COMPARED not in advise(examples, matters, tasks, refusing()).reason


def test_what_fits_is_advised_with_its_need_and_what_is_free() -> None:
    advice = advise(500, "quality", "one", needing(lora=812_000_000))

    assert advice.method == "lora"
    assert "it needs up to 812 MB of the 16.0 GB that are free here." in advice.reason


def test_where_lora_does_not_fit_qlora_is_advised_with_both_figures() -> None:
    advice = advise(50, "quality", "one", needing(lora=19_400_000_000, qlora=9_100_000_000))

    assert (advice.method, advice.settings["rank"], advice.training) == ("qlora", 8, {})
    assert "needs up to 19.4 GB of the 16.0 GB that are free here." in advice.reason
    assert "needs up to 9.1 GB of the 16.0 GB" in advice.reason


def test_where_another_method_does_not_fit_the_model_is_held_in_four_bits() -> None:
    advice = advise(500, "never forget", "one", needing(oft=19_400_000_000, held=9_100_000_000))

    assert (advice.method, advice.quantization) == ("oft", "nf4")


def test_where_the_model_cannot_be_held_in_few_bits_one_example_at_a_time_is_advised() -> None:
    def ask(advice: Advice) -> Need:
        if advice.method == "qlora":
            return Need(refused="Its base is held so already.")
        return Need(6_000_000_000 if advice.training else 19_400_000_000, FREE)

    advice = advise(500, "quality", "one", ask)

    assert (advice.method, advice.training["batch_size"]) == ("lora", 1)
    assert "needs up to 6.0 GB of the 16.0 GB" in advice.reason


@pytest.mark.parametrize("matters", [*get_args(Matters)])
def test_what_a_smaller_advice_sets_the_training_takes(matters: Any) -> None:
    asked: list[Advice] = []

    def ask(advice: Advice) -> Need:
        asked.append(advice)
        return Need(FREE + 1, FREE)

    advise(500, matters, "one", ask)

    assert len(asked) > 1
    for each in asked:
        model = {"quantization": each.quantization} if each.quantization else {}
        document = {"model": model, "method": each.method, "training": each.training}
        spec = TrainSpec.parse({**document, "method": {"name": each.method, **each.settings}})
        usual = TrainSpec.parse({}).training
        assert (
            spec.training.batch_size * spec.training.gradient_accumulation
            == usual.batch_size * usual.gradient_accumulation
        )


def test_where_nothing_fits_that_is_said() -> None:
    advice = advise(500, "quality", "one", needing(lora=10**12, qlora=5 * 10**11))

    assert advice.method == "lora"
    assert "Nothing smaller of its kind was found that can be trained here" in advice.reason


def test_a_method_that_this_model_refuses_gives_way_with_the_reason() -> None:
    advice = advise(500, "never forget", "one", refusing("oft"))

    assert advice.method == "lora"
    assert "But it cannot be used here: Its layers are odd." in advice.reason


def test_a_model_that_cannot_be_held_in_four_bits_is_not_advised_to_be() -> None:
    advice = advise(500, "least memory", "one", refusing("qlora"))

    assert (advice.method, advice.settings) == ("lora", {"rank": 8, "alpha": 16})
