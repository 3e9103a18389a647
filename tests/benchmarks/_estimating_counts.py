"""Counts for `bench estimate`: every method on every small architecture, and whole models at full size."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks._cells import Cell

Found = Mapping[str, Mapping[str, Any]]
FEWEST_ARCHITECTURES = 20


def cells() -> dict[str, Cell]:
    """One cell a method, one a model and method at full size."""
    from studio.methods import METHODS
    from tests.studio.estimator.test_count import LARGE

    found: dict[str, Cell] = {
        f"counts {method}": functools.partial(_method, method) for method in sorted(METHODS)
    }
    for size in LARGE:
        for method in ("lora", "full"):
            found[f"counts {size} {method}"] = functools.partial(_full_size, size, method)
    return found


def report(found: Found) -> bool:
    """Print what differs; True where nothing does."""
    small = [cell for cell in found.values() if "architectures" in cell]
    large = {name: cell for name, cell in found.items() if "told" in cell}
    pairs = sum(cell["counted"] for cell in small)
    wrong = [f"{cell['method']} on {name}" for cell in small for name in cell["wrong"]]
    fewest = min((cell["architectures"] for cell in small), default=0)
    print(
        f"counts, {len(small)} methods on {fewest} architectures: {pairs} pairs counted on the real model, "
        f"{sum(cell['refused'] for cell in small)} refused in the same words, {len(wrong)} wrong"
    )
    for name in wrong:
        print(f"  wrong: {name}")
    for name, cell in large.items():
        print(f"{name}: {cell['told']:,} of {cell['total']:,}, whole build {cell['built']:,}")
    same = all(cell["told"] == cell["built"] for cell in large.values())
    return same and not wrong and fewest >= FEWEST_ARCHITECTURES


def _method(method: str) -> dict[str, Any]:
    from studio.estimator.count import count
    from tests.studio.estimator.configurations import CONFIGURATIONS, make_folder
    from tests.studio.estimator.test_count import DEPTH, GOALS, counted, outcome, spec_of

    wrong, refused, there = [], 0, 0
    for name in sorted(CONFIGURATIONS):
        spec = spec_of(method, objective=GOALS.get(name, "chat"))
        with tempfile.TemporaryDirectory() as place:
            folder = make_folder(name, Path(place), DEPTH)
            expected = outcome(lambda: counted(spec, folder))  # noqa: B023 - called at once
            if outcome(lambda: count(folder, spec)) != expected:  # noqa: B023 - called at once
                wrong.append(name)
        refused += isinstance(expected, str)
        there += not isinstance(expected, str)
    return {
        "method": method,
        "architectures": len(CONFIGURATIONS),
        "counted": there,
        "refused": refused,
        "wrong": wrong,
    }


def _full_size(size: str, method: str) -> dict[str, Any]:
    import torch
    import transformers

    from studio.estimator.blueprint import Plan, blueprint
    from studio.estimator.count import count
    from studio.training import adapters
    from tests.studio.estimator.test_count import LARGE, spec_of

    kind, values, _ = LARGE[size]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        getattr(transformers, kind)(**values).save_pretrained(folder)
        spec = spec_of(method)
        told = count(folder, spec)
        plan = Plan(spec.method, torch.float32, "auto")
        built = adapters.count(blueprint(folder, plan).model)
    return {"told": told.trainable, "total": told.total, "built": built.trainable}
