"""An estimate corrected by what earlier runs measured, and honest about how far off they were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio.devices import Device, Machine
from studio.estimator.estimate import Estimate, Rows, estimate
from studio.estimator.learning import learn
from studio.library.residuals import Residual
from studio.spec import TrainSpec
from tests.studio.estimator.configurations import make_folder, make_rows

GB = 10**9
MACHINE = Machine((Device("cpu:0", "cpu", 16 * GB, 16 * GB, "processor"),), 100 * GB)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Estimate:
    """A real estimate, with a time."""
    folder = tmp_path_factory.mktemp("home")
    rows = Rows(make_rows(*range(20, 44)), make_rows(30))
    return estimate(
        TrainSpec.parse({}), make_folder("llama", folder / "model"), rows, MACHINE, home=folder
    )


def run(
    computed: Estimate, memory: float = 1.0, time: float = 1.0, base: str = "starter"
) -> Residual:
    """A run that measured so many times what was computed."""
    assert computed.duration is not None
    peak, seconds = computed.memory.peak_bytes, computed.duration.seconds
    return Residual(
        1, "processor", "fp32", base, "lora", peak, int(peak * memory), seconds, seconds * time
    )


def test_before_the_first_run_nothing_is_corrected_and_nothing_is_claimed(
    computed: Estimate,
) -> None:
    found = learn(computed, "starter", "fp32", [])

    assert (found.estimate, found.words) == (computed, "")
    assert found.to_json()["learned"]["memory_error"] is None


def test_one_run_is_believed_by_half_and_several_almost_wholly(computed: Estimate) -> None:
    peak = computed.memory.peak_bytes

    once = learn(computed, "starter", "fp32", [run(computed, 1.2)])
    often = learn(computed, "starter", "fp32", [run(computed, 1.2)] * 9)

    assert once.estimate.memory.peak_bytes == pytest.approx(1.1 * peak, rel=1e-3)
    assert often.estimate.memory.peak_bytes == pytest.approx(1.18 * peak, rel=1e-3)
    memory = often.estimate.memory
    assert sum(memory.parts.values()) == memory.peak_bytes
    assert memory.low_bytes <= memory.peak_bytes <= memory.high_bytes


@pytest.mark.parametrize("memory", [0.3, 0.9, 1.0, 1.05, 1.9])
def test_the_range_holds_what_the_runs_measured(computed: Estimate, memory: float) -> None:
    found = learn(computed, "starter", "fp32", [run(computed, memory)]).estimate.memory

    measured = int(computed.memory.peak_bytes * memory)
    assert measured <= found.high_bytes
    # Never below what the tensors alone take: that much is computed.
    assert found.low_bytes >= min(computed.memory.tensor_bytes, found.peak_bytes)


def test_runs_of_another_size_say_nothing_about_memory(computed: Estimate) -> None:
    small = replace(run(computed), predicted_bytes=1_000, measured_bytes=9_000)

    assert learn(computed, "starter", "fp32", [small]).estimate.memory == computed.memory


def test_time_is_corrected_by_runs_of_the_same_base_first(computed: Estimate) -> None:
    assert computed.duration is not None
    same = [run(computed, time=2.0)] * 3
    other = [run(computed, time=8.0, base="another")] * 9

    found = learn(computed, "starter", "fp32", [*other, *same])
    strange = learn(computed, "third", "fp32", other)

    assert found.estimate.duration is not None
    assert strange.estimate.duration is not None
    seconds = computed.duration.seconds
    assert found.estimate.duration.seconds == pytest.approx(seconds * 2**0.75)
    assert found.estimate.duration.low < seconds * 2 < found.estimate.duration.high
    assert strange.estimate.duration.seconds > 4 * seconds
    assert found.time_runs == 3


def test_runs_in_other_numbers_say_nothing_about_time(computed: Estimate) -> None:
    found = learn(computed, "starter", "bf16", [run(computed, time=3.0)])

    assert found.estimate.duration == computed.duration


def test_how_right_earlier_figures_were_is_said_in_words(computed: Estimate) -> None:
    runs = [run(computed, 0.97, 1.06), run(computed, 1.06, 1.2)]

    words = learn(computed, "starter", "fp32", runs).words

    assert words.startswith(
        "2 finished trainings of about this size here needed 3 % less to 6 % more memory than computed"
    )
    assert "2 finished trainings here took 6 % more to 20 % more time" in words
