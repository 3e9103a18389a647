"""The commands together, on a tiny model, through the real queue and its processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import peft
import pytest
from transformers import AutoModelForCausalLM

from studio.orders import Orders
from studio.settings import Home


class Studio:
    """`python -m studio … --json` in one data home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: object, code: int = 0) -> Any:
        command = [
            sys.executable,
            "-m",
            "studio",
            *map(str, arguments),
            "--json",
            "--home",
            str(self.home),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("whole-way") / "home"
    yield Studio(home)
    Orders(Home(home)).queue.stop_dispatcher()


@pytest.fixture(scope="module")
def trained(
    studio: Studio, tiny_model: Path, rows_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A training carried out by `train --wait`: what the command printed."""
    spec = tmp_path_factory.mktemp("spec") / "spec.json"
    document = {
        "name": "Whole way",
        "model": {"source": str(tiny_model)},
        "data": {"path": str(rows_csv), "held_out": 0.2},
        "training": {"epochs": 2, "learning_rate": 0.02},
    }
    spec.write_text(json.dumps(document), encoding="utf-8")
    return studio("train", spec, "--wait")


def test_train_wait_ends_with_what_jobs_show_gives(studio: Studio, trained: Any) -> None:
    assert trained["state"] == "succeeded"
    assert trained["progress"] == {"step": 10, "total_steps": 10}
    assert (
        trained["predicted"]["parameters"]["trainable"]
        == trained["result"]["parameters"]["trainable"]
    )
    assert studio("jobs", "show", trained["id"]) == trained
    assert [job["id"] for job in studio("jobs")] == [trained["id"]]


def test_the_log_is_read_on_from_an_offset(studio: Studio, trained: Any) -> None:
    whole = studio("jobs", "log", trained["id"])

    assert "Step 10/10" in whole["text"]
    assert studio("jobs", "log", trained["id"], "--offset", whole["offset"])["text"] == ""


def test_an_export_loads_with_plain_peft_and_is_not_made_twice(
    studio: Studio, trained: Any, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "adapter"
    result = studio("export", trained["id"], "--format", "adapter", "--out", out)

    assert result["verified"] is True
    assert Path(result["path"]) == out
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    assert peft.PeftModel.from_pretrained(base, str(out))
    again = studio("export", trained["id"], "--format", "adapter", "--out", out, code=2)
    assert again["error"]["code"] == "exists"


@pytest.mark.long
def test_chat_answers_twice(studio: Studio, trained: Any) -> None:
    answers = studio("chat", trained["id"], "--prompt", "Where is the lamp?")

    assert set(answers) == {"base", "tuned"}


@pytest.mark.long
def test_a_training_goes_on_is_asked_beside_the_first_and_combined_with_it(
    studio: Studio, trained: Any, tiny_model: Path, rows_csv: Path, tmp_path: Path
) -> None:
    file = tmp_path / "spec.json"
    document = {
        "name": "On",
        "model": {"source": str(tiny_model), "adapter": trained["id"]},
        "data": {"path": str(rows_csv), "held_out": 0.2},
        "training": {"max_steps": 2, "learning_rate": 0.02},
    }
    file.write_text(json.dumps(document), encoding="utf-8")
    second = studio("train", file, "--wait")
    begun, ended = (
        found["result"]["held_out"][when]
        for found, when in ((second, "loss_before"), (trained, "loss_after"))
    )
    assert begun == pytest.approx(ended, rel=1e-6)

    document["method"] = "ia3"
    file.write_text(json.dumps(document), encoding="utf-8")
    for command in ("train", "estimate"):
        refused = studio(command, file, code=2)
        assert [each["field"] for each in refused["error"]["fields"]] == ["method.name"]

    said = studio("chat", second["id"], "--prompt", "Is it there?", "--also", trained["id"])
    assert [each["run"] for each in said["others"]] == [trained["id"]]

    both = studio("combine", f"{trained['id']}=0.5", f"{second['id']}=0.5", "--name", "Both")
    assert [part["run"] for part in both["parts"]] == [trained["id"], second["id"]]
    place = tmp_path / "both"
    assert studio("export", both["id"], "--format", "adapter", "--out", place)["verified"]
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    assert peft.PeftModel.from_pretrained(base, str(place)).peft_config["default"].r == 32


def test_an_unfinished_job_cannot_be_chatted_with(studio: Studio, trained: Any) -> None:
    assert studio("chat", 99, "--prompt", "Hello?", code=2)["error"]["code"] == "no_such_job"
