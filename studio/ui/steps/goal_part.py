"""The goal in the data's step: what the rows are to teach, and the settings that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.objectives import OBJECTIVES, Objective
from studio.ui.draft import Draft
from studio.ui.form import Control, controls
from studio.ui.steps.step import Fields

# In the order in which most people want them.
ORDER = ("chat", "classification", "preference", "text", "seq2seq")


@dataclass(frozen=True)
class Controls:
    """The part's own components beside the form's fields."""

    card: Any
    choice: Any
    groups: dict[str, Any]

    @property
    def shown(self) -> list[Any]:
        """What `shown` updates."""
        return [self.card, self.choice, *self.groups.values()]


def build(fields: Fields) -> Controls:
    """Make the part's controls."""
    with gr.Column(elem_classes="card", visible=False, elem_id="goal") as card:
        gr.HTML("<h2>What should these rows teach?</h2>", apply_default_css=False)
        choice = fields.add(
            "objective",
            gr.Radio(
                [(f"{each.title}\n{each.sentence}", each.name) for each in offered()],
                value=Draft().objective,
                label="Goal",
                show_label=False,
                elem_id="objective",
                elem_classes="choices",
            ),
        )
        groups = _groups(fields, "basic")
        with gr.Accordion("More settings", open=False, elem_classes="more-settings") as more:
            advanced = _groups(fields, "advanced")
    groups |= advanced | {"more": more}
    return Controls(card, choice, groups)


def offered() -> list[Objective]:
    """The objectives, the usual ones first."""
    return sorted(
        OBJECTIVES.values(),
        key=lambda each: ORDER.index(each.name) if each.name in ORDER else len(ORDER),
    )


def goal_controls(objective: str) -> list[Control]:
    """The controls of an objective's settings."""
    return list(controls(OBJECTIVES[objective].settings))


def _groups(fields: Fields, level: str) -> dict[str, Any]:
    """A group of controls for each objective that has any; only the chosen one's are shown."""
    groups = {}
    for objective in offered():
        these = [each for each in goal_controls(objective.name) if each.level == level]
        if not these:
            continue
        with gr.Row(visible=False, elem_classes="settings") as group:
            for each in these:
                fields.add(
                    f"goal.{objective.name}.{each.name}",
                    each.component(elem_id=f"goal-{objective.name}-{each.name}"),
                )
        groups[f"{objective.name}.{level}"] = group
    return groups


def shown(draft: Draft, *, is_visible: bool) -> list[Any]:
    """Updates for the card, the choice and each group."""
    has_more = any(each.level == "advanced" for each in goal_controls(draft.objective))
    groups = [
        gr.Row(visible=name.partition(".")[0] == draft.objective)
        for name in group_names()
        if name != "more"
    ]
    return [
        gr.Column(visible=is_visible),
        gr.Radio(value=draft.objective),
        *groups,
        gr.Accordion(visible=has_more),
    ]


def group_names() -> list[str]:
    """The groups in the order in which they are made."""
    names = [
        f"{objective.name}.{level}"
        for level in ("basic", "advanced")
        for objective in offered()
        if any(each.level == level for each in goal_controls(objective.name))
    ]
    return [*names, "more"]


def summary(draft: Draft) -> str:
    """The goal in a few words."""
    objective = OBJECTIVES[draft.objective]
    settings = [
        f"{each.title.lower()} {draft.goal.get(draft.objective, {}).get(each.name, each.default)}"
        for each in goal_controls(draft.objective)
        if each.level == "basic"
    ]
    return ", ".join([objective.title, *settings])
