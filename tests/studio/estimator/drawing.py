"""Configurations drawn at random: a model, a method, the settings of its training and rows, by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig

from studio.devices import Device
from studio.estimator.blueprint import Plan, blueprint
from studio.estimator.certainty import certainty
from studio.estimator.memory import simulate
from studio.estimator.microbatch import micro_batch
from studio.methods import METHODS
from studio.methods.method import Certainty
from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training.batching import PACKABLE
from studio.training.loading import choose_numbers
from tests.studio.estimator.configurations import (
    CONFIGURATIONS,
    NOT_SIMULATED,
    PADDED_ONLY,
    make_rows,
)
from tests.studio.estimator.real_step import peak_bytes

PROCESSOR = Device("cpu:0", "cpu", 16 * 10**9, 16 * 10**9, "processor")
LABELS = {"name": "classification", "labels": ["a", "b", "c"]}
# What is as wide as the model, by the configurations' many names for it.
_WIDTHS = (
    *("hidden_size", "intermediate_size", "n_embd", "d_model", "d_ff", "ffn_dim"),
    *("word_embed_proj_dim", "moe_intermediate_size"),
)
_DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


@dataclass(frozen=True)
class Drawn:
    """A training of a small model of random weights; `certainty` is what an estimate would say of it."""

    architecture: str
    width: int
    layers: int
    vocabulary: int
    spec: TrainSpec
    lengths: tuple[int, ...]

    @property
    def is_packed(self) -> bool:
        """Whether its rows lie in one line."""
        can = self.spec.may_pack and self.spec.objective.objective.layout in PACKABLE
        return can and self.architecture not in PADDED_ONLY

    @property
    def certainty(self) -> Certainty:
        """What an estimate on a processor says of it."""
        family = getattr(transformers, CONFIGURATIONS[self.architecture][0]).model_type
        return certainty(self.spec, family, self.spec.training.precision, PROCESSOR)

    @property
    def words(self) -> str:
        """All that was drawn, on one line."""
        training, held = self.spec.training, self.spec.model.quantization
        objective, settings = self.spec.objective, self.spec.objective.settings
        parts = [
            f"{self.architecture} x{self.width} {self.layers} layers {self.vocabulary} words",
            self.spec.method.name,
            training.precision,
            training.optimizer,
            f"accumulates {training.gradient_accumulation}",
            "recomputes" if training.gradient_checkpointing else "",
            f"attention {training.attention}" if training.attention != "auto" else "",
            held if held != "none" else "",
            str(getattr(settings, "algorithm", objective.name)),
            f"{'packed' if self.is_packed else 'padded'} {list(self.lengths)}",
        ]
        return ", ".join(part for part in parts if part)

    def make_folder(self, folder: Path) -> Path:
        """A folder that holds the model's config.json and nothing else."""
        kind, values = CONFIGURATIONS[self.architecture]
        wide = {name: value * self.width for name, value in values.items() if name in _WIDTHS}
        deep = {name: self.layers for name in values if name in _DEPTHS}
        changed = {**values, **wide, **deep, "vocab_size": self.vocabulary}
        getattr(transformers, kind)(**changed).save_pretrained(folder)
        return folder

    def compare(self, folder: Path) -> tuple[int, int]:
        """The peak of tensor bytes as estimated, and as torch's profiler saw it in a real step.

        Raises AskedWrongly where the method does not go with the model.
        """
        source = self.make_folder(folder)
        trains_weights = self.spec.method.method.family == "full"
        numbers = choose_numbers(
            self.spec.training.precision, torch.device("cpu"), trains_weights=trains_weights
        )
        config = AutoConfig.from_pretrained(source)
        config.use_cache = False
        rows, packed = rows_for(self.spec, *self.lengths), self.is_packed
        plan = Plan.of(self.spec, numbers)
        shape = micro_batch(rows, self.spec.objective.objective.layout, packed=packed)
        if self.spec.training.gradient_accumulation > 1:
            shape = replace(shape, adds_up=True)
        estimated = simulate(blueprint(source, plan), self.spec, shape, numbers).peak.bytes
        real = peak_bytes(config, self.spec, rows, numbers, packed=packed)
        return estimated, real


def draw(chance: random.Random) -> Drawn:
    """One of all that can be set; what does not go together is drawn again."""
    while True:
        architecture = chance.choice(sorted(set(CONFIGURATIONS) - NOT_SIMULATED))
        spec = _spec(chance, architecture)
        lengths = tuple(chance.randint(16, 200) for _ in range(chance.randint(1, 6)))
        drawn = Drawn(
            architecture=architecture,
            width=chance.choice((1, 2, 4)),
            layers=chance.choice((2, 3, 4, 6)),
            vocabulary=chance.choice((512, 2048, 8192)),
            spec=spec,
            lengths=lengths,
        )
        if spec.method.method.quantizations or spec.model.quantization == "none":
            return drawn


def _spec(chance: random.Random, architecture: str) -> TrainSpec:
    objective: Any = {"bert": LABELS, "t5": "seq2seq"}.get(architecture) or chance.choice(
        ("chat", "chat", "chat", "text", LABELS, "preference")
    )
    is_padded = architecture in PADDED_ONLY or objective in ("seq2seq", LABELS)
    name = chance.choice(["lora", "full", *sorted(METHODS)])
    method: dict[str, Any] = {"name": name}
    if name == "lora":
        method |= {
            "rank": chance.choice((4, 16, 64)),
            "dropout": chance.choice((0.0, 0.1)),
            "dora": chance.random() < 0.2,
        }
    held = chance.choice(("none", "none", "nf4", "fp4", "int8"))
    if held not in METHODS[name].quantizations:
        held = "nf4" if name == "qlora" else "none"
    recomputes = METHODS[name].recomputes and chance.random() < 0.3
    return TrainSpec.parse(
        {
            "method": method,
            "objective": objective,
            "model": {"quantization": held} if held != "none" else {},
            "training": {
                "precision": chance.choice(("fp32", "fp32", "bf16")),
                "optimizer": chance.choice(("adamw", "adamw", "sgd", "adamw_8bit")),
                "gradient_accumulation": chance.choice((1, 1, 2, 4)),
                "gradient_checkpointing": recomputes,
                "attention": chance.choice(("auto", "auto", "auto", "eager")),
                "packing": "off" if is_padded or chance.random() < 0.3 else "auto",
                "batch_size": 8,
            },
        }
    )


def rows_for(spec: TrainSpec, *lengths: int) -> list[Encoded]:
    """Rows of these lengths as the spec's objective has them; what stands beside one is half as long."""
    rows, settings = make_rows(*lengths), spec.objective.settings
    beside = make_rows(*(length // 2 for length in lengths))
    if spec.objective.name == "preference":
        part = "mismatched" if settings.algorithm == "kto" else "rejected"  # type: ignore[attr-defined]
        pairs = zip(rows, beside, strict=True)
        return [replace(row, **{part: other}) for row, other in pairs]  # type: ignore[arg-type]
    if spec.objective.name == "seq2seq":
        pairs = zip(rows, beside, strict=True)
        return [replace(row, target=tuple(other.ids)) for row, other in pairs]
    if spec.objective.name == "classification":
        several = settings.several  # type: ignore[attr-defined]
        return [replace(row, target=(1, 0, 1) if several else (1,)) for row in rows]
    return rows
