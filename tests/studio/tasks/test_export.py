"""The task `export`: verified or not kept, never half-written, never over something else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.context import TaskContext
from studio.errors import AskedWrongly, StudioError
from studio.settings import Home
from studio.tasks import export as export_module
from studio.tasks.export import export
from studio.verification.bounds import Verdict


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


def test_what_is_not_verified_is_not_kept(
    trained_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "adapter"
    monkeypatch.setattr(export_module, "verify", lambda *_: Verdict(False, None, "It is not."))

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
module.verify = lambda *_: time.sleep(600)
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
