"""Memory runs out: the step is done again with less at a time, and comes to the same weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from studio.training import loop
from studio.training.adapters import trainable
from studio.training.fitting import Fit, is_out_of_memory, survive
from studio.training.loop import Report, Setup
from tests import tiny
from tests.studio.training.setups import setup

ROOT = Path(__file__).parents[3]


def test_the_rows_are_halved_down_to_one_and_then_activations_are_recomputed() -> None:
    fits = [Fit(8)]
    while smaller := fits[-1].smaller():
        fits.append(smaller)

    assert fits == [Fit(8), Fit(4), Fit(2), Fit(1), Fit(1, recomputes=True)]
    assert Fit(6).after(2) == Fit(1)
    assert Fit(4).after(9) == Fit(1, recomputes=True)
    assert Fit(4).at_most(Fit(8, recomputes=True)) == Fit(4, recomputes=True)
    assert Fit(8, tokens_at_a_time=100).smaller() == Fit(4, tokens_at_a_time=50)
    assert Fit(4, tokens_at_a_time=9).at_most(Fit(2)) == Fit(2, tokens_at_a_time=9)
    assert Fit(4, tokens_at_a_time=50).words == "at most 4 rows and 50 tokens at a time"
    assert Fit(1, recomputes=True).words == "1 row at a time, computing intermediate results twice"


def test_a_method_that_cannot_recompute_is_left_with_one_row() -> None:
    assert Fit(2, may_recompute=False).after(9) == Fit(1, may_recompute=False)
    assert Fit(1, may_recompute=False).smaller() is None


def allocate_too_much(*_: Any) -> None:
    """A real failure of torch's allocator on the CPU."""
    torch.empty(2**60, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("break_down", "is_memory"),
    [
        (allocate_too_much, True),
        (lambda: bytearray(2**62), True),
        (lambda: torch.zeros(2) @ torch.zeros(3), False),
    ],
)
def test_what_says_that_memory_ran_out_is_known(
    break_down: Callable[[], Any], is_memory: bool
) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        break_down()

    assert is_out_of_memory(caught.value) == is_memory


def test_an_error_of_another_kind_is_passed_on_at_once() -> None:
    fits = []

    def attempt(fit: Fit) -> None:
        fits.append(fit)
        raise RuntimeError("the sum is off")

    with pytest.raises(RuntimeError, match="the sum is off"):
        survive(attempt, Fit(4), nn.Linear(1, 1), print)
    assert fits == [Fit(4)]


def test_each_attempt_begins_with_the_same_random_numbers_and_no_gradients() -> None:
    model = nn.Linear(2, 1)
    drawn: list[torch.Tensor] = []
    words: list[str] = []

    def attempt(fit: Fit) -> int:
        assert model.weight.grad is None
        drawn.append(torch.rand(3))
        model(torch.ones(2)).backward()
        if fit.rows_at_a_time > 1:
            allocate_too_much()
        return fit.rows_at_a_time

    assert survive(attempt, Fit(4), model, words.append) == (1, Fit(1))
    assert all(torch.equal(each, drawn[0]) for each in drawn)
    assert ["2 rows at a time" in words[0], "1 row at a time" in words[1]] == [True, True]


def train(ready: Setup) -> tuple[list[Report], loop.Outcome, list[str]]:
    """A whole run: its reports, how it ended, and what a person was told."""
    reports: list[Report] = []
    words: list[str] = []
    outcome = loop.run(
        ready, on_report=reports.append, should_stop=lambda: False, on_words=words.append
    )
    return reports, outcome, words


def losses(reports: list[Report]) -> list[float]:
    """All losses of a run, in training and held out."""
    pairs = ((report.loss, report.held_out_loss) for report in reports)
    return [loss for pair in pairs for loss in pair if loss is not None]


def runs_out_above(ready: Setup, rows: int, *, from_call: int = 0) -> None:
    """Let every forward pass of more than so many lines fail as torch's allocator does."""
    calls = 0

    def check(_: nn.Module, _args: Any, inputs: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls > from_call and inputs["input_ids"].shape[0] > rows:
            allocate_too_much()

    ready.model.register_forward_pre_hook(check, with_kwargs=True)


def test_a_run_that_runs_out_takes_the_same_steps_with_fewer_rows_at_a_time(
    tiny_model: Path, tmp_path: Path
) -> None:
    roomy = setup(tiny_model, tmp_path / "a", packed=False)
    narrow = setup(tiny_model, tmp_path / "b", packed=False)
    runs_out_above(narrow, 1, from_call=4)

    expected, _, _ = train(roomy)
    reports, outcome, words = train(narrow)

    assert outcome.fit == Fit(1)
    assert len(words) == 2
    assert losses(reports) == pytest.approx(losses(expected), rel=1e-4)


def test_the_next_attempt_begins_with_what_the_last_one_found_out(
    tiny_model: Path, tmp_path: Path
) -> None:
    first = setup(tiny_model, tmp_path / "run", packed=False)
    runs_out_above(first, 2)
    loop.run(first, on_report=lambda _: None, should_stop=lambda: True)

    _, outcome, words = train(setup(tiny_model, tmp_path / "run", packed=False))

    assert (outcome.fit, words) == (Fit(2), [])


def test_at_one_row_activations_are_recomputed_and_the_weights_stay_the_same(
    tiny_model: Path, tmp_path: Path
) -> None:
    plain = setup(tiny_model, tmp_path / "a", batch_size=1)
    saving = setup(tiny_model, tmp_path / "b", batch_size=1)
    calls = 0

    def fail_once(*_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            allocate_too_much()

    saving.model.register_forward_pre_hook(fail_once)
    train(plain)
    _, outcome, _ = train(saving)

    assert outcome.fit == Fit(1, recomputes=True)
    ours, theirs = ([value for _, value in trainable(each.model)] for each in (saving, plain))
    assert all(map(torch.equal, ours, theirs))


# Ten rows of 500 tokens, eight at a time: some 120 MB of activations, of which 60 MB are allowed.
UNDER_A_LIMIT = """
import json, psutil, resource, sys, torch
from dataclasses import replace
from pathlib import Path
from tests.studio.training.setups import setup
from studio.training import loop

torch.set_num_threads(1)
model, folder, room = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

def run(name, rows=None):
    ready = setup(model, folder / name, packed=False, batch_size=8, epochs=1)
    long = [replace(r, ids=(list(r.ids) * 20)[:500], mask=(list(r.mask) * 20)[:500])
            for r in ready.training]
    losses = []
    outcome = loop.run(
        replace(ready, training=long[:rows], held_out=[]),
        on_report=lambda report: losses.append(report.loss), should_stop=lambda: False,
    )
    return outcome.fit.rows_at_a_time, losses

warm = run("warm", 1)
used = psutil.Process().memory_info().data
resource.setrlimit(resource.RLIMIT_DATA, (used + room, resource.RLIM_INFINITY))
limited = run("limited")
resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
print(json.dumps([limited, run("free")]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's own memory so")
def test_a_process_that_may_not_have_more_memory_trains_on_with_less(tmp_path: Path) -> None:
    model = tiny.make_model(tmp_path / "model", hidden=128)
    command = [sys.executable, "-c", UNDER_A_LIMIT, str(model), str(tmp_path), "60000000"]

    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stderr[-2000:]
    (rows, narrow), (rows_free, free) = json.loads(answer.stdout.splitlines()[-1])
    assert (rows < 8, rows_free) == (True, 8)
    assert narrow == pytest.approx(free, rel=1e-4)
