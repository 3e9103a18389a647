"""What `bench methods` found of each method on the starter data, read back for its report and for the docs."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from studio.methods import METHODS
from tests.measured import Measured

BENCHMARK = "methods"
RESAMPLES = 10_000
_FIGURES = ("learning_rate", "trainable", "peak_bytes", "cpu_seconds", "file_bytes")
# Each way of teaching that is measured: its name and what the spec says of the method.
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"name": name} for name in METHODS},
    "lora dora": {"name": "lora", "dora": True},
}
# Those whose score has to rise beyond chance; the loss has to fall for all.
LEADING = ("lora", "qlora", "lora dora", "houlsby", "full", "ia3", "prefix_tuning", "bitfit")

# What an answer in the house form says (`studio/evaluation/house_form.py`).
FACTS = ("order", "product", "department")


@dataclass(frozen=True)
class Bare:
    """A base before any training: `words` names it, `right` holds one truth a held-out row."""

    words: str
    commit: str
    loss: float
    right: tuple[bool, ...]

    @property
    def score(self) -> float:
        """The share of held-out rows that it answers rightly."""
        return sum(self.right) / len(self.right)


@dataclass(frozen=True)
class Taught:
    """One method beside its base: the loss of the held-out rows, which of them were answered rightly, cost.

    `right` holds one truth a held-out row, in the order of the base's; `facts` of how many answers each part
    of the form is right, where that was kept.
    """

    name: str
    commit: str
    base: Bare
    loss: float
    right: tuple[bool, ...]
    learning_rate: float
    trainable: int
    peak_bytes: int
    cpu_seconds: float
    file_bytes: int
    facts: dict[str, int] | None = None

    @property
    def score(self) -> float:
        """The share of held-out rows answered rightly after training."""
        return sum(self.right) / len(self.right)

    @property
    def learned(self) -> bool:
        """Whether the held-out loss lies below the base's."""
        return self.loss < self.base.loss

    @property
    def interval(self) -> tuple[float, float]:
        """The score's difference: 95 % of the resamples of the held-out rows lie between these."""
        pairs = zip(self.base.right, self.right, strict=True)
        gains = [int(after) - int(before) for before, after in pairs]
        source = random.Random(0)
        means = sorted(
            sum(source.choices(gains, k=len(gains))) / len(gains) for _ in range(RESAMPLES)
        )
        return means[RESAMPLES * 25 // 1000], means[RESAMPLES * 975 // 1000 - 1]

    @property
    def rose(self) -> bool:
        """Whether its score lies above the base's beyond chance."""
        return self.interval[0] > 0

    def reason(self, all_of_them: Iterable[Taught]) -> str:
        """Why its score did not rise beyond chance, where that is so."""
        worst = max(
            (each for each in all_of_them if each.rose), key=lambda each: each.loss, default=None
        )
        if worst is not None and self.loss > worst.loss:
            return (
                f"its loss is still {self.loss:.2f} after these passes; the highest from which a score rose "
                f"is {worst.loss:.2f} (`{worst.name}`)"
            )
        if self.facts is not None:
            parts = ", ".join(f"the {fact} in {self.facts[fact]}" for fact in FACTS)
            return f"of its {len(self.right)} answers, right are {parts}"
        return "not known"


def taught() -> dict[str, Taught]:
    """All that was measured beside a measured base, by name."""
    kept = Measured(BENCHMARK)
    found = {}
    for name in VARIANTS:
        cell = kept.get(name)
        base = cell and _bare(kept, cell["quantization"])
        if cell and base:
            figures = {figure: cell[figure] for figure in _FIGURES}
            found[name] = Taught(
                name,
                cell["commit"],
                base,
                cell["loss"],
                _truths(cell["right"]),
                **figures,
                facts=cell.get("facts"),
            )
    return found


def bases() -> list[Bare]:
    """The bases that were measured."""
    kept = Measured(BENCHMARK)
    found = [_bare(kept, quantization) for quantization in ("none", "nf4")]
    return [base for base in found if base is not None]


def base_name(quantization: str) -> str:
    """The cell of a base as it is before any training."""
    return "base" if quantization == "none" else f"base {quantization}"


def _bare(kept: Measured, quantization: str) -> Bare | None:
    cell = kept.get(base_name(quantization))
    words = "the base" if quantization == "none" else f"the base in {quantization}"
    return cell and Bare(words, cell["commit"], cell["loss"], _truths(cell["right"]))


def _truths(digits: str) -> tuple[bool, ...]:
    return tuple(digit == "1" for digit in digits)
