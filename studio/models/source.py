"""From a spec's `model.source` to the folder that a trainer loads, or the job that makes it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from studio.errors import ModelProblem, did_you_mean
from studio.models import starter
from studio.models.asking import ask_for_commit
from studio.models.describe import describe
from studio.models.fingerprints import fingerprint_file, fingerprint_folder
from studio.models.gguf_header import read_gguf_header
from studio.models.origin import Origin, read_origin
from studio.settings import Home

Preparation = Literal["convert", "fetch"]

# Part of a converted folder's name: raise it when convert.py writes something else than before.
_CONVERSION = 1
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ResolvedModel:
    """A source pinned to one revision.

    `folder` holds the model; it is None while a job named by `task` must first make `target` (out
    of `gguf`, or from the Hub).
    """

    source: str
    revision: str
    folder: Path | None
    task: Preparation | None
    title: str
    licence: str | None
    target: Path
    gguf: Path | None = None

    @property
    def origin(self) -> Origin:
        """What the prepared folder says about itself."""
        return Origin(self.title, self.source, self.revision, self.licence)


def resolve(source: str, revision: str | None, home: Home) -> ResolvedModel:
    """Find out which model `source` means, right now or at the frozen `revision`.

    `source` is `starter`, a folder, a .gguf file or a Hub id. Raises ModelProblem when there is no
    such model, when it was changed since `revision` was frozen, and when the Hub must be asked
    but cannot be reached.
    """
    if source == starter.SOURCE:
        found = _resolve_starter(home)
    elif _is_hub_id(source):
        return _resolve_hub_id(source, revision, home)
    else:
        found = _resolve_path(source, home)
    if revision is not None and revision != found.revision:
        raise ModelProblem(
            f"The model '{source}' is not the one that this run was made for: it was changed since "
            f"(then {_short(revision)}, now {_short(found.revision)}). Put the old one back, or "
            "start a new run with the model as it is now.",
            code="model_changed",
        )
    return found


def _resolve_starter(home: Home) -> ResolvedModel:
    file = starter.find()
    target = home.models / f"starter-{_key(file.revision)}"
    return _with_folder(
        ResolvedModel(
            source=starter.SOURCE,
            revision=file.revision,
            folder=None,
            task="convert",
            title=starter.TITLE,
            licence=starter.LICENCE,
            target=target,
            gguf=file.path,
        )
    )


def _resolve_path(source: str, home: Home) -> ResolvedModel:
    path = Path(source).expanduser().absolute()
    if not path.exists():
        raise ModelProblem(
            f"There is no model '{source}'.{did_you_mean(source, [starter.SOURCE])} Expected: "
            "'starter', a folder, a .gguf file, or a Hub id such as 'owner/name'."
        )
    description = describe(path)
    if description.weights == "safetensors":
        return ResolvedModel(
            source=str(path),
            revision=f"files:{fingerprint_folder(path)}",
            folder=path,
            task=None,
            title=description.name,
            licence=description.licence,
            target=path,
        )
    revision = f"files:{fingerprint_file(path)}"
    return _with_folder(
        ResolvedModel(
            source=str(path),
            revision=revision,
            folder=None,
            task="convert",
            title=read_gguf_header(path).title or path.stem,
            licence=description.licence,
            target=home.models / f"gguf-{_key(revision)}",
            gguf=path,
        )
    )


def _resolve_hub_id(source: str, revision: str | None, home: Home) -> ResolvedModel:
    """What was fetched already is used as it is; else the Hub is asked for its newest commit."""
    fetched = _fetched(source, revision, home)
    if fetched is not None:
        return fetched
    if revision is None or not _COMMIT.fullmatch(revision):
        revision = ask_for_commit(source, revision)
    return _with_folder(
        ResolvedModel(
            source=source,
            revision=revision,
            folder=None,
            task="fetch",
            title=source,
            licence=None,
            target=hub_folder(source, revision, home),
        )
    )


def hub_folder(repo_id: str, commit: str, home: Home) -> Path:
    """Where a model of the Hub lies once it is fetched."""
    return home.models / f"hub--{repo_id.replace('/', '--')}--{commit}"


def _fetched(source: str, revision: str | None, home: Home) -> ResolvedModel | None:
    """The newest complete copy of `source`, at commit `revision` if given, in the data home."""
    commit = revision if revision and _COMMIT.fullmatch(revision) else None
    if revision is not None and commit is None:
        return None  # a branch or tag: only the Hub knows where it points now
    pattern = hub_folder(source, commit or "*", home).name
    for folder in sorted(home.models.glob(pattern), key=lambda path: -path.stat().st_mtime):
        origin = read_origin(folder)
        if origin is not None:
            return ResolvedModel(
                source=source,
                revision=origin.revision,
                folder=folder,
                task=None,
                title=origin.title,
                licence=origin.licence,
                target=folder,
            )
    return None


def _with_folder(model: ResolvedModel) -> ResolvedModel:
    """`model`, ready if its target was made before."""
    if read_origin(model.target) is None:
        return model
    return replace(model, folder=model.target, task=None)


def _is_hub_id(source: str) -> bool:
    """`owner/name`, unless such a folder or file lies here."""
    return bool(_HUB_ID.fullmatch(source)) and not Path(source).exists()


def _key(revision: str) -> str:
    return hashlib.sha256(f"{revision} {_CONVERSION}".encode()).hexdigest()[:12]


def _short(revision: str) -> str:
    return revision if len(revision) <= 24 else f"{revision[:24]}…"
