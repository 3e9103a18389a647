"""Run in a copy of the studio into whose folders files were dropped: where are those methods found?

`python -m tests.studio.methods.finding FOLDER NAME…` prints one JSON document by name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from studio.methods import METHODS
from studio.settings import Home
from studio.ui.draft import Draft
from studio.ui.steps import picker_part, settings_part
from studio.worker.bench import Bench
from studio.worker.kinds import KINDS
from tests import tiny
from tests.reference import pages
from tests.studio.runs import train_run


def main(folder: Path, names: list[str]) -> None:
    """Look on the page, in the docs, in the estimate, and in a training."""
    model = tiny.make_model(folder / "tiny")
    data = tiny.write_csv(folder / "rows.csv", 24)
    print(json.dumps({name: found(folder, model, data, name) for name in names}))


def found(folder: Path, model: Path, data: Path, name: str) -> dict[str, Any]:
    """Where one method is found."""
    draft = Draft(
        method=name, model_from="path", model_path=str(model), data_from="path", data_path=str(data)
    )
    estimate = KINDS["estimate"].answer(
        Bench(Home(folder / "home").prepare(), 0), draft.to_spec().to_json(), None
    )
    run = train_run(folder / name, 1, model, data, name)
    losses = [
        json.loads(line)["loss"]
        for line in (run.folder / "metrics.jsonl").read_text("utf-8").splitlines()
        if "loss" in json.loads(line)
    ]
    return {
        "listed": any(each.name == name for each in picker_part.by_family()),
        "words": METHODS[name].sentence in METHODS[name].paragraph
        or METHODS[name].paragraph in picker_part.about_html(name),
        "settings": settings_part.form_html(draft, None),
        "docs": f"## `{name}`" in pages()["methods.md"],
        "trainable": estimate["parameters"]["trainable"],
        "trained": run.result["parameters"]["trainable"],
        "losses": [losses[0], losses[-1]],
        "adapter": sorted(file.name for file in (run.folder / "adapter").iterdir()),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
