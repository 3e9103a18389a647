"""Asking a real worker, through everything that can happen to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.errors import AskedWrongly, StudioError
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker.client import Worker


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home of that worker."""
    return Home(tmp_path_factory.mktemp("worker") / "home")


@pytest.fixture(scope="module")
def worker(home: Home) -> Iterator[Worker]:
    """One model worker for all tests of one."""
    worker = Worker(home)
    yield worker
    worker.stop()


@pytest.fixture
def spec(tiny_model: Path, rows_csv: Path) -> TrainSpec:
    """A training of the tiny model on 24 rows."""
    return spec_of(tiny_model, rows_csv)


def spec_of(model: Path, data: Path, **values: Any) -> TrainSpec:
    """A spec with a model and a data file."""
    return TrainSpec.parse(
        {"model": {"source": str(model)}, "data": {"path": str(data), "held_out": 0.1}, **values}
    )


def workers_below(pid: int) -> list[psutil.Process]:
    """The worker processes that a process has started."""
    return [
        child
        for child in psutil.Process(pid).children()
        if "studio.worker.service" in child.cmdline()
    ]


def test_of_several_waiting_estimates_of_one_tab_the_last_is_answered(
    worker: Worker, spec: TrainSpec
) -> None:
    """They all wait while the process starts: this test is the first to ask it."""
    outcomes: dict[int, str] = {}

    def ask(number: int) -> None:
        try:
            worker.estimate(spec, lane="tab")
            outcomes[number] = "answered"
        except StudioError as error:
            outcomes[number] = error.code

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    for thread in threads:
        thread.join()

    assert outcomes == {0: "superseded", 1: "superseded", 2: "answered"}


def test_a_model_is_described_with_the_layers_a_method_can_use(
    worker: Worker, tiny_model: Path
) -> None:
    found = worker.describe(str(tiny_model))

    assert (found["layers"], found["hidden"], found["task"]) == (2, 32, None)
    assert found["targets"][:4] == ["q_proj", "k_proj", "v_proj", "o_proj"]


def test_an_estimate_knows_the_rows_of_the_data_file(worker: Worker, spec: TrainSpec) -> None:
    found = worker.estimate(spec)

    assert found["shape"]["is_measured"]
    assert found["shape"]["rows"] == 4
    assert found["run"]["rows"] == 22
    assert found["memory"]["certainty"] == "exact"
    assert found["time"]["seconds"] >= 0


def test_without_data_the_estimate_takes_the_longest_length(
    worker: Worker, tiny_model: Path
) -> None:
    spec = TrainSpec.parse({"model": {"source": str(tiny_model)}})

    assert worker.estimate(spec)["shape"]["tokens"] == 4 * 512


def test_the_verdict_may_be_asked_about_any_memory(worker: Worker, spec: TrainSpec) -> None:
    assert not worker.estimate(spec, memory_bytes=1_000)["verdict"]["fits"]


def test_a_preview_marks_what_is_trained(worker: Worker, spec: TrainSpec) -> None:
    rows = worker.preview(spec, 2)

    assert len(rows) == 2
    tokens = rows[0]["tokens"]
    trained = "".join(token["text"] for token in tokens if token["trained"])
    assert trained.startswith("Thank you for asking.")
    assert "<|im_start|>user" in "".join(token["text"] for token in tokens if not token["trained"])


def test_errors_come_back_with_their_words_code_and_fields(
    worker: Worker, tiny_model: Path, rows_csv: Path
) -> None:
    wrong = spec_of(tiny_model, rows_csv).to_json()
    wrong["data"]["columns"] = {"prompt": "question", "response": "anwser"}

    with pytest.raises(AskedWrongly, match="Did you mean 'answer'") as found:
        worker.estimate(TrainSpec.parse(wrong))

    assert found.value.fields[0].field == "data.columns.response"


def test_a_data_file_that_is_not_there_is_named(worker: Worker, tiny_model: Path) -> None:
    with pytest.raises(AskedWrongly, match=r"gone\.csv"):
        worker.estimate(spec_of(tiny_model, Path("gone.csv")))


def test_several_threads_get_their_own_answers(worker: Worker, spec: TrainSpec) -> None:
    with ThreadPoolExecutor(4) as threads:
        limits = [1, 2, 3, 4]
        found = list(threads.map(lambda limit: len(worker.preview(spec, limit)), limits))

    assert found == limits


def test_a_killed_worker_is_back_at_the_same_request(
    worker: Worker, home: Home, tiny_model: Path, rows_csv: Path
) -> None:
    worker.describe(str(tiny_model))
    (old,) = [
        child
        for child in workers_below(psutil.Process().pid)
        if str(home.folder) in child.cmdline()
    ]
    threading.Timer(0.05, old.kill).start()

    # Of no settings that were estimated before: that would be answered from memory.
    spec = spec_of(tiny_model, rows_csv, training={"batch_size": 3})
    assert worker.estimate(spec)["parameters"]["trainable"] > 0
    time.sleep(0.1)
    assert worker.describe(str(tiny_model))["layers"] == 2
    assert not old.is_running() or old.status() == psutil.STATUS_ZOMBIE


def test_the_worker_dies_with_its_parent(tmp_path: Path, tiny_model: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from studio.settings import Home\nfrom studio.worker.client import Worker\n"
        f"Worker(Home(Path({str(tmp_path)!r}))).describe({str(tiny_model)!r})\n"
        "print('ready', flush=True)\ntime.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline().strip() == b"ready"
    (child,) = workers_below(parent.pid)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    gone, alive = psutil.wait_procs([child], timeout=30)
    assert (gone, alive) == ([child], [])


def test_asking_does_not_load_torch() -> None:
    code = "import sys, studio.worker.client; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_run_its_base_and_other_runs_of_it_answer_side_by_side(
    trained_home: Home, tmp_path: Path, rows_csv: Path
) -> None:
    from tests import tiny
    from tests.studio.runs import train_run

    home = Home(tmp_path / "home")
    shutil.copytree(trained_home.folder, home.folder)
    other = tiny.make_model(tmp_path / "other", seed=9)
    train_run(home.folder, 7, other, rows_csv, max_steps=1)
    worker = Worker(home, role="chat")
    question = "Is the kettle in stock?"
    try:
        alone = worker.answer(1, question, max_new_tokens=4)
        found = worker.answer(1, question, max_new_tokens=4, others=[2, 1])
        with pytest.raises(AskedWrongly, match="made of another base"):
            worker.answer(1, question, others=[7])
        with pytest.raises(StudioError):
            worker.answer(99, "Is anybody there?")
    finally:
        worker.stop()

    assert set(alone) == {"base", "tuned"}
    assert [each["run"] for each in found["others"]] == [2, 1]
    assert found["others"][1]["text"] == found["tuned"] == alone["tuned"]
