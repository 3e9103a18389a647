"""What every method declares about itself: words, settings, and what PEFT is to be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pydantic

Family = Literal["re-parametrised", "additive", "soft prompt", "selective", "full"]


class MethodSettings(pydantic.BaseModel):
    """The base of every method's `Settings`: frozen, strict, no unknown fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class LinearModule:
    """One linear layer of a base model, as a method may target it.

    `name` is its full dotted name, `layer` the index of its transformer layer (None outside the layers).
    """

    name: str
    layer: int | None
    is_attention: bool


@dataclass(frozen=True)
class Method:
    """A way to fine-tune. `peft_config` gives PEFT's plain data, or None where the weights themselves train."""

    name: str
    title: str
    sentence: str
    paragraph: str
    family: Family
    paper: str
    settings: type[MethodSettings]
    learning_rate: float
    is_mergeable: bool
    peft_config: Callable[[Any, Sequence[LinearModule]], dict[str, Any] | None]
    # How much faster than the run's rate a parameter learns, by its name (LoRA+); 1.0 for most methods.
    rate_factor: Callable[[Any, str], float] = lambda settings, parameter: 1.0
    # What of `learning_rate` suits a base of so many parameters.
    rate_share: Callable[[int], float] = lambda parameters: 1.0
    # How the base is held where the spec does not say; a method that names one needs a quantised base.
    quantization: Literal["none", "nf4", "fp4", "int8"] = "none"

    def rate_for(self, parameters: int) -> float:
        """The learning rate for a base of this size, to two digits."""
        return float(f"{self.learning_rate * self.rate_share(parameters):.1e}")
