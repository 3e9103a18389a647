"""The task `export`: a trained run leaves the studio, checked by loading it again."""

from __future__ import annotations

import errno
import gc
import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from jobs import durable
from jobs.context import TaskContext
from studio.checks.data_card import data_card
from studio.errors import AskedWrongly, StudioError
from studio.exporters import EXPORTERS
from studio.inference.opened import SHAPE_FILE, Opened, open_run, trained_folder
from studio.library import Library
from studio.settings import Home
from studio.spec import ExportSpec
from studio.training import adapters
from studio.training.kept import kept_split
from studio.training.loading import DTYPES
from studio.verification.bounds import Verdict
from studio.verification.fresh import FreshProcess
from studio.verification.reference import choose_rows, write_reference


def export(context: TaskContext) -> dict[str, Any]:
    """Write the export beside its final name, verify it there, and only then give it that name."""
    spec = ExportSpec.parse(context.spec)
    home = Home.of_run(context.folder)
    out = Path(spec.out)
    if out.exists():
        raise AskedWrongly(
            f"{out} exists already. Choose a folder that is not there yet; nothing is overwritten.",
            code="exists",
        )
    reference = home.tmp / f"verify-{context.job_id}"
    shutil.rmtree(reference, ignore_errors=True)
    try:
        with FreshProcess() as fresh:
            return _export(context, spec, home, out, reference, fresh)
    except (OSError, SafetensorError) as error:
        if _is_disk_full(error):
            raise StudioError(
                f"The disk is full at {out.parent}; nothing was kept of the export. "
                "Make room or choose another place, then export again.",
                code="disk_full",
            ) from error
        raise
    finally:
        shutil.rmtree(reference, ignore_errors=True)


def _export(
    context: TaskContext,
    spec: ExportSpec,
    home: Home,
    out: Path,
    reference: Path,
    fresh: FreshProcess,
) -> dict[str, Any]:
    run_folder = home.run(spec.job)
    trained = trained_folder(run_folder)
    context.report(0, 3)
    context.log("Opening the trained model …")
    opened = open_run(run_folder, device="cpu")  # the slot that this job holds
    _refuse_when_too_large(opened, trained, spec, out)
    choice = opened.order.spec.objective
    library = Library(home)
    rows = kept_split(library, opened.order.spec.data, choice.name)
    about = data_card(
        library,
        opened.order.spec.data,
        choice.name,
        training_rows=len(rows.training),
        held_out_rows=len(rows.held_out),
        shape=_shape(run_folder),
    )
    write_reference(opened, choose_rows(choice, rows.held_out, rows.training), reference)
    context.report(1, 3)
    durable.clear_leftovers(out)  # of an attempt that was killed
    with durable.new_folder(out) as new:
        context.log("Writing the export …")
        EXPORTERS[spec.format](opened, trained, spec.settings, new)
        with open(new / "README.md", "a", encoding="utf-8") as card:
            card.write(f"\n{about.as_markdown()}")
        context.report(2, 3)
        base, dtype = Path(opened.order.base.folder), _dtype_name(opened)
        # Two models need not be in memory at once: the fresh process loads its own.
        del opened
        gc.collect()
        context.log("Loading it again in a fresh process and comparing …")
        verdict = fresh.verify(new, base, dtype, reference)
        if not verdict.verified:
            raise StudioError(verdict.words, code="not_verified")
        files = _files(new)
    context.report(3, 3)
    context.log(verdict.words)
    return _result(spec, out, verdict, files)


def _shape(run_folder: Path) -> dict[str, int]:
    """The counts of tokens that the training wrote down; runs of before have none."""
    try:
        found: dict[str, int] = json.loads((run_folder / SHAPE_FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _dtype_name(opened: Opened) -> str:
    return str(opened.numbers.weights).removeprefix("torch.")


def _refuse_when_too_large(opened: Opened, trained: Path, spec: ExportSpec, out: Path) -> None:
    """Say that the disk is too small before hours of writing, not after."""
    if spec.format_needs_adapter:
        needed = sum(file.stat().st_size for file in trained.iterdir())
    else:
        chosen = getattr(spec.settings, "dtype", "same")
        dtype = opened.numbers.weights if chosen == "same" else DTYPES[chosen]
        needed = adapters.count(opened.model).total * dtype.itemsize
    place = next(parent for parent in out.parents if parent.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise StudioError(
            f"This export needs about {needed / 1e9:.1f} GB; {place} has {free / 1e9:.1f} GB free. "
            "Make room, or choose another place.",
            code="disk_full",
        )


def _is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of room; safetensors says so only in its words."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "os error 28" in str(error).lower()


def _files(folder: Path) -> list[dict[str, Any]]:
    """Every file with its size and hash."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            name = path.relative_to(folder).as_posix()
            found.append({"path": name, "bytes": path.stat().st_size, "sha256": digest})
    return found


def _result(
    spec: ExportSpec, out: Path, verdict: Verdict, files: list[dict[str, Any]]
) -> dict[str, Any]:
    """The contract's JSON of `export`."""
    return {
        "format": spec.format,
        "path": str(out),
        "verified": verdict.verified,
        "difference": asdict(verdict.difference) if verdict.difference else None,
        "files": files,
        "words": verdict.words,
        "job": spec.job,
    }
