"""The filled form: the draft that the controls of a new training make, and what each shows of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.ui.draft import Draft
from studio.ui.steps import goal_part, method_step, settings_part


def draft_of(values: Mapping[str, Any]) -> Draft:
    """The draft that the controls' values make, by the names they have in the form."""
    simple: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {"columns": {}, "training": {}}
    goal: dict[str, dict[str, Any]] = {}
    said = str(values.get("settings") or "{}")
    for name, value in values.items():
        section, _, rest = name.partition(".")
        if section == "settings":
            continue
        if section == "goal":
            objective, _, setting = rest.partition(".")
            goal.setdefault(objective, {})[setting] = value
        elif rest:
            nested[section][rest] = value
        else:
            simple[name] = value
    simple = {name: value for name, value in simple.items() if value is not None}
    for name in ("data_upload", "data_pasted"):
        if simple.get(name) and not Path(simple[name]).exists():
            simple[name] = ""
    return Draft(
        **simple,
        columns={role: str(column or "") for role, column in nested["columns"].items()},
        settings=settings_part.of_json(said),
        goal={
            objective: _values(_goal_controls(objective), shown)
            for objective, shown in goal.items()
        },
        training=_values(_training_controls(), nested["training"]),
    )


def field_value(draft: Draft, name: str) -> Any:
    """What a control shows of the draft, by the control's name in the form."""
    section, _, rest = name.partition(".")
    if section == "settings":
        return settings_part.to_json(draft)
    if section == "goal":
        objective, _, setting = rest.partition(".")
        each = _goal_controls(objective)[setting]
        return each.to_shown(draft.goal.get(objective, {}).get(setting, each.default))
    if section == "training":
        each = _training_controls()[rest]
        default = None if rest == "learning_rate" else each.default
        return each.to_shown(draft.training.get(rest, default))
    return getattr(draft, name)


def _values(these: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """What the controls show as JSON, without what is left empty."""
    found = {name: these[name].to_json(value) for name, value in shown.items()}
    return {name: value for name, value in found.items() if value is not None}


def _goal_controls(objective: str) -> dict[str, Any]:
    return {each.name: each for each in goal_part.goal_controls(objective)}


def _training_controls() -> dict[str, Any]:
    return {each.name: each for each in method_step.training_controls()}
