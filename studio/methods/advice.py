"""Advice: a method with its settings, and the reason, for three plain answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from studio.methods.benchmark import Run, runs

Matters = Literal["quality", "small file", "least memory", "never forget"]
Tasks = Literal["one", "many"]
# Up to how many examples there are few of them; from how many on, many. Rules of thumb, not measured.
FEW, MANY = 100, 2000


@dataclass(frozen=True)
class Advice:
    """A method by name, the settings that differ from its defaults, and why, in words for a person."""

    method: str
    reason: str
    settings: dict[str, Any] = field(default_factory=dict)


def advise(examples: int, matters: Matters, tasks: Tasks) -> Advice:
    """What to begin with. `examples` is the number of rows to train on."""
    advice = {
        "quality": _quality,
        "small file": _small_file,
        "least memory": _least_memory,
        "never forget": _never_forget,
    }[matters](examples)
    if tasks == "many":
        reason = (
            f"{advice.reason} For several tasks train one such add-on each, and keep them beside the one "
            "model instead of merging them."
        )
        return Advice(advice.method, reason, advice.settings)
    return advice


def _quality(examples: int) -> Advice:
    if examples <= FEW:
        return Advice(
            "lora",
            f"With {examples} examples a small LoRA learns the form without learning them by heart; a "
            f"smaller rank leaves it less room for that. {_said(runs()['lora:rank32'])}",
            {"rank": 8, "alpha": 16, "dropout": 0.05},
        )
    if examples >= MANY:
        return Advice(
            "lora",
            f"With {examples:,} examples a larger LoRA pays, with the scaling made for it (rsLoRA). "
            f"{_said(runs()['lora:rank64-rslora'])}",
            {"rank": 64, "alpha": 64, "rslora": True},
        )
    run = runs()["lora:rank32"]
    return Advice(
        "lora",
        "LoRA learns as well as training every weight does, within the noise, for about half the memory "
        f"and time. {_said(run)} Full fine-tuning: {_figures(runs()['full-finetuning:lr_0.00001'])}.",
    )


def _small_file(examples: int) -> Advice:
    if examples <= FEW:
        return Advice(
            "ia3",
            "(IA)³ learns one factor for each inner value: its file is the smallest that still learns "
            f"well, and few numbers learn little by heart. {_said(runs()['ia3:all-attn-5k-lr0.005'])}",
        )
    return Advice(
        "lokr",
        f"LoKr came near to LoRA's quality with a quarter of its file. "
        f"{_said(runs()['lokr:rank32-factor4-lr0.003'])} LoRA: {_figures(runs()['lora:rank32'])}.",
    )


def _least_memory(examples: int) -> Advice:
    return Advice(
        "qlora",
        "QLoRA holds the model in 4 bits, about a seventh of its memory in 32, and trains a LoRA beside "
        "it. PEFT's comparison has no run of it; what it needs here stands at the foot of the page.",
        {"rank": 8, "alpha": 16} if examples <= FEW else {},
    )


def _never_forget(examples: int) -> Advice:
    return Advice(
        "oft",
        "OFT turns what the model knows without stretching it: among the methods that learned well it is "
        f"one of those that forgot least. {_said(runs()['oft:rank32'])} "
        f"LoRA: {_figures(runs()['lora:rank32'])}.",
    )


def _said(run: Run) -> str:
    return f"In PEFT's comparison: {_figures(run)}."


def _figures(run: Run) -> str:
    size = f"{run.file_mb:,.0f}" if run.file_mb >= 100 else f"{run.file_mb:.3g}"
    return (
        f"{run.accuracy:.1f} % right, {run.memory_gb:.1f} GB, a file of {size} MB, "
        f"forgetting {run.forgetting:.3f}"
    )
