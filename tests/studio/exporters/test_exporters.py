"""Every exporter writes a folder that loads by itself, without pickles, with the licence named."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.exporters import EXPORTERS
from studio.exporters.merged import dtype_of
from studio.formats import FORMATS
from studio.formats.merged import Settings
from studio.inference.opened import open_run, trained_folder
from studio.settings import Home
from studio.spec import TrainSpec
from studio.training import adapters, loading

ROOT = Path(__file__).resolve().parents[3]
IDS = torch.tensor([[4, 5, 6, 7]])


def exported(home: Home, job_id: int, name: str, folder: Path, **settings: object) -> torch.Tensor:
    """Export a run into `folder`; the tuned model's logits before that."""
    run = home.run(job_id)
    opened = open_run(run)
    logits: torch.Tensor = opened.model(IDS).logits.detach()
    chosen = FORMATS[name].settings.model_validate(settings)
    EXPORTERS[name](opened, trained_folder(run), chosen, folder)
    return logits


def test_the_adapter_loads_with_plain_peft(
    trained_home: Home, tiny_model: Path, tmp_path: Path
) -> None:
    logits = exported(trained_home, 1, "adapter", tmp_path)

    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    loaded = peft.PeftModel.from_pretrained(base, str(tmp_path)).eval()

    torch.testing.assert_close(loaded(IDS).logits, logits)


@pytest.mark.parametrize("job_id", [1, 2], ids=["lora", "full"])
def test_the_merged_model_stands_alone(trained_home: Home, tmp_path: Path, job_id: int) -> None:
    logits = exported(trained_home, job_id, "merged", tmp_path)

    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, use_safetensors=True).eval()

    torch.testing.assert_close(loaded(IDS).logits, logits, rtol=1e-4, atol=1e-5)
    assert AutoTokenizer.from_pretrained(tmp_path).chat_template
    assert (tmp_path / "generation_config.json").is_file()


def test_the_number_format_and_the_largest_file_are_as_chosen(
    trained_home: Home, tmp_path: Path
) -> None:
    exported(trained_home, 1, "merged", tmp_path, dtype="bf16", shard_gigabytes=0.00003)

    assert (tmp_path / "model.safetensors.index.json").is_file()
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert next(loaded.parameters()).dtype is torch.bfloat16
    assert dtype_of(Settings(dtype="same"), torch.float32) is torch.float32


@pytest.mark.parametrize("name", sorted(EXPORTERS))
def test_the_card_names_base_licence_and_settings_and_no_path(
    trained_home: Home, tmp_path: Path, name: str
) -> None:
    exported(trained_home, 1, name, tmp_path)

    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert '"rank": 16' in card
    assert "$" not in card
    texts = [file.read_text(encoding="utf-8") for file in tmp_path.glob("*.json")]
    assert not any(str(trained_home.folder.parent) in text for text in [card, *texts])
    assert not [file for file in tmp_path.iterdir() if file.suffix in {".bin", ".pt", ".pkl"}]


@pytest.mark.parametrize(
    ("method", "is_ours"), [("houlsby", True), ("lora", False)], ids=["ours", "pefts"]
)
def test_the_lines_on_the_card_load_the_adapter_in_a_fresh_process(
    trained_home: Home, tiny_model: Path, tmp_path: Path, method: str, is_ours: bool
) -> None:
    run = trained_home.run(1)
    choice = TrainSpec.parse({"method": method}).method
    opened = open_run(run)
    order = replace(opened.order, spec=replace(opened.order.spec, method=choice))
    model = adapters.attach(loading.load_base(tiny_model, torch.float32), choice, seed=0)
    torch.manual_seed(0)
    for _, value in adapters.trainable(model):
        value.data += 0.05 * torch.randn_like(value)
    adapters.save(model, tmp_path / "trained", base_name="Tiny", choice=choice)
    (tmp_path / "out").mkdir()
    changed = replace(opened, order=order, model=model)
    EXPORTERS["adapter"](changed, tmp_path / "trained", None, tmp_path / "out")

    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```python\n(.*?)```", card, re.DOTALL)
    assert lines is not None
    assert ("import studio" in lines[1]) == is_ours
    program = lines[1].replace("FOLDER OF THE BASE MODEL", str(tiny_model))
    program = program.replace("FOLDER", str(tmp_path / "out"))
    ask = f"import torch\nprint(model.eval()(torch.tensor({IDS.tolist()})).logits.sum().item())"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{ask}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    expected = float(model.eval()(IDS).logits.detach().sum())
    assert float(done.stdout.splitlines()[-1]) == pytest.approx(expected, rel=1e-4)
