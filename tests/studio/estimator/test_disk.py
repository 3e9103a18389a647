"""What is said of the disk before a run, beside the files that it and its exports really are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.devices import Device, Machine
from studio.estimator.estimate import estimate
from studio.exporters import EXPORTERS
from studio.formats import FORMATS
from studio.inference.opened import open_run, trained_folder
from studio.methods import METHODS
from tests import tiny
from tests.studio.runs import Run, train_run

GB = 10**9
MACHINE = Machine((Device("cpu:0", "cpu", 16 * GB, 16 * GB, "processor"),), 100 * GB)
# The first part's checkpoints are the larger ones.
PARTS = {"max_steps": 12, "keep_checkpoints": 9}
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "lora": ("lora", {}),
    "lora of twice the rank": ({"name": "lora", "init": "pissa"}, {}),
    "full": ("full", {}),
    "full, sgd": ("full", {"optimizer": "sgd"}),
    "full, 8 bits": ("full", {"optimizer": "adamw_8bit"}),
    # Its last checkpoint no longer has what the choice of ranks needed.
    "beside its weights": ("adalora", PARTS),
    "a prompt": ("prompt_tuning", {}),
    "in every layer": ({"name": "prefix_tuning", "virtual_tokens": 8}, {}),
    "averaged": ("adamix", {"max_steps": 12}),
    "with its projections": ("vera", {}),
    "changes of the base": ("bitfit", {}),
    "a share": ({"name": "far", "priming_share": 0.5}, PARTS),
    "two parts": ({"name": "diff_pruning", "first_share": 0.5}, PARTS),
}
LONG = set(CASES) - {"lora", "full", "full, 8 bits", "beside its weights"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough that what stands beside the tensors does not weigh."""
    return tiny.make_model(tmp_path_factory.mktemp("model") / "model", layers=6, hidden=128)


def folder_bytes(folder: Path) -> int:
    """Of all files in it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def trained(model: Path, folder: Path, case: str) -> tuple[Run, Any]:
    """A run of few steps, and what was said of its disk."""
    method, training = CASES[case]
    data = tiny.write_csv(folder / "rows.csv", 12)
    values = {"max_steps": 3, "precision": "fp32", "learning_rate": 1e-4, **training}
    run = train_run(folder / "home", 1, model, data, method, **values)
    return run, estimate(run.order.spec, model, None, MACHINE).disk


@pytest.mark.parametrize(
    "case", [c if c not in LONG else pytest.param(c, marks=pytest.mark.long) for c in CASES]
)
@pytest.mark.some(2)
def test_checkpoints_results_and_exports_are_as_large_as_was_said(
    case: str, model: Path, tmp_path: Path
) -> None:
    run, said = trained(model, tmp_path, case)

    assert near(said.checkpoint_bytes, largest_checkpoint(run))
    assert near(said.trained_bytes, weights_bytes(trained_folder(run.folder)))
    files = dict(exported(run, tmp_path))
    assert said.exports.keys() == files.keys()
    for name, place in files.items():
        assert near(said.exports[name], folder_bytes(place)), name


def near(said: int, real: int) -> bool:
    """Within 3 %, or what a few names and settings take."""
    print(f"said {said:,}, is {real:,}: {said / real - 1:+.2%}")
    return abs(said - real) <= max(0.03 * real, 12_000)


def largest_checkpoint(run: Run) -> int:
    """Bytes of the largest one that the run kept."""
    return max(map(folder_bytes, (run.folder / "checkpoints").glob("step-*")))


def weights_bytes(folder: Path) -> int:
    """Of what was trained, without settings and card."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def exported(run: Run, folder: Path) -> Iterator[tuple[str, Path]]:
    """Every export of the run that its method allows, by the format's name."""
    method = METHODS[run.order.spec.method.name]
    is_full = method.family == "full"
    for name, format_ in FORMATS.items():
        if (is_full and format_.needs_adapter) or (
            format_.merges and not is_full and not method.is_mergeable
        ):
            continue
        place = folder / name
        place.mkdir()
        settings = format_.settings.model_validate({})
        EXPORTERS[name](open_run(run.folder), trained_folder(run.folder), settings, place)
        yield name, place
