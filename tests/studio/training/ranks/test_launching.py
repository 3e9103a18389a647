"""Launching: the task's process starts its ranks by torchrun, and their ends become its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.context import NeedsAPerson, ProcessKilled, Stopped, TaskError
from jobs.endings import Ending, EndingKind, write_ending
from studio.settings import Home
from studio.spec import TrainSpec
from studio.tasks.train import train
from studio.training.ranks import launching
from studio.training.ranks.context import Meeting, RankContext, failures_file, stop_file
from tests.studio.runs import context, make_order

PAIR = {"batch_size": 2, "processes": 2}


def metrics(home: Home, job_id: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home.run(job_id) / "metrics.jsonl").open()]


@pytest.mark.long
def test_a_training_of_two_processes_is_that_of_one_with_the_doubled_batch(
    tmp_path: Path, tiny_model: Path, rows_csv: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path).prepare()
    pair = make_order(home, tiny_model, rows_csv, max_steps=3, **PAIR)
    single = make_order(home, tiny_model, rows_csv, max_steps=3, batch_size=4)

    result = train(context(home, 1, pair.to_json()))
    train(context(home, 2, single.to_json()))

    assert result["steps"] == 3
    assert (home.run(1) / "adapter" / "adapter_model.safetensors").is_file()
    for left, right in zip(metrics(home, 1), metrics(home, 2), strict=True):
        for name in {"loss", "held_out_loss"} & right.keys():
            assert left[name] == pytest.approx(right[name], rel=1e-5)
    # One of them speaks.
    assert capfd.readouterr().out.count("Step 2/3") == 2
    assert not (home.run(1) / "ranks" / "1" / "log.txt").exists()


@pytest.mark.long
@pytest.mark.parametrize("sharding", ["none", "fsdp"])
def test_it_stops_when_asked_and_goes_on_exactly(
    tmp_path: Path, tiny_model: Path, rows_csv: Path, sharding: str
) -> None:
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv, "full", sharding=sharding, **PAIR)
    straight = train(context(home, 1, order.to_json()))
    asked = context(home, 2, order.to_json())
    asked.request_stop()

    with pytest.raises(Stopped):
        train(asked)
    stopped_at = metrics(home, 2)[-1]["step"]
    assert 0 < stopped_at < straight["steps"]
    assert train(context(home, 2, order.to_json()))["steps"] == straight["steps"]

    known = [(line["step"], line.get("loss")) for line in metrics(home, 1)]
    assert [(line["step"], line.get("loss")) for line in metrics(home, 2)] == known
    assert (home.run(2) / "model" / "model.safetensors").read_bytes() == (
        home.run(1) / "model" / "model.safetensors"
    ).read_bytes()


@pytest.mark.long
def test_what_a_process_cannot_do_is_said_in_its_own_words(
    tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv, **PAIR)
    (arrow,) = home.datasets.glob("*/*.arrow")
    arrow.write_bytes(arrow.read_bytes().replace(b"kettle", b"cattle"))

    with pytest.raises(TaskError, match="changed on disk") as caught:
        train(context(home, 1, order.to_json()))
    assert caught.value.code == "dataset_changed"


def left(folder: Path, endings: dict[int, Ending], failures: list[dict[str, int]]) -> Path:
    """A folder as two ranks and torchrun leave it."""
    for rank, ending in endings.items():
        (folder / str(rank)).mkdir()
        write_ending(folder / str(rank), 1, ending)
    failures_file(folder).write_text(json.dumps({"failures": failures}))
    return folder


LOST = Ending(EndingKind.RAISED, code="crash", words="RuntimeError: Connection closed by peer")
FOUND = Ending(EndingKind.RAISED, code="not_finite", words="The training broke down")


def test_a_killed_process_counts_as_killed_whatever_the_others_say(tmp_path: Path) -> None:
    failures = [{"rank": 0, "exit_code": 1}, {"rank": 1, "exit_code": -9}]

    ending = launching._ending(left(tmp_path, {0: LOST}, failures), 2, 1, 1)

    with pytest.raises(ProcessKilled, match="ended process 2 of 2 of the training"):
        launching._heed(ending)


def test_of_several_failures_the_one_that_can_be_explained_is_told(tmp_path: Path) -> None:
    failures = [{"rank": rank, "exit_code": 1} for rank in (0, 1)]

    ending = launching._ending(left(tmp_path, {0: LOST, 1: FOUND}, failures), 2, 1, 1)

    assert ending == FOUND


def test_a_process_that_asks_for_a_person_is_heard(tmp_path: Path) -> None:
    asking = Ending(EndingKind.NEEDS_A_PERSON, code="disk_full", words="Make room")

    ending = launching._ending(left(tmp_path, {0: asking, 1: LOST}, []), 2, 1, 1)

    with pytest.raises(NeedsAPerson, match="Make room"):
        launching._heed(ending)


def test_processes_that_leave_nothing_are_a_failure_with_words(tmp_path: Path) -> None:
    ending = launching._ending(left(tmp_path, {}, []), 2, 1, 3)

    with pytest.raises(TaskError, match="left no result"):
        launching._heed(ending)


def test_shares_of_a_model_begin_anew_with_fewer_rows_until_none_are_left() -> None:
    shared = {"processes": 2, "sharding": "fsdp", "batch_size": 4}
    training = TrainSpec.parse({"training": shared}).training

    # 4 rows, 2, 1, then recomputed.
    assert [launching._may_shrink(training, crashes) for crashes in range(4)] == [True] * 3 + [
        False
    ]
    alone = training.model_copy(update={"sharding": "none"})
    assert not launching._may_shrink(alone, 0)


def test_only_the_first_process_speaks_and_all_see_that_a_stop_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meeting = Meeting(1, {}, str(tmp_path), 1, 0, ("cuda:3", "cuda:5"), 2)
    meeting.write(tmp_path)
    first, second = (RankContext(Meeting.read(tmp_path), tmp_path, rank) for rank in (0, 1))

    for context_ in (first, second):
        context_.log(f"rank {context_.rank}")
        context_.report(1, 2)
    assert capsys.readouterr().out == "rank 0\n"
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1
    assert (first.slots, second.slots) == (("cuda:3",), ("cuda:5",))
    assert not second.stop_requested
    stop_file(tmp_path).touch()
    assert first.stop_requested
    assert second.stop_requested
