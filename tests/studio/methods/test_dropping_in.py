"""A method is one file, or two with its own module: dropped into the folders it is found everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]

METHOD = '''
"""{title}: made to see that one file is enough."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings


class Settings(MethodSettings):
    """What can be set for it."""

    width: int = fields.rank(3, "How wide the dropped method is.")


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {{
        "peft_type": "LORA",
        "r": settings.width,
        "target_modules": [module.name for module in base.linear],
    }}


METHOD = Method(
    name="{name}",
    title="{title}",
    sentence="Learns a little.",
    paragraph="Learns a little, in a file that was dropped into the folder.",
    family="additive",
    paper="",
    settings=Settings,
    learning_rate=0.01,
    rate_source="chosen for a test",
    is_mergeable=True,
    peft_config=peft_config,
)
'''

TUNER = '''
"""A tuner of its own: half of the adapter stays as it began."""

from __future__ import annotations

from typing import Any

from torch import nn

from studio.methods import MethodSettings
from studio.training.heads import Head
from studio.training.tuners.tuner import Tuner


class Half(Tuner):
    """The first matrices stay."""

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        model = super().attach(base, config, settings, head)
        for name, value in model.named_parameters():
            if "lora_A" in name:
                value.requires_grad_(False)
        return model


TUNER = Half()
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Where two dropped methods are found, one of them with a module of its own."""
    folder = tmp_path_factory.mktemp("dropped")
    copy = folder / "copy"
    ignored = shutil.ignore_patterns("__pycache__", "journeys", "benchmarks", "faults")
    for name in ("studio", "jobs", "tests", "assets", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    methods, tuners = copy / "studio" / "methods", copy / "studio" / "training" / "tuners"
    for name, title in (("dropped", "Dropped"), ("half", "Half")):
        (methods / f"{name}.py").write_text(METHOD.format(name=name, title=title), "utf-8")
    (tuners / "half.py").write_text(TUNER, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.studio.methods.finding", str(folder), "dropped", "half"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("name", ["dropped", "half"])
@pytest.mark.some(1)
def test_a_dropped_method_is_on_the_page_with_its_words_and_settings(
    found: dict[str, Any], name: str
) -> None:
    assert found[name]["listed"]
    assert found[name]["words"]
    assert 'data-name="width"' in found[name]["settings"]
    assert "How wide the dropped method is" in found[name]["settings"]


@pytest.mark.parametrize("name", ["dropped", "half"])
def test_a_dropped_method_is_in_the_docs(found: dict[str, Any], name: str) -> None:
    assert found[name]["docs"]


@pytest.mark.parametrize("name", ["dropped", "half"])
def test_a_dropped_method_is_estimated_and_trains_what_was_estimated(
    found: dict[str, Any], name: str
) -> None:
    first, last = found[name]["losses"]

    assert found[name]["trainable"] == found[name]["trained"] > 0
    assert last < first
    assert "adapter_model.safetensors" in found[name]["adapter"]


def test_the_module_of_its_own_decides_what_trains(found: dict[str, Any]) -> None:
    assert found["half"]["trainable"] < found["dropped"]["trainable"]
