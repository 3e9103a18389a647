"""Intrinsic prompt tuning: a few numbers make the prompt, and what is saved is an ordinary one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import safetensors.torch
import torch
from torch import Tensor

from studio.errors import AskedWrongly
from studio.training import adapters, loading, loop
from studio.training.tuners.intrinsic_prompt import Decoder
from tests.studio.training.setups import setup
from tests.studio.training.tuners.models import adapted

TOKENS = 4
METHOD = {"name": "intrinsic_prompt", "virtual_tokens": TOKENS, "dimension": 6, "inner": 24}


def width_of(model: Path) -> int:
    """The tiny model's width."""
    width: int = json.loads((model / "config.json").read_text())["hidden_size"]
    return width


def earlier(folder: Path, width: int, count: int = 3, tokens: int = TOKENS) -> list[str]:
    """Prompts that share a direction: each is one base plus a multiple of another."""
    generator = torch.Generator().manual_seed(0)
    start, towards = (torch.randn(tokens, width, generator=generator) for _ in range(2))
    folders = []
    for number in range(count):
        place = folder / str(number)
        place.mkdir(parents=True)
        prompt = start + number * towards
        safetensors.torch.save_file(
            {"prompt_embeddings": prompt}, place / "adapter_model.safetensors"
        )
        config = {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": tokens, "token_dim": width}
        (place / "adapter_config.json").write_text(json.dumps(config))
        folders.append(str(place))
    return folders


def run(ready: loop.Setup, stop_after: int | None = None) -> loop.Setup:
    """Train, or stop after so many steps."""
    steps: list[int] = []
    loop.run(
        ready,
        on_report=lambda report: steps.append(report.step),
        should_stop=lambda: stop_after is not None and steps[-1] >= stop_after,
    )
    return ready


def prompt_of(model: Any) -> Tensor:
    """The prompt as it stands before a question."""
    prompt: Tensor = model.prompt_encoder["default"].embedding.weight.detach()
    return prompt


def test_as_many_numbers_train_as_was_said() -> None:
    """d_I numbers: arXiv:2110.07867, section 3.3."""
    assert adapters.count(adapted("llama", METHOD)).trainable == 6


def test_a_random_network_begins_at_words_of_the_vocabulary() -> None:
    model = adapted("llama", METHOD, moved=False)
    words = model.word_embeddings.weight

    near = (prompt_of(model)[:, None] - words[None]).abs().amax(-1).amin(1)
    assert float(near.max()) == 0.0


def test_the_network_is_the_papers() -> None:
    """W₂ tanh(W₁ z + b₁) + b₂, by hand."""
    torch.manual_seed(0)
    decoder = Decoder(2, 3, torch.randn(2, 2))
    z = torch.tensor([0.5, -1.0])

    by_hand = decoder.second @ torch.tanh(decoder.first @ z + decoder.first_offset)

    torch.testing.assert_close(decoder(z), (by_hand + decoder.second_offset).view(2, 2))


def test_what_earlier_prompts_have_in_common_is_learned(tiny_model: Path, tmp_path: Path) -> None:
    """The fourth prompt on the line of the three is reached by z alone; a random network stays away."""
    width = width_of(tiny_model)
    folders = earlier(tmp_path / "earlier", width, count=4)
    wanted = safetensors.torch.load_file(Path(folders.pop()) / "adapter_model.safetensors")

    def distance(ways: Any) -> float:
        method = {**METHOD, "earlier": ways}
        ready = setup(tiny_model, tmp_path / str(len(ways)), method=method, max_steps=1)
        tuner, settings = ready.tuner, ready.spec.method.settings
        torch.manual_seed(0)
        tuner.prepare(ready.model, settings, loop._ground(ready, loop.plan(ready)))
        ((_, z),) = adapters.trainable(ready.model)
        embedding: Any = ready.model
        goal = wanted["prompt_embeddings"]
        optimizer = torch.optim.Adam([z], lr=0.05)
        for _ in range(300):
            optimizer.zero_grad()
            loss = (embedding.prompt_encoder["default"].embedding.weight - goal).square().mean()
            loss.backward()
            optimizer.step()
        return float(loss.detach() / goal.var())

    assert distance(folders) < 0.3 * distance("random")


def test_the_result_is_an_ordinary_prompt(tiny_model: Path, tmp_path: Path) -> None:
    folders = earlier(tmp_path / "earlier", width_of(tiny_model))
    ready = run(
        setup(tiny_model, tmp_path / "run", method={**METHOD, "earlier": folders}, max_steps=3)
    )
    ids = torch.tensor([[4, 5, 6, 7]])
    expected = ready.model.eval()(ids).logits.detach()

    adapters.save(ready.model, tmp_path / "out", base_name="Tiny", choice=ready.spec.method)

    tensors = safetensors.torch.load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert {name: tuple(value.shape) for name, value in tensors.items()} == {
        "prompt_embeddings": (TOKENS, width_of(tiny_model))
    }
    base = loading.load_base(tiny_model, torch.float32)
    loaded = peft.PeftModel.from_pretrained(base, str(tmp_path / "out")).eval()
    assert torch.equal(loaded(ids).logits, expected)


def test_a_run_goes_on_exactly_though_the_earlier_prompts_are_gone(
    tiny_model: Path, tmp_path: Path
) -> None:
    """The trainer reads them once; afterwards only that they can be read at all is asked for."""
    folders = earlier(tmp_path / "earlier", width_of(tiny_model))
    method = {**METHOD, "earlier": folders}
    straight = run(setup(tiny_model, tmp_path / "straight", method=method, max_steps=4))
    run(setup(tiny_model, tmp_path / "cut", method=method, max_steps=4), stop_after=2)
    for folder in folders:
        (Path(folder) / "adapter_model.safetensors").unlink()

    resumed = run(setup(tiny_model, tmp_path / "cut", method=method, max_steps=4))

    assert torch.equal(prompt_of(resumed.model), prompt_of(straight.model))


def test_earlier_prompts_that_do_not_fit_are_refused_in_words(
    tiny_model: Path, tmp_path: Path
) -> None:
    folders = earlier(tmp_path / "earlier", width_of(tiny_model), tokens=TOKENS + 1)
    with pytest.raises(AskedWrongly, match="holds no prompt of 4 tokens"):
        setup(tiny_model, tmp_path / "run", method={**METHOD, "earlier": folders})
    with pytest.raises(AskedWrongly, match="at least two earlier prompts"):
        setup(tiny_model, tmp_path / "run", method={**METHOD, "earlier": folders[:1]})
    shutil.rmtree(folders[0])
    with pytest.raises(AskedWrongly, match="no adapter can be read"):
        setup(tiny_model, tmp_path / "run", method={**METHOD, "earlier": folders})
    with pytest.raises(AskedWrongly, match="use prompt tuning"):
        setup(tiny_model, tmp_path / "run", method={**METHOD, "dimension": 4000})
