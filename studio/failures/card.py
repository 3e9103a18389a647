"""What a failure card is: a cause, how it is recognised, and the remedy that one click carries out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Spec = Mapping[str, Any]
Changes = dict[str, Any]

Verb = Literal["retry", "resume", "change", "open"]
"""What a remedy does: the same again, on from where it stopped, again with `changes`, or a page."""


def no_changes(_: Spec) -> Changes:
    """Nothing of the spec is to be changed."""
    return {}


@dataclass(frozen=True)
class Remedy:
    """What one click does, and what a person has to see to before it.

    `changes(spec)` gives dotted fields of the spec's JSON with their new values; where it gives none,
    nothing can be changed that would help, and the button is not shown. `page` is for `open`.
    """

    label: str
    words: str
    verb: Verb = "retry"
    changes: Callable[[Spec], Changes] = no_changes
    page: str = ""


@dataclass(frozen=True)
class Card:
    """One cause. It is meant by an error code of `codes`, or by a line of the log that `pattern` finds."""

    code: str
    title: str
    cause: str
    remedy: Remedy
    codes: frozenset[str] = field(default_factory=frozenset)
    pattern: str = ""


def smaller(spec: Spec) -> Changes:
    """Less memory: half the rows at a time, and at one row half the longest example."""
    training = spec.get("training") or {}
    rows, length = training.get("batch_size", 1), training.get("max_length", 512)
    if rows > 1:
        all_layers = (
            {}
            if training.get("checkpointed_share", 1) == 1
            else {"training.checkpointed_share": 1.0}
        )
        return {
            "training.batch_size": rows // 2,
            "training.gradient_accumulation": training.get("gradient_accumulation", 1) * 2,
            "training.gradient_checkpointing": True,
            **all_layers,
        }
    return {"training.max_length": length // 2} if length >= 64 else {}


def slower(spec: Spec) -> Changes:
    """A tenth of the learning rate, in 32 bits."""
    training = spec.get("training") or {}
    return {
        "training.learning_rate": training.get("learning_rate", 2e-4) / 10,
        "training.precision": "fp32",
    }


def on_the_processor(_: Spec) -> Changes:
    """No GPU."""
    return {"training.devices": "cpu"}
