"""The library: datasets are kept once, whole and unchanged; drafts are found again."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jobs.database import Database
from jobs.errors import StoreBusy
from studio.data.readers import open_source
from studio.data.table import Source
from studio.errors import AskedWrongly, DataProblem
from studio.library import Library
from studio.settings import Home

CSV = "question,answer\nWhere?,Here\nWhen?,Now\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def library(home: Home) -> Library:
    seconds = itertools.count(1_000)
    return Library(home, clock=lambda: float(next(seconds)))


def source(folder: Path, content: str = CSV, name: str = "rows.csv") -> Source:
    path = folder / name
    path.write_text(content)
    return open_source(path)


def test_a_dataset_is_kept_under_its_hash_and_opened_again(
    library: Library, home: Home, tmp_path: Path
) -> None:
    kept = library.keep(source(tmp_path), "Shop")
    assert (kept.name, kept.rows, kept.columns) == ("Shop", 2, ("question", "answer"))
    assert kept.folder == home.datasets / kept.hash
    assert kept.bytes > 0
    assert list(library.open(kept.hash))[1] == {"question": "When?", "answer": "Now"}


def test_the_source_file_may_change_or_go_after_it_was_kept(
    library: Library, tmp_path: Path
) -> None:
    kept = library.keep(source(tmp_path))
    kept.source_file.write_text("something else")
    assert next(iter(library.open(kept.hash)))["answer"] == "Here"
    kept.source_file.unlink()
    assert len(library.open(kept.hash)) == 2


def test_the_same_content_is_kept_once_whatever_kind_of_file_it_came_from(
    library: Library, home: Home, tmp_path: Path
) -> None:
    first = library.keep(source(tmp_path))
    lines = "\n".join(map(json.dumps, (record.row for record in source(tmp_path).records())))
    for same in [
        source(tmp_path, CSV.replace(",", ";"), "other.csv"),
        source(tmp_path, lines, "rows.jsonl"),
    ]:
        assert library.keep(same) == first
    assert os.listdir(home.datasets) == [first.hash]


def test_datasets_are_listed_newest_first(library: Library, tmp_path: Path) -> None:
    old = library.keep(source(tmp_path))
    new = library.keep(source(tmp_path, CSV + "Why?,So\n"))
    assert library.datasets() == [new, old]


def test_a_second_library_sees_what_the_first_kept(
    library: Library, home: Home, tmp_path: Path
) -> None:
    kept = library.keep(source(tmp_path))
    assert Library(home).dataset(kept.hash) == kept


def test_an_unknown_dataset_is_told(library: Library) -> None:
    for asked in (library.dataset, library.open):
        with pytest.raises(DataProblem, match="Choose its data file again") as caught:
            asked("0" * 64)
        assert caught.value.code == "dataset_missing"


def test_a_dataset_changed_on_disk_is_refused_and_kept_anew(
    library: Library, tmp_path: Path
) -> None:
    kept = library.keep(source(tmp_path))
    data = kept.folder / "data-00000-of-00001.arrow"
    data.write_bytes(data.read_bytes().replace(b"Here", b"Gone"))
    with pytest.raises(DataProblem, match="was changed on disk"):
        library.open(kept.hash)
    assert library.keep(source(tmp_path)) == kept
    assert next(iter(library.open(kept.hash)))["answer"] == "Here"


def test_a_dataset_whose_record_was_lost_is_recorded_again(
    library: Library, home: Home, tmp_path: Path
) -> None:
    kept = library.keep(source(tmp_path))
    home.database.unlink()
    assert Library(home).keep(source(tmp_path)).hash == kept.hash


def test_several_keep_the_same_rows_at_once(home: Home, tmp_path: Path) -> None:
    rows = source(tmp_path)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(Library(home).keep(rows).hash))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert os.listdir(home.datasets) == [*set(found)]


FULL_DISK = """
import resource, sys
from pathlib import Path
from studio.data.readers import open_source
from studio.errors import StudioError
from studio.library import Library
from studio.settings import Home

library = Library(Home(Path(sys.argv[1])))
rows = open_source(Path(sys.argv[2]))
# No file may grow beyond this: to the program it is as if the disk were full.
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
try:
    library.keep(rows)
except StudioError as error:
    print(error.code, error.words)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for a file's size")
def test_a_full_disk_is_told_and_leaves_nothing_behind(
    library: Library, home: Home, tmp_path: Path
) -> None:
    path = source(tmp_path, CSV + f"{'x' * 1_000},y\n" * 1_000).path
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, home.folder, path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("disk_full There is no room left in")
    assert os.listdir(home.datasets) == []
    assert library.datasets() == []


def small_disk(folder: Path) -> None:
    """A file system of 1 MB at `folder`, where this user may mount one."""
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=1m", "whetstone-test", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is Linux's")
def test_a_really_full_disk_is_told_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "small")
    small_disk(home.folder)
    try:
        library = Library(home)
        with pytest.raises(Exception, match="no room left") as caught:
            library.keep(source(tmp_path, CSV + f"{'x' * 1_000},y\n" * 2_000))
        assert caught.value.code == "disk_full"  # type: ignore[attr-defined]
        assert os.listdir(home.datasets) == []
        library.close()
    finally:
        subprocess.run(["umount", home.folder], check=True)


def test_a_home_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AskedWrongly, match="cannot be written to"):
        Library(Home(tmp_path / "file" / "home"))


def test_a_draft_is_found_again_and_replaced(library: Library, home: Home) -> None:
    library.save_draft("a", {"step": 1})
    library.save_draft("b", {"step": 1})
    library.save_draft("a", {"step": 2, "name": "Köln"})
    latest = Library(home).latest_draft()
    assert latest is not None
    assert (latest.id, latest.value) == ("a", {"step": 2, "name": "Köln"})
    assert library.draft("b") is not None


def test_a_dropped_draft_is_gone(library: Library) -> None:
    library.save_draft("a", {"step": 1})
    library.drop_draft("a")
    library.drop_draft("never was")
    assert library.draft("a") is None
    assert library.latest_draft() is None


def test_a_locked_database_is_told_after_the_patience(library: Library, home: Home) -> None:
    impatient = Library(home, patience_s=0.05)
    with Database(home.database).writing(), pytest.raises(StoreBusy, match="busy"):
        impatient.save_draft("a", {})
    assert impatient.save_draft("a", {}).value == {}


def test_a_file_is_read_once_and_again_when_it_changed(library: Library, tmp_path: Path) -> None:
    path = source(tmp_path, CSV.replace(",", ";")).path
    first = library.import_file(path)
    again = library.imported(path)
    assert again is not None
    assert again.dataset == first.dataset
    assert again.table.notes == first.table.notes == ("The columns are separated by semicolons.",)
    assert list(again.table.lines) == [2, 3]
    path.write_text(CSV + "Why?,So\n")
    assert library.imported(path) is None
    assert len(library.import_file(path).table.rows) == 3


def test_a_licence_is_written_down(library: Library, tmp_path: Path) -> None:
    kept = library.keep(source(tmp_path))
    assert kept.licence == ""
    library.set_licence(kept.hash, "CC-BY-4.0")
    assert library.dataset(kept.hash).licence == "CC-BY-4.0"
