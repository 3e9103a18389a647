"""Where the studio keeps its data: the data home and the places within it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from studio.errors import AskedWrongly

APP_NAME = "Whetstone"
ASSETS = Path(__file__).resolve().parent.parent / "assets"


@dataclass(frozen=True)
class Home:
    """The data home: `--home DIR`, else `STUDIO_HOME`, else the platform's user data folder."""

    folder: Path

    @classmethod
    def find(cls, option: str | os.PathLike[str] | None = None) -> Home:
        """The home that an option, the environment or the platform names; nothing is created."""
        chosen = option or os.environ.get("STUDIO_HOME")
        folder = Path(chosen) if chosen else platformdirs.user_data_path(APP_NAME, appauthor=False)
        return cls(folder.expanduser().absolute())

    @classmethod
    def of_run(cls, run_folder: Path) -> Home:
        """The home that the folder of a run lies in."""
        return cls(run_folder.parent.parent)

    def prepare(self) -> Home:
        """Create the folders. Raises AskedWrongly when the place cannot be written to."""
        try:
            for place in (self.models, self.datasets, self.runs, self.exports, self.tmp):
                place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.tmp):
                pass
        except OSError as error:
            raise AskedWrongly(
                f"The data folder {self.folder} cannot be written to ({error.strerror or error}). "
                "Choose another with --home DIR or the variable STUDIO_HOME, or make it writable.",
                code="home",
            ) from error
        return self

    @property
    def database(self) -> Path:
        """The one SQLite file: queue and records."""
        return self.folder / "studio.db"

    @property
    def models(self) -> Path:
        """Base models that were fetched or converted."""
        return self.folder / "models"

    @property
    def datasets(self) -> Path:
        """Kept datasets, one folder each, named by content hash."""
        return self.folder / "datasets"

    @property
    def runs(self) -> Path:
        """One folder a job, named by its number."""
        return self.folder / "runs"

    @property
    def adapters(self) -> Path:
        """Adapters that later trainings go on from, each named by what its files are."""
        return self.folder / "adapters"

    def adapter(self, revision: str) -> Path:
        """The kept adapter whose files have this fingerprint."""
        return self.adapters / revision[:16]

    @property
    def encodings(self) -> Path:
        """Rows that were tokenised once; may be emptied when nothing runs."""
        return self.folder / "encodings"

    @property
    def exports(self) -> Path:
        """Exports made from the page."""
        return self.folder / "exports"

    @property
    def tmp(self) -> Path:
        """Uploads and scratch files; may be emptied when nothing runs."""
        return self.folder / "tmp"

    def run(self, job_id: int) -> Path:
        """The folder of one job: `spec.json log.txt metrics.jsonl checkpoints/ adapter/ report/`."""
        return self.runs / str(job_id)
