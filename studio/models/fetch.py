"""A model of the Hugging Face Hub comes into the data home: whole, checked, resumable after any end.

huggingface_hub asks, signs in and streams. Its own downloads begin a file anew after a kill
(since 2.x each process has a temporary file of its own), so where a file stood is kept here.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from filelock import FileLock
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, but not in __all__
    build_hf_headers,
    disable_progress_bars,
)

from jobs.durable import sync_folder, sync_tree
from studio.errors import ModelProblem
from studio.models.describe import describe
from studio.models.origin import Origin, read_origin
from studio.models.safetensors_header import INDEX_NAME, SINGLE_NAME, names_in_index

Progress = Callable[[int, int], None]

_ANSWER_TIMEOUT_S = 20.0
# Beside the weights: settings, tokenizer, template, the model's card and licence. No code.
_SUFFIXES = (".json", ".txt", ".model", ".jinja")
_NAMES = ("README.md", "LICENSE", "LICENSE.md", "LICENCE", "NOTICE", "USE_POLICY.md")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")


@dataclass(frozen=True)
class HubFile:
    """A file as the Hub lists it: `sha256` for large files, git's `blob_id` for all."""

    name: str
    bytes: int
    sha256: str | None
    blob_id: str | None


def resolve_revision(repo_id: str, revision: str | None = None) -> str:
    """The commit that a branch, tag or None (the main branch) stands for now. Raises ModelProblem."""
    with explained(repo_id):
        info = api().model_info(repo_id, revision=revision, timeout=_ANSWER_TIMEOUT_S)
    if not info.sha:
        raise ModelProblem(f"The Hub names no commit for '{repo_id}', so it cannot be pinned.")
    return info.sha


def fetch(repo_id: str, revision: str, folder: Path, *, progress: Progress) -> None:
    """Download `repo_id` at commit `revision` as `folder`, which appears only when complete.

    `progress(done_bytes, total_bytes)` is called as bytes arrive; what it raises stops the
    download, which a later call resumes. Raises ModelProblem in plain words.
    """
    disable_progress_bars()
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.with_name(f".{folder.name}.fetching")
    with FileLock(folder.parent / f".{folder.name}.lock"), explained(repo_id, folder.parent):
        if read_origin(folder) is not None:
            return
        staging.mkdir(exist_ok=True)
        licence = _download(repo_id, revision, staging, progress)
        Origin(repo_id, repo_id, revision, licence).write(staging)
        describe(staging)
        sync_tree(staging)
        os.rename(staging, folder)
        sync_folder(folder.parent)


def _download(repo_id: str, revision: str, staging: Path, progress: Progress) -> str | None:
    """Fill `staging`; returns the licence that the model's card names."""
    info = api().model_info(
        repo_id, revision=revision, files_metadata=True, timeout=_ANSWER_TIMEOUT_S
    )
    listing = {
        file.rfilename: HubFile(
            file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else None, file.blob_id
        )
        for file in info.siblings or ()
        if Path(file.rfilename).name == file.rfilename and not file.rfilename.startswith(".")
    }
    source = Repository(repo_id, revision, staging)
    wanted = _small_files(listing) + _weight_files(repo_id, listing, source)
    expect_room(wanted, staging)
    bring_all(source, wanted, progress)
    return info.card_data.get("license") if info.card_data else None


def bring_all(source: Repository, wanted: list[HubFile], progress: Progress) -> None:
    """Have all files in the staging folder; `progress` as in `fetch`."""
    total_bytes = sum(file.bytes for file in wanted)
    done_bytes = 0

    def grown(file_bytes: int) -> None:
        progress(done_bytes + file_bytes, total_bytes)

    for file in wanted:
        source.bring(file, grown)
        done_bytes += file.bytes
        progress(done_bytes, total_bytes)


def _small_files(listing: dict[str, HubFile]) -> list[HubFile]:
    return [
        file
        for name, file in sorted(listing.items())
        if name in _NAMES or (name.endswith(_SUFFIXES) and not name.endswith(".bin.index.json"))
    ]


def _weight_files(repo_id: str, listing: dict[str, HubFile], source: Repository) -> list[HubFile]:
    """The safetensors of one copy of the model; its index, if it has one, is brought first."""
    if "config.json" not in listing:
        what = "an adapter" if "adapter_config.json" in listing else "no model that can be trained"
        raise ModelProblem(
            f"'{repo_id}' holds {what}: there is no config.json. Choose the model it was made from."
        )
    if SINGLE_NAME in listing:
        return [listing[SINGLE_NAME]]
    if INDEX_NAME in listing:
        source.bring(listing[INDEX_NAME], lambda _: None)
        names = names_in_index(source.staging / INDEX_NAME)
        missing = [name for name in names if name not in listing]
        if missing:
            raise ModelProblem(f"'{repo_id}' is incomplete: its file '{missing[0]}' is missing.")
        return [listing[name] for name in names]
    found = [file for name, file in sorted(listing.items()) if name.endswith(".safetensors")]
    if not found:
        raise ModelProblem(_no_safetensors(repo_id, listing))
    return found


@dataclass(frozen=True)
class Repository:
    """One commit of one repository of a kind (`model`, `dataset`), and where its files are brought."""

    repo_id: str
    revision: str
    staging: Path
    kind: str = "model"

    def bring(self, file: HubFile, grown: Callable[[int], None]) -> None:
        """Have `file` in the staging folder, checked; `grown(bytes)` tells how far it is."""
        target = self.staging / file.name
        if target.is_file() and target.stat().st_size == file.bytes:
            return  # it got its name only after it had been checked
        part = target.with_name(f"{target.name}.part")
        here = part.stat().st_size if part.exists() else 0
        if here > file.bytes:
            part.unlink()
            here = 0
        grown(here)
        with _Growing(part, grown) as stream:
            http_get(
                hf_hub_url(
                    self.repo_id,
                    file.name,
                    repo_type=self.kind,
                    revision=self.revision,
                    endpoint=_endpoint(),
                ),
                stream,
                resume_size=here,
                headers=build_hf_headers(),
                expected_size=file.bytes,
            )
        if not _is_what_was_listed(part, file):
            part.unlink()
            raise ModelProblem(
                f"'{file.name}' of '{self.repo_id}' arrived damaged and was deleted. Start the "
                "download again: the files before it are kept."
            )
        os.replace(part, target)


class _Growing(io.BufferedWriter):
    """A file opened for appending that tells its size after each piece written."""

    def __init__(self, path: Path, grown: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._grown = grown

    def write(self, piece: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]
        written = super().write(piece)
        self._grown(self.tell())
        return written


def _is_what_was_listed(path: Path, file: HubFile) -> bool:
    """Whether size and hash are those that the Hub lists (SHA-256, or git's blob id)."""
    if path.stat().st_size != file.bytes:
        return False
    with open(path, "rb") as stream:
        if file.sha256:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
        if file.blob_id:
            head = f"blob {file.bytes}\0".encode()
            return hashlib.sha1(head + stream.read()).hexdigest() == file.blob_id
    return True


def expect_room(wanted: list[HubFile], staging: Path) -> None:
    """Raise ModelProblem when what is still to come does not fit on the disk."""
    here = sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())
    needed = sum(file.bytes for file in wanted) - here
    free = shutil.disk_usage(staging).free
    if needed > free:
        raise ModelProblem(_disk_full(staging.parent, needed, free), code="disk_full")


@contextmanager
def explained(repo_id: str, place: Path | None = None, kind: str = "model") -> Iterator[None]:
    """The library's errors in words that say what to do. Raises ModelProblem."""
    try:
        yield
    except GatedRepoError as error:
        raise ModelProblem(
            f"'{repo_id}' is gated: its makers let in only who asked. Accept the terms on its page "
            f"({_endpoint()}/{repo_id}), make a read token there, sign in once with "
            "'hf auth login' (or set HF_TOKEN), then try again.",
            code="gated",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelProblem(
            f"The Hub has no {kind} '{repo_id}' that you may see. Check the spelling; a private one "
            "needs 'hf auth login' first.",
            code="not_found",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelProblem(
            f"'{repo_id}' is on the Hub, but not the revision asked for. Leave it out to take the "
            "newest.",
            code="not_found",
        ) from error
    except HFValidationError as error:
        raise ModelProblem(f"'{repo_id}' cannot be an id of the Hub: {error}") from error
    except (OfflineModeIsEnabled, httpx2.TransportError) as error:
        raise ModelProblem(_offline(repo_id, error, kind), code="offline") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise ModelProblem(
            f"The Hub answered with an error ({status}) when asked for '{repo_id}'. "
            "Try again later: what was fetched is kept.",
            code="hub",
        ) from error
    except OSError as error:
        if error.errno != errno.ENOSPC or place is None:
            raise
        free = shutil.disk_usage(place).free
        raise ModelProblem(_disk_full(place, None, free), code="disk_full") from error


def _offline(repo_id: str, error: Exception, kind: str) -> str:
    others = "a model that is here: python launch.py models" if kind == "model" else "a file"
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"'{repo_id}' is not in the data folder, and HF_HUB_OFFLINE forbids asking the Hub. "
            f"Unset it, or choose {others}."
        )
    return (
        f"'{repo_id}' is not in the data folder, and {_endpoint()} cannot be reached: this machine "
        f"seems to be offline. Connect it and try again (what was fetched is kept), or choose {others}."
    )


def _no_safetensors(repo_id: str, listing: dict[str, HubFile]) -> str:
    pickle = next((name for name in sorted(listing) if name.endswith(_PICKLES)), None)
    if pickle is None:
        return f"'{repo_id}' holds no .safetensors weights. Choose a copy of the model that does."
    return (
        f"'{repo_id}' has its weights only as '{pickle}', a format that can run any code when it "
        "is opened, so it is refused. Look on the Hub for a copy with .safetensors files (often in "
        "a branch named 'refs/pr/…')."
    )


def _disk_full(place: Path, needed_bytes: int | None, free_bytes: int) -> str:
    wanted = f"{needed_bytes / 1e9:.2f} GB are still to come, " if needed_bytes else ""
    return (
        f"The disk is full: {wanted}{free_bytes / 1e9:.2f} GB are free in {place}. Make room and "
        "start again (what was fetched is kept), or choose another data folder with --home DIR."
    )


def api() -> HfApi:
    """The library's way to ask the Hub."""
    return HfApi(endpoint=_endpoint())


def _endpoint() -> str:
    """The Hub's address; read anew each time, where the library reads it once at import."""
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def main(arguments: list[str]) -> None:
    """For `asking`: print the commit of REPO_ID [REVISION], or the problem, as one JSON document."""
    try:
        said = {"commit": resolve_revision(*arguments)}
    except ModelProblem as problem:
        said = {"code": problem.code, "words": problem.words}
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
