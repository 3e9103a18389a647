"""The half-filled form of a new training: what a window shows, kept as a row, made into a spec."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from studio.library.hub import PREFIX
from studio.methods import METHODS
from studio.models import starter
from studio.objectives import OBJECTIVES
from studio.settings import ASSETS
from studio.spec import TrainSpec

STARTER_DATA = ASSETS / "starter" / "replies.csv"
HELD_OUT = 0.11


@dataclass(frozen=True)
class Draft:
    """Everything that the form holds. `started` is the job that was made of it, if any."""

    step: int = 0
    name: str = ""
    model_from: str = "starter"
    model_path: str = ""
    model_hub: str = ""
    # In how few bits the base is held; empty: as the method wants it.
    quantization: str = ""
    # The number of the training that it goes on from; empty: the model as it is.
    adapter: str = ""
    adapter_use: str = "train"
    data_from: str = "upload"
    data_upload: str = ""
    data_path: str = ""
    data_pasted: str = ""
    data_hub: str = ""
    # `hub:owner/name@commit`, once its files are here.
    data_fetched: str = ""
    # The sheet or other part chosen by hand for this file; another file's is chosen anew.
    data_part: str = ""
    part_for: str = ""
    objective: str = "chat"
    # The objective was recognised, or chosen by hand, for this file; another file is recognised anew.
    objective_for: str = ""
    goal: dict[str, dict[str, Any]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    # Columns were chosen by hand for this file and objective; others are recognised anew.
    columns_for: str = ""
    # The version of the data that fixes made of this file, by its number and its hash; empty: as read.
    version: str = ""
    dataset: str = ""
    dataset_for: str = ""
    held_out: float = HELD_OUT
    licence: str = ""
    method: str = "lora"
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    started: int | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Draft:
        """The draft in a row; what an older program wrote and this one does not know is left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: entry for name, entry in value.items() if name in known})

    @classmethod
    def of_spec(cls, spec: Mapping[str, Any]) -> Draft:
        """The form that asks for what a queued spec asked for, to be changed and started anew."""
        source, data = str(spec["model"]["source"]), spec["data"]
        path = str(data.get("path") or "")
        method = dict(spec["method"])
        name = str(method.pop("name"))
        goal = dict(spec["objective"])
        objective = str(goal.pop("name"))
        usual = TrainSpec.parse({"method": name}).to_json()
        training = {
            field: value
            for field, value in spec["training"].items()
            if value != usual["training"].get(field)
        }
        held, usually = (str(each["model"].get("quantization", "none")) for each in (spec, usual))
        model_from = "starter" if source == starter.SOURCE else "hub"
        model_from = "path" if Path(source).is_absolute() else model_from
        data_from = "hub" if path.startswith(PREFIX) else "path"
        return cls(
            name=str(spec.get("name", "")),
            model_from=model_from,
            model_path=source if model_from == "path" else "",
            model_hub=source if model_from == "hub" else "",
            quantization="" if held == usually else held,
            adapter=str(spec["model"].get("adapter") or ""),
            adapter_use=str(spec["model"].get("adapter_use") or "train"),
            data_from="starter" if path == str(STARTER_DATA) else data_from,
            data_path="" if path == str(STARTER_DATA) or data_from == "hub" else path,
            data_hub=path.removeprefix(PREFIX).partition("@")[0] if data_from == "hub" else "",
            data_fetched=path if data_from == "hub" else "",
            objective=objective,
            objective_for=path,
            goal={objective: goal},
            columns=dict(data.get("columns") or {}),
            columns_for=f"{objective}: {path}",
            held_out=data["held_out"],
            licence=str(data.get("licence") or ""),
            method=name,
            settings={name: method},
            training=training,
        )

    def to_json(self) -> dict[str, Any]:
        """The draft as the row holds it."""
        return asdict(self)

    @property
    def model_source(self) -> str:
        """What goes into the spec's `model.source`; empty while nothing is chosen."""
        return {
            "starter": starter.SOURCE,
            "path": _unquoted(self.model_path),
            "hub": self.model_hub.strip(),
        }[self.model_from]

    @property
    def _held(self) -> dict[str, Any]:
        held: dict[str, Any] = {"quantization": self.quantization} if self.quantization else {}
        if self.adapter.isdigit():
            held |= {"adapter": int(self.adapter), "adapter_use": self.adapter_use}
        return held

    @property
    def base_source(self) -> str:
        """The base as a queued training names it."""
        if self.model_from == "path" and self.model_source:
            return str(Path(self.model_source).expanduser().absolute())
        return self.model_source

    @property
    def data_file(self) -> str:
        """The data file's path; empty while none is chosen."""
        return {
            "starter": str(STARTER_DATA),
            "upload": self.data_upload,
            "path": _unquoted(self.data_path),
            "paste": self.data_pasted,
            "hub": self.data_fetched,
        }[self.data_from]

    @property
    def chosen_columns(self) -> dict[str, str] | None:
        """The columns chosen by hand for the present file, or None where they are recognised."""
        roles = {role.name for role in OBJECTIVES[self.objective].roles}
        chosen = {role: name for role, name in self.columns.items() if name and role in roles}
        return chosen if chosen and self.columns_for == self.mapped else None

    @property
    def mapped(self) -> str:
        """What a choice of columns is for: the objective and the file."""
        return f"{self.objective}: {self.data_file}"

    @property
    def fixed_dataset(self) -> str | None:
        """The hash of the dataset that fixes made of the present file, or None where none did."""
        return (self.dataset or None) if self.dataset_for == self.data_file else None

    @property
    def chosen_part(self) -> str | None:
        """The sheet or other part chosen by hand for the present file, or None."""
        return (self.data_part or None) if self.part_for == self.data_file else None

    def to_spec_json(self) -> dict[str, Any]:
        """The spec that this form asks for, as JSON that `TrainSpec.parse` reads."""
        return {
            "version": 1,
            "name": self.name.strip(),
            "model": {"source": self.model_source, **self._held},
            "data": {
                "path": self.data_file or None,
                "part": self.chosen_part,
                "dataset": self.fixed_dataset,
                "columns": self.chosen_columns,
                "held_out": self.held_out,
                "licence": self.licence.strip(),
            },
            "objective": {"name": self.objective, **self.goal.get(self.objective, {})},
            "method": {"name": self.method, **self.settings.get(self.method, {})},
            "training": dict(self.training),
        }

    def to_spec(self) -> TrainSpec:
        """The checked spec. Raises AskedWrongly with every field that cannot be used."""
        return TrainSpec.parse(self.to_spec_json())

    @property
    def title(self) -> str:
        """The name given, or one that says what this is."""
        return self.name.strip() or default_name(self)


def new_id() -> str:
    """A draft's number, part of its page's address."""
    return uuid.uuid4().hex[:12]


def default_name(draft: Draft) -> str:
    """A name out of data and method, e.g. `replies, LoRA`."""
    name = draft.data_hub if draft.data_from == "hub" else draft.data_file
    data = Path(name).stem if name else "Training"
    return f"{data}, {METHODS[draft.method].title}"


def _unquoted(path: str) -> str:
    """A path as typed or pasted; Windows puts quotes around a copied one."""
    return path.strip().strip('"').strip("'")
