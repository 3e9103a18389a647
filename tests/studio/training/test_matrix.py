"""No combination of method, architecture and number format is wrong in silence: it works, or says why not."""

from __future__ import annotations

import random

import pytest

from studio.methods import METHODS
from tests.benchmarks.matrix import cells, compact
from tests.measured import Measured
from tests.studio.training.axes import ARCHITECTURES, FORMATS
from tests.studio.training.matrix import trial

SEED = 0
SAMPLE = 12


def sample() -> list[tuple[str, str, str]]:
    """Cells in which each architecture and each number format comes up; which methods, the seed says."""
    chosen = random.Random(SEED)
    methods = chosen.sample(sorted(METHODS), min(SAMPLE, len(METHODS)))
    return [
        (method, ARCHITECTURES[number % len(ARCHITECTURES)], FORMATS[number % len(FORMATS)])
        for number, method in enumerate(methods)
    ]


@pytest.mark.parametrize(("method", "architecture", "form"), sample())
def test_a_combination_works_or_is_refused_with_the_reason(
    method: str, architecture: str, form: str
) -> None:
    assert trial(method, architecture, form).wrong == ()


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_combination_works_or_is_refused_with_the_reason(
    architecture: str, form: str
) -> None:
    measured = Measured("matrix")
    for name, cell in cells():
        if cell[1:] == (architecture, form) and name not in measured:
            measured.keep(name, compact(trial(*cell)))

    wrong = {cell["cell"]: cell["wrong"] for cell in measured if cell.get("wrong")}
    assert not {
        name: what for name, what in wrong.items() if name.endswith(f"{architecture} {form}")
    }
