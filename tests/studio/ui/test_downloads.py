"""Downloads: an export's folder as a zip that is made while it is sent."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from jobs.models import Job, JobState
from jobs.store import Store
from studio.errors import StudioError
from studio.settings import Home
from studio.ui import downloads
from studio.ui.backstage import Backstage


def export_to(folder: Path, tmp_path: Path) -> Job:
    """A finished export job that wrote to the folder."""
    job = Store(tmp_path / "queue.db").enqueue("export", {}, name="Tone / größe: adapter")
    return dataclasses.replace(job, state=JobState.SUCCEEDED, result={"path": str(folder)})


def test_the_zip_holds_the_folder_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 9000)
    (folder / "deep" / "note.txt").write_text("ä")

    archive = zipfile.ZipFile(io.BytesIO(b"".join(downloads.zipped(folder))))

    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "model.safetensors": bytes(range(256)) * 9000,
        "deep/note.txt": "ä".encode(),
    }


def test_a_large_folder_is_sent_in_pieces_and_never_held_whole(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(5 * downloads.PIECE_BYTES))

    assert max(map(len, downloads.zipped(tmp_path))) < 2 * downloads.PIECE_BYTES


def test_the_files_name_is_the_exports(tmp_path: Path) -> None:
    assert downloads.file_name(export_to(tmp_path, tmp_path)) == "Tone-größe-adapter.zip"


def test_only_what_an_export_job_wrote_can_be_downloaded(tmp_path: Path) -> None:
    job = export_to(tmp_path, tmp_path)

    assert downloads.exported_folder(job) == tmp_path
    for other in (
        dataclasses.replace(job, task="train"),
        dataclasses.replace(job, state=JobState.FAILED),
        dataclasses.replace(job, result=None),
        export_to(tmp_path / "gone", tmp_path),
    ):
        with pytest.raises(StudioError):
            downloads.exported_folder(other)


def test_a_job_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    client = TestClient(downloads.asgi(Backstage(Home(tmp_path / "home").prepare())))

    reply = client.get("/7.zip")

    assert reply.status_code == 404
    assert "There is no job 7" in reply.text
