"""Advice: a method with its settings, and the reason, for three plain answers and for what fits here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from studio.methods.benchmark import Run, runs
from studio.sizes import size

Matters = Literal["quality", "small file", "least memory", "never forget"]
Tasks = Literal["one", "many"]
# Up to how many examples there are few of them; from how many on, many. Rules of thumb, not measured.
FEW, MANY = 100, 2000
NOT_COMPARED = "It is not yet compared with the memory that is free here."


@dataclass(frozen=True)
class Advice:
    """A method by name, why, in words for a person, and what differs from the defaults.

    `settings` are the method's, `training` those of the training's section; `quantization` says in how few
    bits the base is held where that is not as the method wants it.
    """

    method: str
    reason: str
    settings: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    quantization: str = ""


@dataclass(frozen=True)
class Need:
    """What an advised training needs at worst and what is free, in bytes; `refused` says why it cannot be
    used at all, the rest of "it cannot be used here: ..."."""

    needs_bytes: int = 0
    free_bytes: int = 0
    refused: str = ""

    @property
    def fits(self) -> bool:
        """Whether it can be trained here now."""
        return not self.refused and self.needs_bytes <= self.free_bytes


# What an advised training needs on this machine; None where that is not known.
Ask = Callable[[Advice], Need | None]

# As many examples in a step as by default, one after the other; most of what lies between is computed twice.
_SMALLER = {"batch_size": 1, "gradient_accumulation": 4, "gradient_checkpointing": True}


def not_known(advice: Advice) -> Need | None:
    """Nothing is known of the machine, the model or the data."""
    return None


def advise(examples: int, matters: Matters, tasks: Tasks, ask: Ask = not_known) -> Advice:
    """What to begin with. `examples` is the number of rows to train on.

    `ask` is asked what the advice needs here, and what smaller ones do where that does not fit.
    """
    advice = {
        "quality": _quality,
        "small file": _small_file,
        "least memory": _least_memory,
        "never forget": _never_forget,
    }[matters](examples)
    advice = _that_fits(advice, ask)
    if tasks == "many":
        return _because(
            advice,
            f"{advice.reason} For several tasks train one such add-on each, and keep them beside the one "
            "model instead of merging them.",
        )
    return advice


def _that_fits(first: Advice, ask: Ask) -> Advice:
    """The advice, or the gentlest smaller one where it cannot be trained here."""
    need = ask(first)
    if need is None:
        return _because(first, f"{first.reason} {NOT_COMPARED}")
    if need.fits:
        return _because(first, f"{first.reason} With this model and data it needs {_beside(need)}.")
    against = f"{first.reason} {_against(need)}"
    for smaller, words in _smaller(first, need):
        its = ask(smaller)
        if its is not None and its.fits:
            return _because(smaller, f"{against} {words} {_beside(its)}.")
    return _because(
        first,
        f"{against} Nothing smaller of its kind was found that can be trained here: choose a smaller model, "
        "or let the figures at the foot of the page look for settings that fit.",
    )


def _smaller(first: Advice, need: Need) -> Iterator[tuple[Advice, str]]:
    """What takes less memory, the gentlest first, each with the words before its figures."""
    if need.refused and first.method != "lora":
        first = Advice("lora", "", {"rank": 8, "alpha": 16})
        yield first, "A small LoRA can be used, and needs"
    held = _in_few_bits(first)
    if held is not None:
        is_qlora = held.method == "qlora"
        over = (
            "QLoRA, the same over the model in 4 bits,"
            if is_qlora
            else "With the model in 4 bits it"
        )
        yield held, f"{over} needs"
    how = "One example at a time, and computing twice what would be kept,"
    yield replace(first, training=_SMALLER), f"{how} it needs"
    if held is not None:
        yield replace(held, training=_SMALLER), f"{how} and with the model in 4 bits, it needs"


def _in_few_bits(advice: Advice) -> Advice | None:
    """The same over a base in 4 bits; None where its base is held so already."""
    if advice.method == "qlora":
        return None
    if advice.method == "lora":
        return replace(advice, method="qlora")
    return replace(advice, quantization="nf4")


def _against(need: Need) -> str:
    if need.refused:
        return f"But it cannot be used here: {need.refused.rstrip('.')}."
    return f"But with this model and data it needs {_beside(need)}."


def _beside(need: Need) -> str:
    return f"up to {size(need.needs_bytes)} of the {size(need.free_bytes)} that are free here"


def _because(advice: Advice, reason: str) -> Advice:
    return replace(advice, reason=reason)


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
        "it. PEFT's comparison has no run of it; of LoRA over the model in 16 bits it says: "
        f"{_figures(runs()['lora:rank32'])}.",
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
