"""What a method is told of a base model: its modules with their sizes, and what kind of model it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

ModuleKind = Literal["linear", "conv1d", "norm", "embedding", "output"]
# PEFT's names for what a model is built to do.
Task = Literal["CAUSAL_LM", "SEQ_CLS", "SEQ_2_SEQ_LM"]
Quantization = Literal["none", "nf4", "fp4", "int8"]


@dataclass(frozen=True)
class Module:
    """One module of a base model, as a method may target it.

    `name` is its full dotted name, `layer` the index of its transformer layer (None outside the layers);
    `inputs` and `outputs` are its widths (of an embedding: its entries and their width). `conv1d` is
    GPT-2's linear layer, whose weight lies the other way round.
    """

    name: str
    layer: int | None
    kind: ModuleKind = "linear"
    inputs: int = 0
    outputs: int = 0
    has_bias: bool = False
    is_attention: bool = False

    @property
    def last_name(self) -> str:
        """The last part of its name, such as `q_proj`."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Base:
    """A base model as a method sees it, without its weights.

    `family` is transformers' model_type, `hidden` the width between layers.
    """

    family: str
    task: Task
    hidden: int
    vocab: int
    modules: tuple[Module, ...]
    quantization: Quantization = "none"
    # The tokens that begin and end a text, by number.
    borders: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Base:
        """The base that `dataclasses.asdict` was made of, after JSON."""
        modules = tuple(Module(**module) for module in value["modules"])
        return cls(**{**value, "modules": modules, "borders": tuple(value["borders"])})

    @property
    def linear(self) -> tuple[Module, ...]:
        """The linear layers between embedding and output, in the model's order."""
        return tuple(module for module in self.modules if module.kind in ("linear", "conv1d"))

    @property
    def depth(self) -> int:
        """The number of transformer layers; of an encoder with a decoder, of the deeper of the two."""
        return 1 + max((each.layer for each in self.modules if each.layer is not None), default=-1)


def common_divisors(modules: Iterable[Module], *, at_most: int) -> tuple[int, ...]:
    """Sizes that divide both widths of every module, rising, up to `at_most`."""
    widths = [width for module in modules for width in (module.inputs, module.outputs)]
    common = math.gcd(*widths) if widths else 0
    return tuple(size for size in range(1, min(common, at_most) + 1) if common % size == 0)
