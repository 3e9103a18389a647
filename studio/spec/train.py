"""TrainSpec: one training as asked for, frozen and checked, JSON both ways, versioned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.errors import AskedWrongly, FieldProblem
from studio.spec.choices import LoggerChoice, MethodChoice, ObjectiveChoice
from studio.spec.problems import raise_problems
from studio.spec.reading import VERSION, Reading
from studio.spec.sections import DataChoice, ModelChoice, Training


@dataclass(frozen=True)
class TrainSpec:
    """One training, as asked for. What is left out takes its default; `parse` reports all errors at once."""

    model: ModelChoice
    data: DataChoice
    objective: ObjectiveChoice
    method: MethodChoice
    training: Training
    loggers: tuple[LoggerChoice, ...] = ()
    name: str = ""
    # Left out: it is the method's for a middling model then, and settled by size when the run is queued.
    rate_is_open: bool = field(default=False, compare=False)
    version: int = field(default=VERSION)

    @classmethod
    def parse(cls, document: Any) -> TrainSpec:
        """A checked spec from JSON data. Raises AskedWrongly naming every field that cannot be used."""
        reading = Reading()
        sections = reading.top(document)
        method = reading.method(sections.get("method", "lora"))
        # The rate that suits the method, where none was given: full fine-tuning needs a tenth of LoRA's.
        training = dict(_as_mapping(sections.get("training")))
        model = sections.get("model", {})
        if method is not None:
            training.setdefault("learning_rate", method.method.learning_rate)
            if isinstance(model, Mapping):
                model = {"quantization": method.method.quantization, **model}
        spec = cls(
            version=VERSION,
            name=reading.text("name", sections.get("name", "")),
            model=reading.section("model", ModelChoice, model),
            data=reading.section("data", DataChoice, sections.get("data", {})),
            objective=reading.objective(sections.get("objective", "chat")),
            method=method,  # type: ignore[arg-type]  # None only together with a problem
            training=reading.section(
                "training",
                Training,
                training
                if isinstance(sections.get("training", {}), Mapping)
                else sections["training"],
            ),
            rate_is_open="learning_rate" not in _as_mapping(sections.get("training")),
            loggers=reading.loggers(sections.get("loggers", [])),
        )
        reading.raise_problems()
        spec._check_together()
        return spec

    @classmethod
    def load(cls, path: Path) -> TrainSpec:
        """The spec in a JSON file. Raises AskedWrongly when the file is missing or is not JSON."""
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise AskedWrongly(
                f"The spec {path} cannot be read ({error.strerror or error}). Check the path.",
                code="spec",
            ) from error
        except ValueError as error:
            raise AskedWrongly(
                f"The spec {path} is not valid JSON: {error}.", code="spec"
            ) from error
        return cls.parse(document)

    def to_json(self) -> dict[str, Any]:
        """The spec as JSON data, every field written out; `parse` gives the same spec back."""
        return {
            "version": self.version,
            "name": self.name,
            "model": self.model.model_dump(mode="json"),
            "data": self.data.model_dump(mode="json"),
            "objective": {
                "name": self.objective.name,
                **self.objective.settings.model_dump(mode="json"),
            },
            "method": {"name": self.method.name, **self.method.settings.model_dump(mode="json")},
            "training": self.training.model_dump(mode="json"),
            "loggers": [
                {"name": choice.name, **choice.settings.model_dump(mode="json")}
                for choice in self.loggers
            ],
        }

    def _check_together(self) -> None:
        """What each field allows alone but not beside the others."""
        problems = []
        if self.model.double_quantization and self.model.quantization not in ("nf4", "fp4"):
            problems.append(
                FieldProblem("model.double_quantization", "It needs a 4-bit model; switch it off.")
            )
        needed = self.method.method.quantization
        if self.model.quantization == "none" != needed:
            words = (
                f"{self.method.method.title} needs the base in few bits: use {json.dumps(needed)} or leave it "
                'out. With a whole base the method is called "lora".'
            )
            problems.append(FieldProblem("model.quantization", words))
        problems += self._what_the_method_cannot()
        problems += self._cannot_go_on()
        if self.training.early_stopping is not None:
            problems += self._nothing_to_stop_by()
        if self.training.sharding != "none":
            problems += self._nothing_to_spread()
        if self.training.offload != "none":
            problems += self._nothing_to_offload()
        if self.training.kernels == "liger" and self.training.devices == "cpu":
            words = 'Liger\'s kernels run on an NVIDIA GPU. Use "own", or another device.'
            problems.append(FieldProblem("training.kernels", words))
        raise_problems(problems)

    def _what_the_method_cannot(self) -> list[FieldProblem]:
        """What the method's flags speak against, whatever the base is."""
        method, found = self.method.method, []
        held = self.model.quantization
        if held != "none" and held not in method.quantizations:
            able = ", ".join(map(json.dumps, sorted(method.quantizations)))
            words = f"{method.title} cannot be used with the base held in so few bits. Use " + (
                f'"none" or {able}.' if able else '"none", or a method such as lora.'
            )
            found.append(FieldProblem("model.quantization", words))
        if self.training.gradient_checkpointing and not method.recomputes:
            words = f"{method.title} cannot compute intermediate results twice: switch it off."
            found.append(FieldProblem("training.gradient_checkpointing", words))
        if self.training.packing == "on" and not method.packs:
            words = f'{method.title} needs each row in a line of its own: use "auto" or "off".'
            found.append(FieldProblem("training.packing", words))
        return found

    def _cannot_go_on(self) -> list[FieldProblem]:
        """What speaks against going on from an earlier adapter, whatever that is."""
        if self.model.adapter is None:
            return []
        method, found = self.method.method, []
        reason = method.why_finished(self.method.settings) if self.model.learns_on else None
        if reason:
            words = f"What {method.title} leaves cannot itself learn on: {reason}. "
            if method.is_mergeable and method.family != "full":
                words += 'Use "merge": it then becomes part of the base, and something new is learned on top.'
            found.append(FieldProblem("model.adapter_use", words.strip()))
        if not self.model.learns_on and self.model.quantization != "none":
            words = (
                "The base is held in so few bits that what is merged into it would be rounded away. Use "
                '"train", or quantization "none" with a method such as lora.'
            )
            found.append(FieldProblem("model.adapter_use", words))
        return found

    def within(self, places: int | None) -> TrainSpec:
        """The spec with rows cut where a model of so many places ends, the method's own tokens before them.

        Itself where that changes nothing; None is a model without an end.
        """
        own = int(getattr(self.method.settings, "virtual_tokens", 0))
        if places is None or self.training.max_length + own <= places:
            return self
        training = self.training.model_copy(update={"max_length": max(8, places - own)})
        return replace(self, training=training)

    @property
    def may_pack(self) -> bool:
        """Whether rows may share a line, as far as the settings and the method tell."""
        return self.training.packing != "off" and self.method.method.packs

    def _nothing_to_spread(self) -> list[FieldProblem]:
        """Sharding needs several processes, and an optimizer that can keep a share of its numbers."""
        found = []
        if self.training.processes == 1:
            words = (
                "It spreads the model over several processes: set training.processes to 2 or more."
            )
            found.append(FieldProblem("training.sharding", words))
        if "8bit" in self.training.optimizer:
            words = (
                "The 8-bit optimizers cannot keep a share of a weight. "
                'Use "adamw" or "sgd", or training.sharding "none".'
            )
            found.append(FieldProblem("training.optimizer", words))
        return found

    def _nothing_to_offload(self) -> list[FieldProblem]:
        """Offloading keeps frozen layers off a GPU, which holds them by itself."""
        reasons = [
            (self.training.devices == "cpu", "The processor computes in the main memory anyway"),
            (self.training.sharding != "none", "A sharded model is not held whole anywhere"),
            (
                self.method.method.family == "full",
                f"{self.method.method.title} trains every layer: none is frozen",
            ),
        ]
        return [
            FieldProblem("training.offload", f'{words}. Use "none".')
            for is_so, words in reasons
            if is_so
        ]

    def _nothing_to_stop_by(self) -> list[FieldProblem]:
        """Early stopping looks at the held-out loss: without one it would never stop."""
        words = "Early stopping needs it: the held-out loss says when to stop."
        found = []
        if self.training.eval_every == "never":
            found.append(FieldProblem("training.eval_every", f'{words} Use "epoch" or a number.'))
        if self.data.held_out == 0:
            words = (
                "It looks at rows kept out of training, and none are: keep a share, such as 0.1."
            )
            found.append(FieldProblem("training.early_stopping", words))
        return found


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
