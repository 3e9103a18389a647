"""From a Settings class to controls and back: a closed list of field kinds, nothing declared twice."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

import gradio as gr
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

COSTS = {
    "memory": "costs memory",
    "time": "costs time",
    "disk": "costs disk space",
}
RADIO_CHOICES = 4


class Kind(Enum):
    """What kinds of field there are; each has one control."""

    WHOLE_NUMBER = "whole number"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    # A choice that also takes something typed: names, or a structure as JSON or in short words.
    OPEN_CHOICE = "open choice"
    # Numbers for single modules of the model, by name.
    PER_MODULE = "number per module"
    TEXT = "text"


@dataclass(frozen=True)
class Control:
    """One field of a Settings class, as a form needs it."""

    name: str
    title: str
    description: str
    kind: Kind
    default: Any
    choices: tuple[str, ...] = ()
    is_optional: bool = False
    unit: str = ""
    cost: str = ""
    level: str = "advanced"
    alternatives: tuple[type, ...] = ()
    # What an empty field means, in a word.
    empty: str = "automatic"
    # What of the model it chooses, where it does: its modules, its layers.
    picks: str = ""
    minimum: float | None = None
    maximum: float | None = None
    # Whether the limit itself is too little, too much.
    is_open_below: bool = False
    is_open_above: bool = False

    @property
    def help(self) -> str:
        """The field's own term, then what it does, its unit and its cost; Markdown."""
        about = [part.rstrip(".") for part in (self.description, COSTS.get(self.cost, "")) if part]
        term = f"`{self.name}`" + (f" ({self.unit})" if self.unit else "")
        return " · ".join([term, *about])

    def component(self, value: Any = PydanticUndefined, **more: Any) -> Any:
        """The Gradio control, showing `value` or else the default."""
        chosen = self.default if value is PydanticUndefined else value
        shown = self.to_shown(chosen)
        common = {"label": self.title, "info": self.help, "value": shown, **more}
        if self.kind is Kind.SWITCH:
            return gr.Checkbox(**common)
        if self.kind is Kind.WHOLE_NUMBER:
            return gr.Number(precision=0, placeholder=self.empty, **common)
        if self.kind is Kind.NUMBER:
            # Limits are the spec's to check: it names all problems at once, in its own words.
            return gr.Number(placeholder=self.empty, **common)
        if self.kind is Kind.CHOICE and len(self.choices) <= RADIO_CHOICES:
            return gr.Radio(choices=list(self.choices), **common)
        if self.kind is Kind.PER_MODULE:
            raise TypeError(f"'{self.name}' has a control only beside the modules of a model")
        if self.kind in (Kind.CHOICE, Kind.OPEN_CHOICE):
            is_open = self.kind is Kind.OPEN_CHOICE
            return gr.Dropdown(choices=list(self.choices), allow_custom_value=is_open, **common)
        return gr.Textbox(**common)

    def to_shown(self, value: Any) -> Any:
        """A JSON value as the control shows it."""
        if self.kind is Kind.PER_MODULE:
            return dict(value or {})
        if self.kind is not Kind.OPEN_CHOICE or value is None or value in self.choices:
            return value
        if isinstance(value, BaseModel):
            value = value.model_dump(mode="json")
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, number),) = value.items()
            return f"{name} {number}"
        if isinstance(value, list | tuple):
            return ", ".join(str(part) for part in value)
        return json.dumps(value)

    def to_json(self, shown: Any) -> Any:
        """What the control shows as a JSON value; None means the default."""
        if shown is None or shown == "":
            return None
        if self.kind is Kind.WHOLE_NUMBER and isinstance(shown, float):
            return int(shown) if shown.is_integer() else shown
        if self.kind is Kind.NUMBER:
            return float(shown) if isinstance(shown, int | float) else shown
        if self.kind is Kind.OPEN_CHOICE:
            return self._typed(str(shown).strip())
        if self.kind is Kind.PER_MODULE:
            return dict(shown) or None
        return shown

    def _typed(self, text: str) -> Any:
        """What a person typed: one of the choices, `last 4`, JSON, or names set apart by commas."""
        if text in self.choices:
            return text
        models = [each for each in self.alternatives if issubclass(each, BaseModel)]
        for model in models:
            for name in model.model_fields:
                number = re.fullmatch(rf"{re.escape(name)}\s*[:=]?\s*(\d+)", text, re.IGNORECASE)
                if number:
                    return {name: int(number[1])}
        try:
            value = json.loads(text)
        except ValueError:
            value = [part.strip() for part in text.split(",") if part.strip()]
            if value and all(part.isdigit() for part in value):
                return [int(part) for part in value]
            return value
        return [value] if isinstance(value, int) and int not in self.alternatives else value


def controls(settings: type[BaseModel]) -> tuple[Control, ...]:
    """The controls of a Settings class, in the order in which its fields are declared.

    Fields of the level `file` have none: only a spec can say them.
    """
    fields = settings.model_fields.items()
    return tuple(control(name, field) for name, field in fields if _level(field) != "file")


def control(name: str, field: FieldInfo) -> Control:
    """The control of one field. Raises TypeError for a type that no kind covers."""
    more = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind, choices, alternatives, is_optional = _kind(name, field.annotation)
    return Control(
        name=name,
        title=field.title or name.replace("_", " ").capitalize(),
        description=field.description or "",
        kind=kind,
        default=field.get_default(call_default_factory=True),
        # What only a spec can say is not offered.
        choices=tuple(each for each in choices if each not in (more.get("file_only") or ())),  # type: ignore[operator]
        is_optional=is_optional,
        unit=str(more.get("unit", "")),
        cost=str(more.get("cost", "")),
        level=_level(field),
        alternatives=alternatives,
        empty=str(more.get("empty", "automatic")),
        picks=str(more.get("picks", "")),
        **_limits(field),
    )


def _limits(field: FieldInfo) -> dict[str, Any]:
    """The limits that the field declares; of one that may be left empty as well."""
    found: dict[str, Any] = {}
    for limit in field.metadata:
        for name, end, is_open in (
            ("ge", "minimum", False),
            ("gt", "minimum", True),
            ("le", "maximum", False),
            ("lt", "maximum", True),
        ):
            value = getattr(limit, name, None)
            if value is not None:
                found[end] = value
                found["is_open_below" if end == "minimum" else "is_open_above"] = is_open
    return found


def _level(field: FieldInfo) -> str:
    more = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return str(more.get("level", "advanced"))


def values(these: tuple[Control, ...], shown: Mapping[str, Any]) -> dict[str, Any]:
    """The form's settings as JSON, without those left empty: they take their default."""
    found = {each.name: each.to_json(shown.get(each.name)) for each in these}
    return {name: value for name, value in found.items() if value is not None}


def _kind(name: str, annotation: Any) -> tuple[Kind, tuple[str, ...], tuple[type, ...], bool]:
    """Kind, choices, the types beside them, and whether it may be left empty."""
    parts = list(get_args(annotation)) if _is_union(annotation) else [annotation]
    is_optional = type(None) in parts
    parts = [part for part in parts if part is not type(None)]
    choices = tuple(
        str(choice) for part in parts if get_origin(part) is Literal for choice in get_args(part)
    )
    if choices:
        # `type(list[int])` is no class: lists are typed as names set apart by commas.
        others = tuple(part for part in parts if isinstance(part, type) and not get_origin(part))
        is_open = any(get_origin(part) is not Literal for part in parts)
        return (Kind.OPEN_CHOICE if is_open else Kind.CHOICE, choices, others, is_optional)
    if [get_origin(part) for part in parts] == [dict]:
        return Kind.PER_MODULE, (), (), is_optional
    simple = {
        bool: Kind.SWITCH,
        int: Kind.WHOLE_NUMBER,
        float: Kind.NUMBER,
        str: Kind.TEXT,
    }
    kinds = {simple[part] for part in parts if part in simple}
    if len(parts) == 1 and len(kinds) == 1:
        return kinds.pop(), (), (), is_optional
    raise TypeError(f"No kind of control covers the field '{name}': {annotation}")


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)
