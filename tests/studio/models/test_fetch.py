"""Fetching a model with the real huggingface_hub, from a stand-in for the Hub."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.models.describe import describe
from studio.models.fetch import fetch, resolve_revision
from studio.models.origin import Origin, read_origin
from tests.studio.models.folders import PARAMETERS, make_folder, make_sharded_folder
from tests.studio.models.hub import COMMIT, StandIn, serving

LARGE = 24_000_000

Told = list[tuple[int, int]]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with serving(make_folder(tmp_path / "repository")) as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.address)
        yield standin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models" / f"hub--owner--tiny--{COMMIT}"


def bring(folder: Path, *, repo_id: str = "owner/tiny", revision: str = COMMIT) -> Told:
    """Fetch into `folder`; returns what was told about the progress."""
    told: Told = []
    fetch(repo_id, revision, folder, progress=lambda done, total: told.append((done, total)))
    return told


def grow(model: Path) -> None:
    """Make the model's weights so large that they do not arrive in one piece."""
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"w": np.arange(LARGE // 4, dtype=np.float32)}, model / "model.safetensors")


def test_a_branch_is_pinned_to_its_commit(hub: StandIn) -> None:
    assert resolve_revision("owner/tiny") == COMMIT


def test_the_model_arrives_whole_with_its_origin(hub: StandIn, folder: Path) -> None:
    bring(folder)

    assert describe(folder).parameters == PARAMETERS
    assert read_origin(folder) == Origin("owner/tiny", "owner/tiny", COMMIT, "mit")
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]


def test_the_progress_rises_to_the_total(hub: StandIn, folder: Path) -> None:
    grow(hub.folder)
    told = bring(folder)

    done = [done_bytes for done_bytes, _ in told]
    assert done == sorted(done)
    assert len(set(done)) > 3
    assert told[-1] == (sum(path.stat().st_size for path in hub.folder.iterdir()),) * 2


def test_only_what_a_loader_reads_is_fetched(hub: StandIn, folder: Path) -> None:
    for name in ("pytorch_model.bin", "modeling_own.py", "tf_model.h5", "picture.png", "LICENSE"):
        (hub.folder / name).write_bytes(b"content")
    bring(folder)

    assert {path.name for path in folder.iterdir()} == {
        *("config.json", "tokenizer.json", "model.safetensors", "LICENSE", "whetstone.json")
    }


def test_a_model_in_shards_is_fetched_by_its_index(
    hub: StandIn, folder: Path, tmp_path: Path
) -> None:
    hub.folder = make_sharded_folder(tmp_path / "sharded")
    (hub.folder / "consolidated.safetensors").write_bytes(b"the same weights once more")
    bring(folder)

    assert describe(folder).parameters == PARAMETERS
    assert not (folder / "consolidated.safetensors").exists()


def test_a_second_fetch_asks_for_nothing(hub: StandIn, folder: Path) -> None:
    bring(folder)
    hub.ranges.clear()

    assert bring(folder) == []
    assert hub.ranges == []


def test_what_progress_raises_stops_it_and_the_next_call_goes_on(
    hub: StandIn, folder: Path
) -> None:
    grow(hub.folder)

    def stop_in_the_middle(done_bytes: int, total_bytes: int) -> None:
        if done_bytes > total_bytes / 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fetch("owner/tiny", COMMIT, folder, progress=stop_in_the_middle)
    assert not folder.exists()
    hub.ranges.clear()
    bring(folder)

    (name, asked), *rest = hub.ranges
    assert (name, rest) == ("model.safetensors", [])
    assert asked is not None
    assert int(asked.removeprefix("bytes=").rstrip("-")) > 1_000_000
    assert (folder / name).read_bytes() == (hub.folder / name).read_bytes()


def test_killed_in_the_middle_it_goes_on_where_it_was(hub: StandIn, folder: Path) -> None:
    grow(hub.folder)
    hub.stall_at = 20_000_000
    code = (
        "import sys; from pathlib import Path; from studio.models.fetch import fetch\n"
        "fetch('owner/tiny', sys.argv[1], Path(sys.argv[2]), progress=lambda *_: None)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, COMMIT, str(folder)])
    part = folder.with_name(f".{folder.name}.fetching") / "model.safetensors.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 1_000_000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    arrived_bytes = part.stat().st_size
    hub.stall_at = None
    hub.ranges.clear()
    bring(folder)

    assert hub.ranges == [("model.safetensors", f"bytes={arrived_bytes}-")]
    assert (folder / "model.safetensors").read_bytes() == (
        hub.folder / "model.safetensors"
    ).read_bytes()


def test_damaged_on_the_way_it_is_deleted_and_named(hub: StandIn, folder: Path) -> None:
    hub.damaged = True
    with pytest.raises(ModelProblem, match="arrived damaged"):
        bring(folder)
    assert not folder.exists()
    hub.damaged = False
    bring(folder)

    assert describe(folder).parameters == PARAMETERS


def test_offline_the_words_say_what_is_kept_and_what_else_there_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(ModelProblem, match=r"cannot be reached.*offline.*launch\.py models") as e:
        bring(folder)
    assert e.value.code == "offline"
    assert not folder.exists()


def test_the_library_s_own_switch_to_offline_is_named(folder: Path) -> None:
    code = (
        "from studio.errors import ModelProblem; from studio.models.fetch import resolve_revision\n"
        "try: resolve_revision('owner/tiny')\n"
        "except ModelProblem as problem: print(problem.code, problem.words)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert answer.stdout.startswith("offline ")
    assert "HF_HUB_OFFLINE" in answer.stdout


def test_a_model_that_is_not_there_is_named(hub: StandIn, folder: Path) -> None:
    with pytest.raises(ModelProblem, match="no model 'owner/other'") as problem:
        bring(folder, repo_id="owner/other")
    assert problem.value.code == "not_found"


def test_a_revision_that_is_not_there_is_named(hub: StandIn) -> None:
    with pytest.raises(ModelProblem, match="not the revision"):
        resolve_revision("owner/tiny", "no-such-branch")


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_says_how_to_get_in(hub: StandIn, status: int) -> None:
    hub.refusal = (status, "GatedRepo")

    with pytest.raises(ModelProblem, match=r"is gated.*hf auth login.*HF_TOKEN") as problem:
        resolve_revision("owner/tiny")
    assert problem.value.code == "gated"


def test_a_model_whose_files_alone_are_gated_says_so_too(hub: StandIn, folder: Path) -> None:
    hub.gated_files = True

    with pytest.raises(ModelProblem, match="is gated"):
        bring(folder)


def test_a_token_of_the_library_s_own_is_never_in_the_words(
    hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_only_for_this_test")
    hub.refusal = (401, "GatedRepo")

    with pytest.raises(ModelProblem) as problem:
        resolve_revision("owner/tiny")
    assert "hf_only" not in str(problem.value.as_json())


def test_a_hub_in_trouble_is_named_with_its_status(hub: StandIn) -> None:
    hub.refusal = (500, "")

    with pytest.raises(ModelProblem, match=r"error \(500\)"):
        resolve_revision("owner/tiny")


def test_pickles_only_are_refused_before_anything_large_comes(hub: StandIn, folder: Path) -> None:
    (hub.folder / "model.safetensors").rename(hub.folder / "pytorch_model.bin")

    with pytest.raises(ModelProblem, match=r"only as 'pytorch_model\.bin'.*refused"):
        bring(folder)
    assert hub.ranges == []


def test_an_adapter_is_no_base_model(hub: StandIn, folder: Path) -> None:
    (hub.folder / "config.json").rename(hub.folder / "adapter_config.json")

    with pytest.raises(ModelProblem, match="holds an adapter"):
        bring(folder)


def test_an_index_that_names_a_missing_shard_is_refused(
    hub: StandIn, folder: Path, tmp_path: Path
) -> None:
    hub.folder = make_sharded_folder(tmp_path / "sharded")
    (hub.folder / "model-00002-of-00002.safetensors").unlink()

    with pytest.raises(ModelProblem, match=r"its file .* is missing"):
        bring(folder)


def test_a_disk_too_small_is_named_before_anything_large_comes(
    hub: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("usage", (), {"free": 100, "total": 1000, "used": 900})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)

    with pytest.raises(ModelProblem, match=r"disk is full.*--home") as problem:
        bring(folder)
    assert problem.value.code == "disk_full"
    assert hub.ranges == []


def test_a_disk_that_fills_up_meanwhile_is_named(
    hub: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(done_bytes: int, total_bytes: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ModelProblem, match="disk is full") as problem:
        fetch("owner/tiny", COMMIT, folder, progress=full)
    assert problem.value.code == "disk_full"


@pytest.mark.parametrize("repo_id", ["owner/name/more", "owner/..name", "a" * 200])
def test_what_can_be_no_id_is_refused(hub: StandIn, repo_id: str) -> None:
    with pytest.raises(ModelProblem, match="cannot be an id"):
        resolve_revision(repo_id)
