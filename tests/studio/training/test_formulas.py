"""The parameters that train are those of each method's own formula, counted by hand on one model."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.methods import METHODS
from studio.training import adapters
from tests.studio.training import matrix

# The seven linear layers of one of three layers: 64 wide, 32 for keys and values, 160 between.
SHAPES = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 160), (64, 160), (160, 64)]
LAYERS = 3
# Methods with a tuner of their own are counted beside its tests.
TUNERS = Path(__file__).parent / "tuners"


def each(count: Callable[[int, int], int]) -> int:
    """The sum of `count(inputs, outputs)` over all linear layers."""
    return LAYERS * sum(count(inputs, outputs) for inputs, outputs in SHAPES)


FORMULAS: dict[str, tuple[str, int]] = {
    "lora": ("r (d + k), arXiv:2106.09685, section 4.1", each(lambda d, k: 16 * (d + k))),
    "miss": ("r k, arXiv:2409.15371: one matrix, repeated", each(lambda d, k: 64 * k)),
    "shira": ("as many as LoRA of this rank, arXiv:2406.13175", each(lambda d, k: 4 * (d + k))),
    "oft": ("d / b blocks of b (b - 1) / 2, arXiv:2306.07280", each(lambda d, k: d * 31 // 2)),
    "boft": ("d / b blocks of b², and k factors, arXiv:2311.06243", each(lambda d, k: 4 * d + k)),
    "hra": ("r d, arXiv:2405.17484, section 4", each(lambda d, k: 8 * d)),
    "vera": ("r + k, arXiv:2310.11454, section 3.2", each(lambda d, k: 256 + k)),
    "pvera": ("a mean and a spread for each of r, and k", each(lambda d, k: 2 * 256 + k)),
    "loha": ("2 r (d + k), arXiv:2108.06098", each(lambda d, k: 2 * 8 * (d + k))),
    "fourierft": ("n a layer, arXiv:2405.03003, section 3", each(lambda d, k: 200)),
    "waveft": ("n a layer, arXiv:2505.12532", each(lambda d, k: 200)),
    "randlora": (
        "n pieces with r + min(d, k) scales, n = min / r, arXiv:2502.00987",
        each(lambda d, k: math.ceil(min(d, k) / 32) * (32 + min(d, k))),
    ),
    "delora": ("r (d + k) + 1, arXiv:2503.18225", each(lambda d, k: 32 * (d + k) + 1)),
    "hira": ("r (d + k), as LoRA", each(lambda d, k: 32 * (d + k))),
    "gralora": ("r (d + k), as LoRA, arXiv:2505.20355", each(lambda d, k: 32 * (d + k))),
    "vblora": (
        "a bank of h vectors of b, and h logits for each of r (d + k) / b pieces, arXiv:2405.15179",
        256 * 32 + each(lambda d, k: 4 * (d + k) // 32 * 256),
    ),
    "road": ("an angle and a scale for each pair of outputs: k, arXiv:2409.00119", each(lambda d, k: k)),
    "c3a": ("d k / b, arXiv:2407.19342", each(lambda d, k: d * k // 32)),
    "lily": (
        "A: r d a layer; B: 2 r k, shared by all; a router of 2 r, arXiv:2407.09946",
        each(lambda d, k: 32 * d + 2 * 32) + 2 * 32 * sum(k for _, k in SHAPES),
    ),
    "peanut": ("2 r k without layers between, arXiv:2410.01870", each(lambda d, k: 2 * 32 * k)),
    "glora": ("two of r (d + k) where there is no bias, arXiv:2306.07967", each(lambda d, k: 16 * (d + k))),
    "psoft": ("r (r - 1) / 2 angles and 2 r scales", each(lambda d, k: 32 * 31 // 2 + 64)),
    "deft": ("r (d + k)", each(lambda d, k: 32 * (d + k))),
    "osf": (
        "n (d + k + 1) for the n weakest directions, here half of them, arXiv:2504.07097",
        each(lambda d, k: min(d, k) // 2 * (d + k + 1)),
    ),
    "unilora": ("one vector, arXiv:2506.00799", 4096),
    "tinylora": ("u a layer, arXiv:2602.04118", each(lambda d, k: 64)),
    "supertuning": ("1 % of d k, arXiv:2607.09287", each(lambda d, k: d * k // 100)),
    "ia3": ("keys, values and inner values, arXiv:2205.05638", LAYERS * (32 + 32 + 160)),
    "ln_tuning": ("two norms a layer and the last, arXiv:2312.11420", 64 * (2 * LAYERS + 1)),
    "beft": ("a bias of each value, arXiv:2509.15974", LAYERS * 32),
    "trainable_tokens": ("two tokens of 64", 2 * 64),
    "full": ("all: embedding, output, norms, linear layers", 2 * 512 * 64 + 7 * 64 + each(lambda d, k: d * k)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_as_many_parameters_train_as_the_formula_says(name: str) -> None:
    _, expected = FORMULAS[name]
    spec = matrix.spec_of(name, "llama", "fp32", 1e-3)

    counts = adapters.count(adapters.attach(matrix.base_of("llama", spec), spec.method, seed=0))

    assert counts.trainable == expected


# Counted elsewhere, or not by a formula of the shapes alone.
ELSEWHERE = {
    "qlora": "LoRA's own",
    "lokr": "which of its matrices are taken apart depends on the rank",
    "frod": "its links are drawn at random",
}


def test_every_method_has_its_formula_or_the_reason_why_not() -> None:
    of_their_own = {file.stem.removeprefix("test_") for file in TUNERS.glob("test_*.py")}

    assert METHODS.keys() <= FORMULAS.keys() | ELSEWHERE.keys() | of_their_own
