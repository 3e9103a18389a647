"""The parameters that train are those of each method's own formula, counted by hand on one model."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.methods import METHODS
from studio.training import adapters
from tests.studio.training import matrix
from tests.studio.training.tuners import models

# The seven linear layers of one of three layers: 64 wide, 32 for keys and values, 160 between.
SHAPES = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 160), (64, 160), (160, 64)]
LAYERS = 3
TUNERS = Path(__file__).parent / "tuners"


def each(count: Callable[[int, int], int]) -> int:
    """The sum of `count(inputs, outputs)` over all linear layers."""
    return LAYERS * sum(count(inputs, outputs) for inputs, outputs in SHAPES)


def kronecker(inputs: int, outputs: int, rank: int) -> int:
    """LoKr with 4 parts a side: W1 (4, 4) whole; W2 (outputs / 4, inputs / 4) whole where the rank is at
    least half its larger side, else two of that rank."""
    rows, columns = outputs // 4, inputs // 4
    return 16 + (rank * (rows + columns) if rank < max(rows, columns) / 2 else rows * columns)


FORMULAS: dict[str, tuple[str, int]] = {
    "lora": ("r (d + k), arXiv:2106.09685, section 4.1", each(lambda d, k: 16 * (d + k))),
    "qlora": (
        "as LoRA's: the base in few bits is frozen, arXiv:2305.14314, section 3",
        each(lambda d, k: 16 * (d + k)),
    ),
    "miss": ("r k, arXiv:2409.15371: one matrix, repeated", each(lambda d, k: 64 * k)),
    "shira": ("as many as LoRA of this rank, arXiv:2406.13175", each(lambda d, k: 4 * (d + k))),
    "oft": ("d / b blocks of b (b - 1) / 2, arXiv:2306.07280", each(lambda d, k: d * 31 // 2)),
    "boft": ("d / b blocks of b², and k factors, arXiv:2311.06243", each(lambda d, k: 4 * d + k)),
    "hra": ("r d, arXiv:2405.17484, section 4", each(lambda d, k: 8 * d)),
    "vera": ("r + k, arXiv:2310.11454, section 3.2", each(lambda d, k: 256 + k)),
    "pvera": (
        "a mean and a spread for each of r, and k, arXiv:2512.07703; PEFT's pvera/layer.py",
        each(lambda d, k: 2 * 256 + k),
    ),
    "loha": ("2 r (d + k), arXiv:2108.06098", each(lambda d, k: 2 * 8 * (d + k))),
    "lokr": (
        "two Kronecker factors, arXiv:2309.14859; which are taken apart: PEFT's lokr/layer.py",
        each(lambda d, k: kronecker(d, k, rank=32)),
    ),
    "frod": (
        "d on the diagonal and 1 % of d² links beside it, doi:10.1609/aaai.v40i31.39813; PEFT's frod/model.py",
        each(lambda d, k: d + d * d // 100),
    ),
    "fourierft": ("n a layer, arXiv:2405.03003, section 3", each(lambda d, k: 200)),
    "waveft": ("n a layer, arXiv:2505.12532", each(lambda d, k: 200)),
    "randlora": (
        "n pieces with r + min(d, k) scales, n = min / r, arXiv:2502.00987",
        each(lambda d, k: math.ceil(min(d, k) / 32) * (32 + min(d, k))),
    ),
    "delora": ("r (d + k) + 1, arXiv:2503.18225", each(lambda d, k: 32 * (d + k) + 1)),
    "hira": (
        "r (d + k), as LoRA, openreview.net/forum?id=TwJrTz9cRS; PEFT's hira/layer.py",
        each(lambda d, k: 32 * (d + k)),
    ),
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
    "psoft": (
        "r (r - 1) / 2 angles and 2 r scales, arXiv:2505.11235; PEFT's psoft/layer.py",
        each(lambda d, k: 32 * 31 // 2 + 64),
    ),
    "deft": (
        "P of k r and R of r d: the paper of NeurIPS 2025 that the method links; PEFT's deft/layer.py",
        each(lambda d, k: 32 * (d + k)),
    ),
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
    spec = matrix.spec_of(name, "llama", "nf4" if name == "qlora" else "fp32", 1e-3)

    counts = adapters.count(adapters.attach(matrix.base_of("llama", spec), spec.method, seed=0))

    assert counts.trainable == expected


@pytest.mark.parametrize("rank", [2, 4, 5, 8])
def test_a_low_rank_takes_the_larger_kronecker_factor_apart(rank: int) -> None:
    model = models.adapted("llama", {"name": "lokr", "rank": rank}, moved=False)

    assert adapters.count(model).trainable == each(lambda d, k: kronecker(d, k, rank))


# Methods with a tuner of their own: the test beside it that counts what trains.
COUNTED = {
    "adalora": "the_count_is_a_singular_value_and_two_vectors_a_direction",
    "adamix": "the_count_is_that_of_so_many_adapters",
    "bitfit": "the_count_is_one_number_for_each_output_of_a_biased_module",
    "cartridge": "all_but_the_first_places_train",
    "diff_pruning": "the_count_is_two_numbers_a_weight_and_one_a_group",
    "far": "the_count_is_that_of_the_nodes",
    "houlsby": "the_count_is_the_papers",
    "intrinsic_prompt": "as_many_numbers_train_as_was_said",
    "llama_adapter": "the_count_is_a_prompt_and_a_gate_for_each_layer",
    "p_tuning": "prompt_and_network_train_and_the_prompt_alone_is_kept",
    "prefix_tuning": "it_trains_a_key_and_a_value_for_each_layer_and_place",
    "prompt_tuning": "it_trains_length_times_width_numbers",
}


def test_every_method_is_counted_once() -> None:
    assert sorted(METHODS) == sorted([*FORMULAS, *COUNTED])


@pytest.mark.parametrize("name", COUNTED)
def test_the_count_of_each_other_has_its_test(name: str) -> None:
    tree = ast.parse((TUNERS / f"test_{name}.py").read_text(encoding="utf-8"))
    (test,) = (each for each in tree.body if getattr(each, "name", "") == f"test_{COUNTED[name]}")

    assert "adapters.count(" in ast.unparse(test)


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_names_where_it_stands(name: str) -> None:
    words, _ = FORMULAS[name]

    assert name in OF_NO_PAPER or any(
        part in words for part in ("arXiv:", "doi:", "openreview", "paper")
    )


# Plain counting: rows of the embedding, everything there is.
OF_NO_PAPER = {"trainable_tokens", "full"}
