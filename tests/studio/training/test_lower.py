"""What the untrained lower layers give is computed once, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.training import head, loop, lower, probe
from studio.training.fused import fuse
from studio.training.loop import Report, Setup
from tests import tiny
from tests.studio.training.setups import setup

LAST = {"name": "lora", "layers": {"last": 1}}


@pytest.fixture(scope="module")
def three_layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of three layers."""
    return tiny.make_model(tmp_path_factory.mktemp("model") / "three", layers=3)


def made(model: Path, folder: Path, *, keeps: bool = True, **training: Any) -> Setup:
    """A run of the upper layer, with what the lower two give kept or not."""
    plain = setup(model, folder / "checkpoints", method=LAST, epochs=3, **training)
    assert probe.can_pack(plain.model.get_base_model(), tiny.VOCABULARY)  # type: ignore[operator]
    fuse(plain.model)
    if not keeps:
        return plain
    kept = kept_of(plain, folder)
    assert isinstance(kept, lower.LowerStates)
    return replace(plain, lower=kept)


def kept_of(plain: Setup, folder: Path, limit_bytes: int = 10**9) -> Any:
    """What `keep_states` says to a run."""
    folder.mkdir(parents=True, exist_ok=True)
    return lower.keep_states(
        plain.model,
        [*plain.training, *plain.held_out],
        folder / "lower.bin",
        vocabulary=tiny.VOCABULARY,
        limit_bytes=limit_bytes,
        precision=plain.numbers.context,
    )


def losses(ready: Setup) -> list[Report]:
    """The reports of the whole run."""
    reports: list[Report] = []
    loop.run(ready, on_report=reports.append, should_stop=lambda: False)
    return reports


def figures(report: Report) -> dict[str, float]:
    """The losses that a report has."""
    both = {"loss": report.loss, "held_out_loss": report.held_out_loss}
    return {name: value for name, value in both.items() if value is not None}


def test_the_losses_are_those_of_computing_every_layer_each_time(
    three_layers: Path, tmp_path: Path
) -> None:
    expected = losses(made(three_layers, tmp_path / "a", keeps=False))
    found = losses(made(three_layers, tmp_path / "b"))

    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert figures(ours) == pytest.approx(figures(theirs), rel=1e-6)


def test_the_lower_layers_run_once_for_each_row(three_layers: Path, tmp_path: Path) -> None:
    ready = made(three_layers, tmp_path)
    head.can_defer(ready.model)  # its question goes through all layers, once
    calls: list[int] = []
    first: Any = ready.model.get_submodule("base_model.model.model.layers.0.input_layernorm")
    first.register_forward_hook(lambda *_: calls.append(1))

    losses(ready)

    assert len(calls) == len(ready.training) + len(ready.held_out)


def test_a_resumed_run_gives_the_same_weights_bit_for_bit(
    three_layers: Path, tmp_path: Path
) -> None:
    straight = made(three_layers, tmp_path / "a")
    losses(straight)
    stopped = made(three_layers, tmp_path / "b")
    steps: list[Report] = []
    loop.run(stopped, on_report=steps.append, should_stop=lambda: len(steps) > 4)
    assert stopped.lower is not None
    stopped.lower.close()
    resumed = made(three_layers, tmp_path / "b")

    losses(resumed)

    pairs = zip(straight.model.parameters(), resumed.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_recomputed_activations_go_with_it(three_layers: Path, tmp_path: Path) -> None:
    expected = losses(made(three_layers, tmp_path / "a"))
    ready = made(three_layers, tmp_path / "b", gradient_checkpointing=True)

    for ours, theirs in zip(losses(ready), expected, strict=True):
        assert figures(ours) == pytest.approx(figures(theirs), rel=1e-6)


def test_the_file_is_as_large_as_said_and_goes_at_the_end(
    three_layers: Path, tmp_path: Path
) -> None:
    ready = made(three_layers, tmp_path)
    assert ready.lower is not None
    tokens = sum(len(row.ids) for row in (*ready.training, *ready.held_out))

    assert ready.lower.bytes == tokens * 32 * 4 == (tmp_path / "lower.bin").stat().st_size
    ready.lower.close()
    assert not (tmp_path / "lower.bin").exists()


@pytest.mark.parametrize("method", ["lora", "full", {"name": "lora", "layers": [0, 2]}])
def test_where_the_first_layer_trains_there_is_nothing_to_keep(
    method: Any, three_layers: Path, tmp_path: Path
) -> None:
    assert kept_of(setup(three_layers, tmp_path, method=method), tmp_path) is None


def test_more_than_allowed_is_not_kept_and_said(three_layers: Path, tmp_path: Path) -> None:
    said = kept_of(setup(three_layers, tmp_path, method=LAST), tmp_path, limit_bytes=1000)

    assert "layer_cache_bytes" in said
    assert not (tmp_path / "lower.bin").exists()


def test_a_limit_of_nothing_switches_it_off(three_layers: Path, tmp_path: Path) -> None:
    assert kept_of(setup(three_layers, tmp_path, method=LAST), tmp_path, limit_bytes=0) is None


def test_a_model_that_changes_what_it_is_given_is_found_out(
    three_layers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = setup(three_layers, tmp_path, method=LAST)
    inner: Any = plain.model.get_submodule("base_model.model.model")
    original = inner.forward

    def doubling(*args: Any, inputs_embeds: Any = None, **kwargs: Any) -> Any:
        doubled = None if inputs_embeds is None else 2 * inputs_embeds
        return original(*args, inputs_embeds=doubled, **kwargs)

    monkeypatch.setattr(inner, "forward", doubling)

    assert kept_of(plain, tmp_path) is None
