"""Ranks: several processes train as one would with all their rows; none goes missing without a word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from studio.errors import StudioError
from studio.training import loop, sharding
from studio.training.adapters import trainable
from studio.training.loop import Report
from studio.training.ranks import ALONE, Ranks, joined
from tests.studio.training.ranks.cases import CASES, Case, ready
from tests.studio.training.ranks.together import alone, together
from tests.studio.training.setups import setup


def trained(
    ranks: Ranks, model: Path, folder: Path, case: Case, stop_after: int | None = None, **more: Any
) -> tuple[list[Report], dict[str, Tensor]]:
    """Reports, and the whole trained weights."""
    made = ready(ranks, model, folder, case, **more)
    reports: list[Report] = []
    loop.run(
        made,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    weights = {name: sharding.whole(value.detach()) for name, value in trainable(made.model)}
    return reports, weights


def all_trained(ranks: Ranks, model: Path, folder: Path, names: list[str]) -> dict[str, Any]:
    return {
        name: trained(ranks, model, folder / f"{ranks.count}-{place}", CASES[name])
        for place, name in enumerate(names)
    }


def figures(report: Report) -> dict[str, float]:
    """What a step told of the losses."""
    told = {"loss": report.loss, "held-out loss": report.held_out_loss, **(report.held_out or {})}
    return {name: value for name, value in told.items() if value is not None}


@pytest.fixture(scope="module")
def both(
    request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Any, Any]:
    """The cases asked for as one process trains them, and as the first and the second of two do."""
    folder = tmp_path_factory.mktemp("together")
    wanted = {
        item.callspec.params["case"]
        for item in request.session.items
        if "case" in getattr(getattr(item, "callspec", None), "params", {})
    }
    names = [name for name in CASES if name in wanted]
    pair = together(folder, 2, all_trained, tiny_model, folder, names)
    return alone(all_trained, tiny_model, folder, names), *pair


SAMPLE = (
    "lora",
    "sharded full",
    "sharded nf4",
    "sharded, a last step with fewer rows than processes",
)


@pytest.mark.parametrize(
    "case",
    [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.long) for name in CASES],
)
def test_two_processes_train_as_one_does_with_the_doubled_batch(
    both: tuple[Any, Any, Any], case: str
) -> None:
    (single, weights), (first, first_weights), (second, second_weights) = (
        each[case] for each in both
    )

    for left, right in zip(single, first, strict=True):
        assert figures(left) == pytest.approx(figures(right), rel=1e-5)
        assert (left.grad_norm or 0.0) == pytest.approx(right.grad_norm or 0.0, rel=1e-4)
    for name, value in weights.items():
        assert (first_weights[name] - value).norm() <= 1e-3 * value.norm()
    assert [report.loss for report in first] == [report.loss for report in second]
    assert all(torch.equal(first_weights[name], second_weights[name]) for name in weights)


def cut_and_straight(ranks: Ranks, model: Path, folder: Path) -> list[Any]:
    """For both kinds: a run cut at step 3 and resumed, the same without a cut; then one that another
    number of processes goes on with is only begun."""
    found = []
    for kind in ("lora", "sharded full"):
        place = folder / kind
        straight = trained(ranks, model, place / "straight", CASES[kind])
        trained(ranks, model, place / "cut", CASES[kind], stop_after=2)
        found.append((straight, trained(ranks, model, place / "cut", CASES[kind])))
        trained(ranks, model, place / "begun", CASES[kind], stop_after=2)
    return found


def test_a_resumed_run_of_two_is_exact_and_one_process_can_go_on_with_it(
    tiny_model: Path, tmp_path: Path
) -> None:
    results = together(tmp_path, 2, cut_and_straight, tiny_model, tmp_path)

    for (straight, weights), (rest, resumed) in results[0]:
        assert [report.loss for report in rest] == [report.loss for report in straight[2:]]
        assert all(torch.equal(resumed[name], weights[name]) for name in weights)
    for kind, ((straight, _), _) in zip(("lora", "sharded full"), results[0], strict=True):
        rest, _ = trained(ALONE, tiny_model, tmp_path / kind / "begun", CASES[kind])
        assert [report.step for report in rest] == [report.step for report in straight[2:]]
        for left, right in zip(rest, straight[2:], strict=True):
            assert left.loss == pytest.approx(right.loss, rel=1e-5)


def test_each_process_drops_other_numbers_out_and_a_resumed_run_the_same_ones(
    tiny_model: Path, tmp_path: Path
) -> None:
    for straight, cut, own in together(tmp_path, 2, dropping, tiny_model, tmp_path):
        assert straight == cut
        assert own[0] != own[1]


def dropping(ranks: Ranks, model: Path, folder: Path) -> Any:
    case: Any = replace(CASES["lora"], method={"name": "lora", "dropout": 0.3})  # type: ignore[arg-type]
    straight, _ = trained(ranks, model, folder / "straight", case)
    trained(ranks, model, folder / "cut", case, stop_after=2)
    rest, _ = trained(ranks, model, folder / "cut", case)
    numbers = ranks.gather(torch.rand(3).tolist())
    return [report.loss for report in straight[2:]], [report.loss for report in rest], numbers


def test_fewer_processes_than_asked_for_do_not_train(tiny_model: Path, tmp_path: Path) -> None:
    made = setup(tiny_model, tmp_path, processes=2)

    with pytest.raises(StudioError, match="2 processes were to train together") as caught:
        loop.run(made, on_report=lambda _: None, should_stop=lambda: False)
    assert caught.value.code == "world_size"


def test_a_group_of_one_where_two_were_asked_for_is_found_out(
    tiny_model: Path, tmp_path: Path
) -> None:
    # What a launcher does that quietly starts one process of two.
    with (
        joined(0, 1, torch.device("cpu"), tmp_path / "store") as ranks,
        pytest.raises(StudioError, match="but 1 does"),
    ):
        trained(ranks, tiny_model, tmp_path, CASES["lora"], processes=2)


def test_replicas_that_strayed_are_found_out(tiny_model: Path, tmp_path: Path) -> None:
    for code, words in together(tmp_path, 2, strayed, tiny_model, tmp_path):
        assert code == "strayed"
        assert "process 2 of 2" in words or "process 1 of 2" in words


def strayed(ranks: Ranks, model: Path, folder: Path) -> tuple[str, str]:
    made = ready(ranks, model, folder, CASES["lora"])
    if not ranks.is_first:
        with torch.no_grad():
            next(value for _, value in trainable(made.model)).view(-1)[0] += 1e-7
    with pytest.raises(StudioError) as caught:
        loop.run(made, on_report=lambda _: None, should_stop=lambda: False)
    return caught.value.code, caught.value.words


def test_a_gradient_that_one_process_lacks_counts_as_zero_and_none_stays_none(
    tmp_path: Path,
) -> None:
    for gradients in together(tmp_path, 2, lacking):
        assert gradients == [[1.0, 1.0], [3.0], None]


def lacking(ranks: Ranks) -> list[Any]:
    there, both_have, nobody = (nn.Parameter(torch.zeros(size)) for size in (2, 1, 1))
    if ranks.is_first:
        there.grad = torch.ones(2)
    both_have.grad = torch.tensor([1.0 + ranks.rank])
    ranks.add_gradients([there, both_have, nobody])
    return [
        value.grad if value.grad is None else value.grad.tolist()
        for value in (there, both_have, nobody)
    ]


@pytest.mark.parametrize("rows", [0, 1, 5, 8])
def test_shares_are_all_rows_once_and_in_order(rows: int) -> None:
    shares = [Ranks(rank, 3).share(range(rows)) for rank in range(3)]

    assert [row for share in shares for row in share] == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
