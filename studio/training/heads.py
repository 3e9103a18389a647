"""Heads: which kind of model an objective trains, and what of it stands on top of the base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peft import TaskType
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
)

from studio.errors import ModelProblem
from studio.objectives import Layout
from studio.spec import ObjectiveChoice


@dataclass(frozen=True)
class Kind:
    """A kind of model: what builds it, what PEFT calls its task, and which base it asks for, in words."""

    builder: Any
    task_type: str
    wanted: str


_CAUSAL = Kind(
    AutoModelForCausalLM,
    TaskType.CAUSAL_LM,
    "a model that writes text from the first word to the last, such as Llama, Qwen or GPT",
)
_CLASSIFIER = Kind(
    AutoModelForSequenceClassification,
    TaskType.SEQ_CLS,
    "a model that transformers can give a classification head, such as BERT, Llama or Qwen",
)
_DECODER = Kind(
    AutoModelForSeq2SeqLM,
    TaskType.SEQ_2_SEQ_LM,
    "a model with encoder and decoder, such as T5 or BART",
)
_KINDS: dict[Layout, Kind] = {
    "tokens": _CAUSAL,
    "sequences": _CAUSAL,
    "classes": _CLASSIFIER,
    "decoder": _DECODER,
}


@dataclass(frozen=True)
class Head:
    """What an objective needs on top of a base: of a classification its labels, and whether a row may
    have several."""

    layout: Layout = "tokens"
    labels: tuple[str, ...] = ()
    several: bool = False

    @classmethod
    def of(cls, choice: ObjectiveChoice) -> Head:
        """The head of an objective whose settings are settled."""
        layout = choice.objective.layout
        if layout != "classes":
            return cls(layout)
        # Two until the labels are known: enough to tell what training takes.
        labels = getattr(choice.settings, "labels", None) or ("0", "1")
        return cls(layout, labels, bool(getattr(choice.settings, "several", False)))

    @property
    def kind(self) -> Kind:
        """The kind of model."""
        return _KINDS[self.layout]

    @property
    def config(self) -> dict[str, Any]:
        """What the model's configuration says of the head."""
        if not self.labels:
            return {}
        return {
            "num_labels": len(self.labels),
            "id2label": dict(enumerate(self.labels)),
            "label2id": {label: place for place, label in enumerate(self.labels)},
            "problem_type": "multi_label_classification"
            if self.several
            else "single_label_classification",
        }

    def refuse_other_kinds(self, config: Any) -> None:
        """Raises ModelProblem where a base of this configuration has no such head."""
        if type(config) not in self.kind.builder._model_mapping:
            raise ModelProblem(
                f"This goal needs {self.kind.wanted}; the model chosen is of the kind "
                f"'{config.model_type}'. Choose another model or another goal.",
                code="model_kind",
            )


CAUSAL = Head()


def head_modules(model: nn.Module, head: Head) -> list[str]:
    """The modules that stand on a classifier's base, by name; they begin at random and train whole."""
    return on_top(model) if head.labels else []


def on_top(model: nn.Module) -> list[str]:
    """The modules that stand on a model's base, by name; none where the base is not set apart."""
    prefix = getattr(model, "base_model_prefix", "")
    if not hasattr(model, prefix):
        return []
    return [
        name
        for name, child in model.named_children()
        if name != prefix and next(child.parameters(), None) is not None
    ]
