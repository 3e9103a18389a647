"""From the start to a download that plain PEFT opens, all in the page."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from studio.settings import ASSETS
from tests import tiny
from tests.journeys.person import Person

pytestmark = pytest.mark.shared_studio

# LoRA of rank 16 on the tiny model: 2 layers; query and output 32 by 32, key and value 32 by 16,
# and three of 32 by 64.
TRAINABLE = 2 * 16 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 64))

# The starter model has 30 layers: query and output 576 by 576, key and value 576 by 192, and three
# of 576 by 1,536.
STARTER_TRAINABLE = 30 * 16 * (2 * (576 + 576) + 2 * (576 + 192) + 3 * (576 + 1536))


def rows_of_the_starter_data(file: Path, count: int) -> Path:
    """The first rows of the starter data as a file of the test's own."""
    lines = (ASSETS / "starter" / "replies.csv").read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(lines[: count + 1]) + "\n", encoding="utf-8")
    return file


def parameters_of(adapter: Path, base: Path) -> tuple[int, Any]:
    """How many numbers the adapter holds as plain PEFT opens it, and the model."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    found = {name: tensor for name, tensor in model.named_parameters() if "lora_" in name}
    return sum(tensor.numel() for tensor in found.values()), model


def change_by(model: Any) -> float:
    """The largest difference that the adapter makes to the logits of a fixed text."""
    import torch

    ids = torch.arange(100, 140)[None]
    with torch.inference_mode():
        tuned = model(input_ids=ids).logits
        with model.disable_adapter():
            base = model(input_ids=ids).logits
    return float((tuned - base).abs().max())


def the_starter_of(person: Person) -> Path:
    """The folder that the starter model was converted to."""
    (config,) = person.studio.home.models.glob("*/config.json")
    return config.parent


def test_a_beginner_comes_from_the_first_page_to_downloads_that_peft_and_transformers_open(
    person: Person, tiny_model: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    person.begins()
    person.chooses_model(tiny_model)
    person.uploads(tiny.write_csv(tmp_path / "replies.csv", 40))
    person.goes_on_to_method()
    person.sets("training-epochs", "30")
    person.opens_more_settings()
    person.sets("training-learning_rate", "0.01")
    expect(person.page.locator("#figure-trainable strong")).to_have_text(f"{TRAINABLE:,}")
    run = person.starts_training("First try")

    person.waits_for_a_longer("curve")
    person.waits_for_a_longer("log")
    person.waits_until_done()
    assert "<" not in person.curve
    assert len(person.curve.split()) > 5

    person.page.get_by_role("link", name="Try it").last.click()
    assert len(person.asks("Where can I find a kettle under 10 euros?")) == 2

    person.page.goto(f"{person.studio.instance.address}export?run={run}")
    card = person.exports("Adapter only")
    archive = person.downloads(card, tmp_path)
    zipfile.ZipFile(archive).extractall(tmp_path / "adapter")
    count, _ = parameters_of(tmp_path / "adapter", tiny_model)
    assert count == TRAINABLE

    archive = person.downloads(person.exports("Whole model"), tmp_path)
    zipfile.ZipFile(archive).extractall(tmp_path / "whole")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "whole").num_parameters() > 0
    assert AutoTokenizer.from_pretrained(tmp_path / "whole").chat_template
    assert person.complaints == []


@pytest.mark.long
def test_the_starter_model_learns_the_starter_data_in_the_page(
    person: Person, tmp_path: Path
) -> None:
    person.begins()
    person.chooses_model("starter")
    person.uploads(rows_of_the_starter_data(tmp_path / "replies.csv", 60))
    person.goes_on_to_method()
    person.sets("training-epochs", "2")
    run = person.starts_training("Starter")
    person.waits_for_a_longer("curve")
    person.waits_until_done()

    person.page.goto(f"{person.studio.instance.address}try?run={run}")
    before, after = person.asks("Where is my kettle? Order 40213.")
    assert before != after

    person.page.goto(f"{person.studio.instance.address}export?run={run}")
    archive = person.downloads(person.exports("Adapter only"), tmp_path)
    zipfile.ZipFile(archive).extractall(tmp_path / "adapter")
    count, model = parameters_of(tmp_path / "adapter", the_starter_of(person))
    assert count == STARTER_TRAINABLE
    assert change_by(model) > 0
