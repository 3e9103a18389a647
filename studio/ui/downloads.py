"""Downloads: an export's folder as one zip, made while it is sent, so that it never lies twice on disk."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from jobs.errors import QueueError
from jobs.models import Job, JobState
from studio.errors import StudioError
from studio.ui.backstage import Backstage

PIECE_BYTES = 1 << 20


def asgi(backstage: Backstage) -> Starlette:
    """`/<job>.zip`: the folder that an export job wrote."""

    def send(request: Request) -> Response:
        try:
            job = backstage.orders.queue.store.job(request.path_params["job"])
            folder = exported_folder(job)
        except (StudioError, QueueError) as error:
            return PlainTextResponse(error.words, 404)
        name = quote(file_name(job))
        return StreamingResponse(
            zipped(folder),
            media_type="application/zip",
            headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
        )

    return Starlette(routes=[Route("/{job:int}.zip", send)])


def address(job_id: int) -> str:
    """Where a page links to."""
    return f"/whetstone/downloads/{job_id}.zip"


def exported_folder(job: Job) -> Path:
    """The folder that an export job wrote. Raises StudioError when there is none."""
    path = (job.result or {}).get("path")
    if job.task != "export" or job.state is not JobState.SUCCEEDED or not path:
        raise StudioError(f"Job {job.id} has no export to download.", code="no_export")
    if not Path(path).is_dir():
        raise StudioError(
            f"The export is no longer at {path}. Was it moved or deleted? Export it again.",
            code="no_export",
        )
    return Path(path)


def file_name(job: Job) -> str:
    """A file name from the export's name: letters, digits, `-`, `_` and `.`."""
    plain = re.sub(r"[^\w.-]+", "-", job.name or f"export-{job.id}").strip("-.")
    return f"{plain or f'export-{job.id}'}.zip"


def zipped(folder: Path) -> Iterator[bytes]:
    """The folder's files as the bytes of a zip, uncompressed: weights do not compress."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo.from_file(
                path, str(path.relative_to(folder)), strict_timestamps=False
            )
            with open(path, "rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while piece := source.read(PIECE_BYTES):
                    target.write(piece)
                    yield sink.drain()
    yield sink.drain()


class _Sink:
    """What a ZipFile writes to: it cannot seek, and gives away what was written so far."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)

    def close(self) -> None:
        """There is nothing to close."""

    def flush(self) -> None:
        """Nothing is kept back."""

    def drain(self) -> bytes:
        taken = b"".join(self.pieces)
        self.pieces.clear()
        return taken
