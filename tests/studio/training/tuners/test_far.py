"""FAR: priming, the choice of the nodes that moved most, and both parts resumed exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from studio.errors import AskedWrongly
from studio.spec import TrainSpec
from studio.training import adapters, loading, loop
from studio.training.tuners import tuner_of
from tests.studio.training.setups import setup
from tests.studio.training.tuners.models import adapted, base, outputs

METHOD = {"name": "far", "share": 0.1, "priming_share": 0.5}
WIDTH, NODES, DEPTH = 64, 160, 3


def chosen(model: Any, **settings: Any) -> Any:
    """A model after priming."""
    choice = TrainSpec.parse({"method": {**METHOD, **settings}}).method
    tuner = tuner_of(choice)
    tuner.begin(model, choice.settings, 2)
    assert not tuner.is_settled(model)
    assert tuner.advance(model, choice.settings, 1)
    assert tuner.is_settled(model)
    return model


@pytest.mark.parametrize(
    ("name", "nodes", "primed", "learner"),
    [
        # Llama: gate and up lead in, down leads out; gpt2's one way in has a bias for each node.
        ("llama", 160, 3 * WIDTH * 160, 3 * WIDTH),
        ("gpt2", 256, 2 * WIDTH * 256 + 256, 2 * WIDTH + 1),
    ],
)
def test_the_count_is_that_of_the_nodes(name: str, nodes: int, primed: int, learner: int) -> None:
    """A row in each layer in, its bias, and a column in the layer out: arXiv:2205.01541."""
    model = adapted(name, METHOD)
    assert adapters.count(model).trainable == DEPTH * primed

    assert adapters.count(chosen(model)).trainable == DEPTH * round(0.1 * nodes) * learner


@pytest.mark.parametrize("keeps", [False, True])
def test_learners_are_the_nodes_that_moved_most(keeps: bool) -> None:
    """By hand in one layer of gpt2: |row of c_fc| + |its bias| + |column of c_proj|."""
    model = adapted("gpt2", METHOD)
    mlp = model.base_model.model.transformer.h[1].mlp
    into, out = mlp.c_fc, mlp.c_proj
    change, back = into.far_change["default"].detach(), out.far_change["default"].detach()
    moves = change.abs().sum(1) + into.far_shift["default"].detach().abs() + back.abs().sum(0)
    wanted = moves.argsort(descending=True)[:26].sort().values

    chosen(model, keeps_primed=keeps)

    assert torch.equal(into.far_nodes["default"].long(), wanted)
    assert torch.equal(out.far_nodes["default"].long(), wanted)
    assert torch.equal(into.far_weight["default"], change[wanted] * keeps)
    assert torch.equal(out.far_weight["default"], back[:, wanted] * keeps)


def test_the_learners_part_is_the_changed_layer() -> None:
    """W + Δ as a whole matrix gives the same as rows and columns alone."""
    model = chosen(adapted("gpt2", METHOD), keeps_primed=True)
    expected = outputs(model, "gpt2").detach()

    torch.testing.assert_close(
        outputs(adapters.merge(model), "gpt2"), expected, rtol=1e-4, atol=1e-5
    )


def test_after_priming_it_begins_again_as_the_base() -> None:
    model = chosen(adapted("llama", METHOD))

    assert torch.equal(outputs(model, "llama"), outputs(base("llama"), "llama"))


@pytest.mark.parametrize("name", ["phi3", "mixtral"])
def test_without_inner_nodes_of_their_own_it_is_refused_in_words(name: str) -> None:
    with pytest.raises(AskedWrongly, match="no feed-forward of plain linear layers"):
        adapted(name, METHOD)


def run(ready: loop.Setup, stop_after: int | None = None) -> list[loop.Report]:
    """Train, or stop after so many steps."""
    reports: list[loop.Report] = []
    loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and reports[-1].step >= stop_after,
    )
    return reports


@pytest.mark.parametrize("stop_after", [2, 3, 4])
@pytest.mark.some(2)
def test_a_run_resumes_exactly_in_either_part_and_at_the_choice(
    stop_after: int, tiny_model: Path, tmp_path: Path
) -> None:
    """Six steps, three of them priming."""
    straight = setup(tiny_model, tmp_path / "straight", method=METHOD, max_steps=6)
    run(straight)

    run(setup(tiny_model, tmp_path / "cut", method=METHOD, max_steps=6), stop_after)
    resumed = setup(tiny_model, tmp_path / "cut", method=METHOD, max_steps=6)
    run(resumed)

    wanted, found = (dict(adapters.trainable(each.model)) for each in (straight, resumed))
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_early_stopping_waits_for_the_learners(tiny_model: Path, tmp_path: Path) -> None:
    training: dict[str, Any] = {"early_stopping": 1, "eval_every": 1, "learning_rate": 1.0}
    ready = setup(tiny_model, tmp_path, method=METHOD, max_steps=10, **training)

    assert run(ready)[-1].step > 5


@pytest.mark.parametrize("stop_after", [2, None])
def test_the_file_holds_the_learners_and_loads_to_the_same(
    stop_after: int | None, tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(tiny_model, tmp_path / "run", method=METHOD, max_steps=6)
    run(ready, stop_after)

    adapters.save(ready.model, tmp_path / "out", base_name="Tiny", choice=ready.spec.method)

    ids = torch.tensor([[4, 5, 6, 7]])
    loaded = adapters.load(loading.load_base(tiny_model, torch.float32), tmp_path / "out").eval()
    assert torch.equal(loaded(ids).logits, ready.model.eval()(ids).logits)
    tensors = safetensors.torch.load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert {name.rpartition("far_")[2] for name in tensors} <= {"weight", "bias", "nodes"}


def test_a_run_of_one_step_is_refused_in_words(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(AskedWrongly, match="at least two steps"):
        run(setup(tiny_model, tmp_path, method=METHOD, max_steps=1))
