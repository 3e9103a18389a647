"""No combination of method, architecture and number format is wrong in silence: it works, or says why not."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from studio.methods import METHODS
from studio.training import adapters
from tests.benchmarks.matrix import cells, compact, is_current
from tests.measured import Measured
from tests.studio.training.axes import ARCHITECTURES, FORMATS
from tests.studio.training.matrix import trial


def sample() -> list[tuple[str, str, str]]:
    """Every method once. Eleven architectures and four formats share no divisor, so going round both brings
    up each pair of them once in 44 methods."""
    return [
        (method, ARCHITECTURES[number % len(ARCHITECTURES)], FORMATS[number % len(FORMATS)])
        for number, method in enumerate(sorted(METHODS))
    ]


@pytest.mark.parametrize(("method", "architecture", "form"), sample())
@pytest.mark.some(20)
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
    """A cell is tried again where the code that it is about is no longer what it was."""
    measured = Measured("matrix")
    for name, cell in cells():
        if cell[1:] == (architecture, form) and not is_current(measured.get(name)):
            measured.keep(name, compact(trial(*cell)))

    wrong = {cell["cell"]: cell["wrong"] for cell in measured if cell.get("wrong")}
    assert not {
        name: what for name, what in wrong.items() if name.endswith(f"{architecture} {form}")
    }


@pytest.mark.parametrize("form", ["fp32", "bf16"])
def test_a_merge_that_leaves_the_adapter_out_would_be_found(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "merge", lambda model: model.unload())

    assert "merges" in trial("lora", "llama", form).wrong


def test_an_adapter_that_is_loaded_other_than_it_was_saved_would_be_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = adapters.load

    def load_a_little_off(*given: Any) -> Any:
        model = load(*given)
        with torch.no_grad():
            next(value for name, value in model.named_parameters() if "lora_B" in name).mul_(1.01)
        return model

    monkeypatch.setattr(adapters, "load", load_a_little_off)

    assert trial("lora", "llama", "fp32").wrong == ("reloads",)


def test_every_combination_was_tried_and_none_is_wrong() -> None:
    measured = Measured("matrix")

    assert {name for name, _ in cells()} == {cell["cell"] for cell in measured}
    assert [cell["cell"] for cell in measured if cell.get("wrong")] == []
