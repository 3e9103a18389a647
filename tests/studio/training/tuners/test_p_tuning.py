"""P-tuning: its numbers by hand for both networks, and a file that holds the prompt alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch

from studio.training import adapters, loop
from studio.training.loop import Report
from tests.studio.training.setups import setup

WIDTH, HIDDEN, PLACES = 32, 24, 7


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def lstm(inputs: int, hidden: int) -> int:
    """One direction of one layer: four gates, each with two biases."""
    return 4 * (inputs * hidden + hidden * hidden + 2 * hidden)


COUNTS = {
    "mlp": linear(WIDTH, HIDDEN) + linear(HIDDEN, HIDDEN) + linear(HIDDEN, WIDTH),
    # Liu et al. 2021, arXiv:2103.10385, equation 4: an LSTM that reads both ways, then two layers.
    "lstm": 2 * lstm(WIDTH, HIDDEN)
    + 2 * lstm(2 * HIDDEN, HIDDEN)
    + linear(2 * HIDDEN, 2 * HIDDEN)
    + linear(2 * HIDDEN, WIDTH),
}


@pytest.mark.parametrize("encoder", COUNTS)
def test_prompt_and_network_train_and_the_prompt_alone_is_kept(
    encoder: str, tiny_model: Path, tmp_path: Path
) -> None:
    method = {
        "name": "p_tuning",
        "virtual_tokens": PLACES,
        "encoder": encoder,
        "encoder_hidden": HIDDEN,
    }
    ready = setup(tiny_model, tmp_path, method=method)

    assert adapters.count(ready.model).trainable == PLACES * WIDTH + COUNTS[encoder]

    adapters.save(ready.model, tmp_path / "out", base_name="Tiny", choice=ready.spec.method)
    tensors = safetensors.torch.load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert {name: tuple(value.shape) for name, value in tensors.items()} == {
        "prompt_embeddings": (PLACES, WIDTH)
    }


def test_the_network_read_both_ways_goes_on_where_it_was(tiny_model: Path, tmp_path: Path) -> None:
    """PEFT's own file has no network; the checkpoint does."""
    method = {"name": "p_tuning", "virtual_tokens": 5, "encoder": "lstm", "encoder_hidden": HIDDEN}

    def train(folder: Path, stop_after: int | None = None) -> list[Report]:
        reports: list[Report] = []
        loop.run(
            setup(tiny_model, folder, method=method),
            on_report=reports.append,
            should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
        )
        return reports

    straight = train(tmp_path / "straight")
    train(tmp_path / "cut", stop_after=4)
    rest = train(tmp_path / "cut")

    assert [report.loss for report in rest] == [report.loss for report in straight[4:]]
