"""What every method declares about itself: words, settings, what it can do, and what PEFT is to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pydantic

from studio.methods.base import Base, Quantization, Task

# How sure an estimate of memory is: shown to be right, an upper bound with a margin, or by formula.
Certainty = Literal["exact", "bounded", "not estimated"]
Family = Literal["re-parametrised", "additive", "soft prompt", "selective", "full"]
FEW_BITS: frozenset[Quantization] = frozenset({"nf4", "fp4", "int8"})
TASKS: frozenset[Task] = frozenset({"CAUSAL_LM", "SEQ_CLS", "SEQ_2_SEQ_LM"})
_TASK_WORDS: dict[Task, str] = {
    "CAUSAL_LM": "models that write text from the first word to the last",
    "SEQ_CLS": "models that choose a label",
    "SEQ_2_SEQ_LM": "models with an encoder and a decoder",
}


class MethodSettings(pydantic.BaseModel):
    """The base of every method's `Settings`: frozen, strict, no unknown fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)
    # What a setting was called before, and its name now: specs that were written then are read for ever.
    formerly: ClassVar[Mapping[str, str]] = {}

    @pydantic.model_validator(mode="before")
    @classmethod
    def _under_its_name(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        # Beside its present name the former one is an unknown field like any other.
        now = {old: new for old, new in cls.formerly.items() if new not in given}
        return {now.get(name, name): value for name, value in given.items()}


def _nothing_against(settings: Any, base: Base) -> str | None:
    return None


@dataclass(frozen=True)
class Method:
    """A way to fine-tune. `peft_config` gives PEFT's plain data, or None where the weights themselves train.

    What a method can do is a flag here, and tests hold each flag against real models; `unsuited` says in
    words why it cannot be used on a base, where that is known before anything is built.
    """

    name: str
    title: str
    sentence: str
    paragraph: str
    family: Family
    paper: str
    settings: type[MethodSettings]
    learning_rate: float
    # Where `learning_rate` comes from: a paper, a benchmark, a script; it begins with "ours" where nobody
    # published one that we could take.
    rate_source: str
    is_mergeable: bool
    peft_config: Callable[[Any, Base], dict[str, Any] | None]
    # How much faster than the run's rate a parameter learns, by its name (LoRA+); 1.0 for most methods.
    rate_factor: Callable[[Any, str], float] = lambda settings, parameter: 1.0
    # What of `learning_rate` suits a base of so many parameters.
    rate_share: Callable[[int], float] = lambda parameters: 1.0
    # How the base is held where the spec does not say; a method that names one needs a quantised base.
    quantization: Quantization = "none"
    # In how few bits its base may be held.
    quantizations: frozenset[Quantization] = FEW_BITS
    tasks: frozenset[Task] = TASKS
    # Whether rows may share a line, activations be recomputed, and GPT-2's kind of linear layer be used.
    packs: bool = True
    recomputes: bool = True
    takes_conv1d: bool = True
    unsuited: Callable[[Any, Base], str | None] = _nothing_against
    # Of settings whose values depend on the base's widths: those that can be used on it.
    choices: Callable[[Any, Base], Mapping[str, Sequence[Any]]] = lambda settings, base: {}
    # What people should know that it does to this very base, one sentence; empty where there is nothing.
    remark: Callable[[Any, Base], str] = lambda settings, base: ""
    # Why not, where it cannot be merged: the rest of "it cannot be merged, because ...".
    unmergeable: str = "what it learned is no change of the model's weights"
    # What tests/benchmarks/estimate.py showed of its estimated memory, against real steps.
    memory: Certainty = "bounded"
    # Whether it is offered before "all methods" are looked through.
    is_well_known: bool = False
    # PEFT's type of the adapters that it builds on, where it begins from those of earlier trainings: its
    # settings then have a field `earlier`.
    builds_on: str | None = None
    # Why the adapter that it leaves cannot itself learn on in a later training, by its settings: the rest of
    # "it cannot learn on, because ..."; None where it can.
    why_finished: Callable[[Any], str | None] = lambda settings: None
    # The settings that may differ where an adapter learns on: they decide neither shape nor scale of it.
    free_settings: frozenset[str] = frozenset({"dropout"})
    # The module of `training/tuners` that puts it on a model, where that is not the one of its own name.
    tuner: str | None = None

    def rate_for(self, parameters: int) -> float:
        """The learning rate for a base of this size, to two digits."""
        return float(f"{self.learning_rate * self.rate_share(parameters):.1e}")

    def why_not(self, settings: MethodSettings, base: Base) -> str | None:
        """Why it cannot be used on this base, in words for a person; None where nothing speaks against it.

        Raises AskedWrongly where it is one setting that does, at that field.
        """
        if base.task not in self.tasks:
            able = ", ".join(_TASK_WORDS[task] for task in sorted(self.tasks))
            return f"it works on {able} only"
        if base.quantization != "none" and base.quantization not in self.quantizations:
            able = ", ".join(sorted(self.quantizations))
            return f"its base cannot be held in {base.quantization}" + (
                f", only in {able}" if able else ": it needs the whole weights"
            )
        if not self.takes_conv1d and any(module.kind == "conv1d" for module in base.modules):
            return f"models of the kind '{base.family}' keep their weights in a way it cannot use"
        return self.unsuited(settings, base)
