"""A dataset of the Hugging Face Hub comes into the data home: its data files only, whole, checked, resumable.

`hub:owner/name` names one, `hub:owner/name@revision` one at a branch, tag or commit. No program that
lies beside the data is ever run: what is not a plain table or text stays on the Hub.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock

from jobs import programs
from jobs.durable import sync_folder, sync_tree
from studio.errors import DataProblem, ModelProblem
from studio.library.leftovers import remove_unless_in_use
from studio.models.fetch import HubFile, Repository, api, bring_all, expect_room, explained
from studio.models.origin import Origin, read_origin
from studio.settings import Home

PREFIX = "hub:"
Progress = Callable[[int, int], None]

_PROGRAM = "studio.library.hub"
_ANSWER_TIMEOUT_S = 20.0
ENDINGS = (".parquet", ".arrow", ".csv", ".tsv", ".jsonl", ".ndjson", ".json")
_NO_DATA = {"dataset_infos.json", "dataset_info.json", "state.json", "config.json"}
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubDataset:
    """A dataset as it was asked for; without a revision the newest, or the copy that is here."""

    repo_id: str
    revision: str | None = None

    def folder(self, home: Home, commit: str) -> Path:
        """Where the files of a commit lie once they are here."""
        return home.datasets / f"hub--{self.repo_id.replace('/', '--')}--{commit}"

    def copy(self, home: Home) -> Path | None:
        """The newest whole copy in the data home; None where there is none."""
        if self.revision is not None and not _COMMIT.fullmatch(self.revision):
            return None  # a branch or tag: only the Hub knows where it points now
        pattern = self.folder(home, self.revision or "*").name
        found = [each for each in home.datasets.glob(pattern) if read_origin(each) is not None]
        return max(found, key=lambda each: each.stat().st_mtime, default=None)


def dataset_named(path: str) -> HubDataset | None:
    """What `hub:owner/name` asks for; None where `path` is a path. Raises DataProblem for a wrong name."""
    if not path.startswith(PREFIX):
        return None
    name = _NAME.fullmatch(path.removeprefix(PREFIX).strip())
    if name is None:
        raise DataProblem(
            f"'{path}' names no dataset of the Hub. Write it as {PREFIX}owner/name, as on the "
            "dataset's page."
        )
    return HubDataset(name[1], name[2])


def place_of(path: str, home: Home) -> Path:
    """The file or folder that `path` stands for: of a dataset of the Hub, the copy that is here.

    Raises DataProblem (code `not_fetched`) where none is.
    """
    wanted = dataset_named(path)
    if wanted is None:
        return Path(path).expanduser().absolute()
    copy = wanted.copy(home)
    if copy is None:
        raise DataProblem(
            f"The dataset '{wanted.repo_id}' is not in the data folder yet. Fetch it on the page, or "
            f"with: python launch.py data {path}",
            code="not_fetched",
        )
    return copy


def bring(path: str, home: Home, progress: Progress = lambda done, total: None) -> str:
    """Have a dataset of the Hub in the data home; gives its name with the commit. Other paths stay.

    Done by a process of its own, as pages ask nothing off this machine themselves. What `progress`
    raises ends it; what has arrived is kept, and a later call goes on from there. Raises DataProblem.
    """
    wanted = dataset_named(path)
    if wanted is None:
        return path
    copy = wanted.copy(home)
    if copy is None:
        copy = _asked(path, home, progress)
    origin = read_origin(copy)
    return f"{PREFIX}{wanted.repo_id}@{origin.revision}" if origin else path


def _asked(path: str, home: Home, progress: Progress) -> Path:
    command = programs.command(_PROGRAM, path, str(home.folder))
    with subprocess.Popen(
        command,
        env=programs.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            said = {}
            for line in process.stdout:
                said = json.loads(line)
                if "total" in said:
                    progress(said["done"], said["total"])
            if "folder" in said:
                return Path(said["folder"])
            words = said.get("words") or f"It ended early: {process.stderr.read().strip()[-300:]}"
            raise DataProblem(words, code=said.get("code", "hub"))
        finally:
            process.kill()


def fetch(wanted: HubDataset, home: Home, progress: Progress) -> Path:
    """Download the data files of a dataset; the folder appears only when all are there.

    Raises DataProblem in plain words.
    """
    try:
        with explained(wanted.repo_id, home.datasets, "dataset"):
            info = api().dataset_info(
                wanted.repo_id,
                revision=wanted.revision,
                files_metadata=True,
                timeout=_ANSWER_TIMEOUT_S,
            )
            files = [
                HubFile(
                    each.rfilename,
                    each.size or 0,
                    each.lfs.sha256 if each.lfs else None,
                    each.blob_id,
                )
                for each in info.siblings or ()
                if _is_data(each.rfilename)
            ]
            if not files or not info.sha:
                raise DataProblem(_nothing(wanted.repo_id, len(info.siblings or ())))
            licence = info.card_data.get("license") if info.card_data else None
            origin = Origin(wanted.repo_id, wanted.repo_id, info.sha, licence and str(licence))
            return _brought(wanted, origin, files, home, progress)
    except ModelProblem as problem:
        raise DataProblem(problem.words, code=problem.code) from problem


def _brought(
    wanted: HubDataset, origin: Origin, files: list[HubFile], home: Home, progress: Progress
) -> Path:
    folder = wanted.folder(home, origin.revision)
    staging = folder.with_name(f".{folder.name}.fetching")
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if read_origin(folder) is None:
            staging.mkdir(parents=True, exist_ok=True)
            for file in files:
                (staging / file.name).parent.mkdir(parents=True, exist_ok=True)
            expect_room(files, staging)
            repository = Repository(wanted.repo_id, origin.revision, staging, "dataset")
            bring_all(repository, files, progress)
            origin.write(staging)
            sync_tree(staging)
            staging.rename(folder)
            sync_folder(folder.parent)
            _give_up_others(wanted, staging)
    return folder


def _give_up_others(wanted: HubDataset, staging: Path) -> None:
    """Remove what was begun of other commits of this dataset: the branch has moved on since."""
    name = f".hub--{wanted.repo_id.replace('/', '--')}--"
    for other in staging.parent.glob(f"{name}*.fetching"):
        if _COMMIT.fullmatch(other.name.removeprefix(name).removesuffix(".fetching")):
            remove_unless_in_use(other)


def _is_data(name: str) -> bool:
    """A plain table or text below the repository's folder; nothing that leads out of it."""
    path = PurePosixPath(name)
    return (
        path.suffix.lower() in ENDINGS
        and path.name not in _NO_DATA
        and not path.is_absolute()
        and not any(part.startswith(".") for part in path.parts)
        and "\\" not in name
    )


def _nothing(repo_id: str, count: int) -> str:
    return (
        f"'{repo_id}' holds no table that can be read ({count:,} files, none of them "
        f"{', '.join(ENDINGS)}). A dataset that is made by a program is not fetched: no program of "
        "others is run here. Look for a copy in Parquet (often in the branch 'refs/convert/parquet': "
        f"{PREFIX}{repo_id}@refs/convert/parquet)."
    )


def main(path: str, home: str) -> None:
    """For `bring`: lines of JSON that tell how far it is, at last the folder or the problem."""

    def say(**said: object) -> None:
        print(json.dumps(said), flush=True)

    try:
        wanted = dataset_named(path)
        assert wanted is not None
        folder = fetch(wanted, Home(Path(home)), lambda done, total: say(done=done, total=total))
        say(folder=str(folder))
    except DataProblem as problem:
        say(code=problem.code, words=problem.words)


if __name__ == "__main__":
    main(*sys.argv[1:])
