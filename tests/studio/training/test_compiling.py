"""Compiling: the same steps, or none of it with words; never by itself on a processor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from studio.training import compiling, loop
from studio.training.fused import fuse, unfuse
from studio.training.loop import Report, Setup
from tests.studio.training.setups import setup


def train(ready: Setup) -> list[float | None]:
    reports: list[Report] = []
    loop.run(ready, on_report=reports.append, should_stop=lambda: False)
    return [report.loss for report in reports[1:]]


def fused(ready: Setup) -> set[str]:
    """The modules that a fused chain speaks for."""
    return {name for name, module in ready.model.named_modules() if "forward" in vars(module)}


def settled(ready: Setup, folder: Path) -> tuple[bool, str]:
    words: list[str] = []
    return compiling.settle(ready, folder / "compile.json", words.append), " ".join(words)


@pytest.mark.parametrize("choice", ["off", "auto"])
def test_on_a_processor_nothing_is_compiled_unless_asked_for(
    tiny_model: Path, tmp_path: Path, choice: str
) -> None:
    ready = setup(tiny_model, tmp_path, compile=choice)

    assert settled(ready, tmp_path) == (False, "")


def test_without_a_compiler_it_says_so_and_goes_on(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    compiles, words = settled(setup(tiny_model, tmp_path, compile="on"), tmp_path)

    assert not compiles
    assert "no C++ compiler" in words


def test_what_cannot_be_compiled_is_as_it_was_before(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: nn.Module) -> int:
        raise RuntimeError("the compiler broke\nmore lines")

    plain = setup(tiny_model, tmp_path / "a")
    fuse(plain.model)
    ready = setup(tiny_model, tmp_path / "b", compile="on")
    fuse(ready.model)
    before = fused(ready)
    monkeypatch.setattr(compiling, "compile_layers", broken)
    monkeypatch.setattr(shutil, "which", lambda name: name)

    compiles, words = settled(ready, tmp_path)

    assert not compiles
    assert "could not be compiled (the compiler broke)" in words
    assert fused(ready) == before
    assert train(ready) == train(plain)


def test_trying_leaves_gradients_and_random_states_alone(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path)
    state = torch.get_rng_state()

    assert compiling._seconds(ready, compiling._first_batches(ready)) > 0
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in ready.model.parameters())


def test_modules_do_after_unfusing_what_they_did_before_fusing(
    tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(tiny_model, tmp_path)
    assert fuse(ready.model) > 0
    unfuse(ready.model)

    assert fused(ready) == set()


def test_every_layer_of_a_stack_is_found_and_no_part_of_one() -> None:
    stack = nn.ModuleList(nn.Sequential(nn.ModuleList([nn.Linear(1, 1)])) for _ in range(3))
    model: Any = nn.Sequential(nn.Embedding(1, 1), nn.Sequential(stack))

    assert list(compiling._layers(model)) == list(stack)


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("c++"), reason="there is no C++ compiler here")
def test_compiled_layers_take_the_same_steps(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path / "a", compile="on")
    fuse(ready.model)

    assert settled(ready, tmp_path) == (True, "")
    assert all(layer._compiled_call_impl is not None for layer in compiling._layers(ready.model))
    expected = train(setup(tiny_model, tmp_path / "b"))
    assert train(ready) == pytest.approx(expected, rel=1e-4)
