"""The task `export`: verified or not kept, never half-written, never over something else."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from jobs.context import TaskContext
from studio.errors import AskedWrongly, StudioError
from studio.settings import Home
from studio.tasks import export as export_module
from studio.tasks.export import export
from studio.tasks.train import train
from studio.training import loading
from studio.training.quantized import QuantizedLinear
from studio.verification.bounds import Verdict
from tests.studio.runs import context, make_order


def asked(home: Home, out: Path, format_name: str = "adapter", job: int = 1) -> TaskContext:
    folder = home.run(50)
    folder.mkdir(exist_ok=True)
    spec = {"version": 1, "job": job, "format": format_name, "settings": {}, "out": str(out)}
    return TaskContext(50, spec, folder)


def leftovers(out: Path) -> list[Path]:
    return list(out.parent.iterdir()) if out.parent.exists() else []


def test_an_export_is_verified_and_lists_its_files(trained_home: Home, tmp_path: Path) -> None:
    out = tmp_path / "place" / "adapter"

    result = export(asked(trained_home, out))

    assert result["verified"] is True
    assert result["difference"]["argmax_equal"] == 1.0
    assert {file["path"] for file in result["files"]} == {file.name for file in out.iterdir()}
    for file in result["files"]:
        content = (out / file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
    assert not list(trained_home.tmp.glob("verify-*"))
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "| Source | rows.csv |" in card
    assert re.search(r"Tokens in one pass \| [\d,]+, of which [\d,]+ learnt", card)


@pytest.mark.parametrize(
    ("kind", "double"),
    [
        ("nf4", True),
        pytest.param("int8", False, marks=pytest.mark.long),
        pytest.param("fp4", False, marks=pytest.mark.long),
    ],
)
def test_a_run_over_a_quantised_base_leaves_as_an_adapter_and_as_one_model(
    kind: str, double: bool, tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path / "home").prepare()
    order = make_order(home, tiny_model, rows_csv)
    held = order.spec.model.model_copy(update={"quantization": kind, "double_quantization": double})
    order = replace(order, spec=replace(order.spec, model=held))
    train(context(home, 1, order.to_json()))

    for format_name in ("adapter", "merged"):
        result = export(asked(home, tmp_path / format_name, format_name))
        assert result["verified"] is True
        # The same numbers as in training: the bound of fp32 holds with room to spare.
        assert result["difference"]["max_logit"] < 1e-5
        assert result["difference"]["to_base"] > 100
    kept = json.loads((tmp_path / "merged" / "config.json").read_text(encoding="utf-8"))
    assert "quantization_config" not in kept
    card = (tmp_path / "adapter" / "README.md").read_text(encoding="utf-8")
    assert f"{kind}" in card


@pytest.mark.long
def test_a_merge_into_the_unquantised_base_is_not_what_was_trained(
    tmp_path: Path, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home").prepare()
    order = make_order(home, tiny_model, rows_csv)
    held = order.spec.model.model_copy(update={"quantization": "nf4"})
    order = replace(order, spec=replace(order.spec, model=held))
    train(context(home, 1, order.to_json()))
    whole = loading.load_base(tiny_model, torch.float32)

    def unquantised(model: Any) -> Any:
        for name, module in list(model.named_modules()):
            if isinstance(module, QuantizedLinear):
                parent, _, last = name.rpartition(".")
                plain = name.removeprefix("base_model.model.").removesuffix(".base_layer")
                setattr(model.get_submodule(parent), last, whole.get_submodule(plain))
        return model

    monkeypatch.setattr("studio.exporters.merged.quantized.dequantize", unquantised)
    with pytest.raises(StudioError, match=r"differently from the trained model|base model"):
        export(asked(home, tmp_path / "merged", "merged"))
    assert not (tmp_path / "merged").exists()


def test_what_is_not_verified_is_not_kept(
    trained_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "adapter"
    not_verified = Verdict(False, None, "It is not.")
    monkeypatch.setattr(export_module.FreshProcess, "verify", lambda *_: not_verified)

    with pytest.raises(StudioError, match="It is not") as caught:
        export(asked(trained_home, out))

    assert caught.value.code == "not_verified"
    assert leftovers(out) == []


def test_nothing_is_overwritten(trained_home: Home, tmp_path: Path) -> None:
    with pytest.raises(AskedWrongly, match="nothing is overwritten"):
        export(asked(trained_home, tmp_path))


KILLED_EXPORT = """
import json, sys, time
from pathlib import Path
from studio.tasks import export as module
from jobs.context import TaskContext
module.FreshProcess.verify = lambda *_: time.sleep(600)
folder, spec = Path(sys.argv[1]), json.loads(sys.argv[2])
module.export(TaskContext(50, spec, folder))
"""


def test_an_export_that_is_killed_leaves_nothing_for_the_next_attempt_to_trip_over(
    trained_home: Home, tmp_path: Path
) -> None:
    out = tmp_path / "place" / "adapter"
    context = asked(trained_home, out)
    command = [sys.executable, "-c", KILLED_EXPORT, str(context.folder), json.dumps(context.spec)]
    process = subprocess.Popen(command)
    while not list(out.parent.glob(".*.partial/README.md")):
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert not out.exists()

    assert export(asked(trained_home, out))["verified"] is True
    assert leftovers(out) == [out]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB, where the system lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if (
        os.name == "nt"
        or not shutil.which("mount")
        or subprocess.run(mount, check=False).returncode
    ):
        pytest.skip("this machine lets the tests mount nothing")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("is_foreseen", [True, False])
def test_a_full_disk_is_said_in_words_and_leaves_nothing(
    trained_home: Home, small_disk: Path, monkeypatch: pytest.MonkeyPatch, is_foreseen: bool
) -> None:
    if not is_foreseen:  # somebody else fills the disk while we write
        monkeypatch.setattr(export_module, "_refuse_when_too_large", lambda *_: None)

    with pytest.raises(StudioError, match="Make room") as caught:
        export(asked(trained_home, small_disk / "out", "merged"))

    assert caught.value.code == "disk_full"
    assert list(small_disk.iterdir()) == []
