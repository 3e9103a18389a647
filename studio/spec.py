"""TrainSpec and ExportSpec: what is asked for, frozen and checked, JSON both ways, versioned."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from studio.errors import AskedWrongly, FieldProblem, did_you_mean
from studio.formats import FORMATS, Format
from studio.methods import METHODS, Method, MethodSettings
from studio.objectives import OBJECTIVES, Objective, ObjectiveSettings

VERSION = 1

# Values of the contract whose rooms stand empty still: field -> the values that work, what to do.
NOT_YET: dict[str, tuple[tuple[Any, ...], str]] = {
    "model.quantization": (("none",), "Loading in 4 or 8 bits is not built yet"),
    "training.tokens_per_batch": ((None,), "Batches by tokens are not built yet"),
    "training.compile": (("auto", "off"), "Compiling the model is not built yet"),
    "training.offload": (("none",), "Offloading is not built yet"),
    "training.early_stopping": ((None,), "Early stopping is not built yet"),
}


class Section(BaseModel):
    """The base of a spec's sections: frozen, strict, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelChoice(Section):
    """Which base model, and how it is loaded."""

    source: str = Field("starter", min_length=1)
    revision: str | None = None
    quantization: Literal["none", "nf4", "fp4", "int8"] = "none"
    double_quantization: bool = False


class DataChoice(Section):
    """Which examples: a file by `path`, or a kept dataset by its hash; once queued, always the hash."""

    path: str | None = None
    dataset: str | None = None
    columns: dict[str, str] | None = None
    held_out: float = Field(0.1, ge=0.0, le=0.9)
    seed: int = Field(0, ge=0)


class Training(Section):
    """How it is trained; defaults are the contract's."""

    epochs: int = Field(3, ge=1, le=10_000, title="Passes over your examples")
    max_steps: int | None = Field(None, ge=1)
    learning_rate: float = Field(2e-4, gt=0, le=1.0)
    batch_size: int = Field(4, ge=1, le=4096)
    gradient_accumulation: int = Field(1, ge=1, le=4096)
    tokens_per_batch: int | None = Field(None, ge=1)
    max_length: int = Field(512, ge=8, le=1_048_576)
    packing: Literal["auto", "on", "off"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    attention: Literal["auto", "sdpa", "eager"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    optimizer: Literal["adamw", "sgd"] = "adamw"
    scheduler: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_ratio: float = Field(0.03, ge=0.0, le=1.0)
    weight_decay: float = Field(0.0, ge=0.0, le=1.0)
    max_grad_norm: float = Field(1.0, gt=0)
    gradient_checkpointing: bool = False
    offload: Literal["none", "auto"] = "none"
    eval_every: Literal["epoch", "never"] | int = "epoch"
    early_stopping: int | None = Field(None, ge=1)
    keep_checkpoints: int = Field(2, ge=1, le=100)
    devices: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(0, ge=0)

    @pydantic.field_validator("eval_every")
    @classmethod
    def _every_step_count_is_positive(cls, value: str | int) -> str | int:
        if isinstance(value, int) and value < 1:
            raise ValueError("expected 'epoch', 'never' or a number of steps from 1 up")
        return value


@dataclass(frozen=True)
class ObjectiveChoice:
    """An objective's name and its settings."""

    name: str
    settings: ObjectiveSettings

    @property
    def objective(self) -> Objective:
        """The objective itself."""
        return OBJECTIVES[self.name]


@dataclass(frozen=True)
class MethodChoice:
    """A method's name and its settings."""

    name: str
    settings: MethodSettings

    @property
    def method(self) -> Method:
        """The method itself."""
        return METHODS[self.name]


@dataclass(frozen=True)
class TrainSpec:
    """One training, as asked for. What is left out takes its default; `parse` reports all errors at once."""

    model: ModelChoice
    data: DataChoice
    objective: ObjectiveChoice
    method: MethodChoice
    training: Training
    name: str = ""
    version: int = field(default=VERSION)

    @classmethod
    def parse(cls, document: Any) -> TrainSpec:
        """A checked spec from JSON data. Raises AskedWrongly naming every field that cannot be used."""
        reading = _Reading()
        sections = reading.top(document)
        method = reading.method(sections.get("method", "lora"))
        # The rate that suits the method, where none was given: full fine-tuning needs a tenth of LoRA's.
        training = dict(_as_mapping(sections.get("training")))
        if method is not None:
            training.setdefault("learning_rate", method.method.learning_rate)
        spec = cls(
            version=VERSION,
            name=reading.text("name", sections.get("name", "")),
            model=reading.section("model", ModelChoice, sections.get("model", {})),
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
        }

    def _check_together(self) -> None:
        """What each field allows alone but not beside the others, or not yet."""
        problems = []
        values = self.to_json()
        for path, (working, words) in NOT_YET.items():
            section, name = path.split(".")
            value = values[section][name]
            if value not in working:
                allowed = " or ".join(json.dumps(choice) for choice in working)
                problems.append(
                    FieldProblem(path, f"{words}. Found {json.dumps(value)}; use {allowed}.")
                )
        if self.model.double_quantization and self.model.quantization == "none":
            problems.append(
                FieldProblem("model.double_quantization", "It needs a 4-bit model; switch it off.")
            )
        _raise(problems)


@dataclass(frozen=True)
class Base:
    """The base model that an order resolved to: `folder` holds (or will hold, once fetched) its files."""

    source: str
    revision: str
    folder: str
    title: str
    licence: str | None


@dataclass(frozen=True)
class TrainOrder:
    """A spec with what was resolved when it was queued: what the trainer gets, and export later reads."""

    spec: TrainSpec
    base: Base
    predicted: dict[str, Any] | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> TrainOrder:
        """The order in a queue row or a run's folder."""
        base = Base(**document["base"])
        return cls(TrainSpec.parse(document["spec"]), base, document.get("predicted"))

    def to_json(self) -> dict[str, Any]:
        """The order as JSON data."""
        return {
            "spec": self.spec.to_json(),
            "base": asdict(self.base),
            "predicted": self.predicted,
        }


@dataclass(frozen=True)
class ExportSpec:
    """One export, as asked for: which run, which format, where to (`out`, an absolute path)."""

    job: int
    format: str
    settings: Any
    out: str
    version: int = VERSION

    @property
    def format_needs_adapter(self) -> bool:
        """Whether the format is the adapter alone."""
        return FORMATS[self.format].needs_adapter

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> ExportSpec:
        """A checked spec from JSON data. Raises AskedWrongly."""
        reading = _Reading()
        name = str(document.get("format", ""))
        chosen: Format | None = reading.known("format", "format", name, FORMATS)
        settings = (
            reading.section("settings", chosen.settings, document.get("settings", {}))
            if chosen
            else None
        )
        reading.raise_problems()
        return cls(int(document["job"]), name, settings, str(document["out"]))

    def to_json(self) -> dict[str, Any]:
        """The spec as JSON data."""
        settings = self.settings.model_dump(mode="json")
        return {
            "version": self.version,
            "job": self.job,
            "format": self.format,
            "settings": settings,
            "out": self.out,
        }


Model = TypeVar("Model", bound=BaseModel)
Thing = TypeVar("Thing")


class _Reading:
    """Reads a document section by section and collects every problem on the way."""

    SECTIONS = ("version", "name", "model", "data", "objective", "method", "training")

    def __init__(self) -> None:
        self.problems: list[FieldProblem] = []

    def top(self, document: Any) -> dict[str, Any]:
        if not isinstance(document, Mapping):
            raise AskedWrongly(
                'A spec is a JSON object: { … } with sections like "model".', code="spec"
            )
        for name in document:
            if name not in self.SECTIONS:
                self.add(str(name), _unknown(str(name), self.SECTIONS))
        version = document.get("version", VERSION)
        if version != VERSION:
            words = f"Found {version!r}; this program reads version {VERSION}."
            if isinstance(version, int) and version > VERSION:
                words += " The spec was made by a newer program: update this one."
            self.add("version", words)
        return dict(document)

    def section(self, path: str, kind: type[Model], value: Any) -> Model:
        """The section, or its defaults after noting what is wrong with it."""
        if not isinstance(value, Mapping):
            self.add(path, f"Found {_shown(value)}; expected an object: {{ … }}.")
            return kind.model_construct()
        try:
            return kind.model_validate(dict(value))
        except pydantic.ValidationError as error:
            self.problems += _plain(path, kind, error)
            return kind.model_construct()

    def objective(self, value: Any) -> ObjectiveChoice:
        name, settings = self.choice("objective", value)
        chosen = self.known("objective", "objective.name", name, OBJECTIVES)
        if chosen is None:
            return ObjectiveChoice("chat", ObjectiveSettings())
        return ObjectiveChoice(chosen.name, self.section("objective", chosen.settings, settings))

    def method(self, value: Any) -> MethodChoice | None:
        name, settings = self.choice("method", value)
        chosen = self.known("method", "method.name", name, METHODS)
        if chosen is None:
            return None
        return MethodChoice(chosen.name, self.section("method", chosen.settings, settings))

    def choice(self, path: str, value: Any) -> tuple[str, dict[str, Any]]:
        """`{"name": …, settings}`, or the bare name as shorthand."""
        if isinstance(value, str):
            return value, {}
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return value["name"], {key: entry for key, entry in value.items() if key != "name"}
        self.add(path, f'Found {_shown(value)}; expected a name, or an object with "name".')
        return "", {}

    def known(self, kind: str, path: str, name: str, things: Mapping[str, Thing]) -> Thing | None:
        if name in things:
            return things[name]
        if name:
            known = ", ".join(things)
            self.add(
                path,
                f"There is no {kind} '{name}'.{did_you_mean(name, things)} There are: {known}.",
            )
        elif path.endswith("name") and not any(p.field == kind for p in self.problems):
            self.add(path, f"A {kind} must be named. There are: {', '.join(things)}.")
        return None

    def text(self, path: str, value: Any) -> str:
        if isinstance(value, str) and len(value) <= 200:
            return value
        self.add(path, f"Found {_shown(value)}; expected a text of at most 200 characters.")
        return ""

    def add(self, path: str, words: str) -> None:
        self.problems.append(FieldProblem(path, words))

    def raise_problems(self) -> None:
        _raise(self.problems)


def _raise(problems: list[FieldProblem]) -> None:
    if problems:
        lines = " ".join(f"{problem.field}: {problem.words}" for problem in problems)
        raise AskedWrongly(f"The spec cannot be used. {lines}", code="spec", fields=problems)


def _plain(path: str, kind: type[BaseModel], error: pydantic.ValidationError) -> list[FieldProblem]:
    """Pydantic's errors as one problem a field, in plain words."""
    by_field: dict[str, list[Any]] = {}
    for entry in error.errors():
        by_field.setdefault(str(entry["loc"][0]) if entry["loc"] else "", []).append(entry)
    return [
        FieldProblem(f"{path}.{name}" if name else path, _words(kind, name, entries))
        for name, entries in by_field.items()
    ]


def _words(kind: type[BaseModel], name: str, entries: list[Any]) -> str:
    first = entries[0]
    if first["type"] == "extra_forbidden" and name not in kind.model_fields:
        return _unknown(name, kind.model_fields)
    found = _shown(first["input"])
    if first["type"] == "value_error":
        return f"Found {found}; {first['ctx']['error']}."
    expected = " or ".join(dict.fromkeys(_expected(entry) for entry in entries))
    return f"Found {found}; expected {expected}.{_near(first['input'], entries)}"


def _near(found: Any, entries: list[Any]) -> str:
    choices = [
        part.strip(" '")
        for entry in entries
        if entry["type"] == "literal_error"
        for part in entry["ctx"]["expected"].replace(" or ", ", ").split(",")
    ]
    near = difflib.get_close_matches(found, choices, n=1) if isinstance(found, str) else []
    return f" Did you mean '{near[0]}'?" if near else ""


def _expected(entry: Any) -> str:
    """What one pydantic error wanted, in words."""
    context = entry.get("ctx", {})
    wanted = {
        "greater_than_equal": "at least {ge}",
        "greater_than": "more than {gt}",
        "less_than_equal": "at most {le}",
        "less_than": "less than {lt}",
        "literal_error": "{expected}",
        "string_too_short": "a text that is not empty",
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "string_type": "a text",
        "none_required": "null",
        "dict_type": "an object {{ … }}",
        "tuple_type": "a list",
        "model_type": "an object {{ … }}",
        "missing": "a value",
    }.get(entry["type"])
    return wanted.format(**context) if wanted else str(entry["msg"]).lower()


def _unknown(name: str, known: Any) -> str:
    return f"There is no field '{name}'.{did_you_mean(name, known)} There are: {', '.join(known)}."


def _shown(value: Any) -> str:
    """A value as it stood in the JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
