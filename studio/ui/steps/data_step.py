"""Step 2, the data: a file, what was found in it, which column is which, and what is wrong with it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from studio.data.columns import WANTED
from studio.data.examples import Role
from studio.data.inspection import Inspection
from studio.data.progress import Progress, silent
from studio.errors import StudioError
from studio.objectives import OBJECTIVES
from studio.ui import words
from studio.ui.draft import HELD_OUT, Draft
from studio.ui.markup import icon
from studio.ui.own_data import OwnData
from studio.ui.steps import (
    goal_part,
    hub_part,
    preview_part,
    problems,
    seen_part,
    source_part,
    step,
)
from studio.ui.steps.step import Fields, problem_html, progress_html
from studio.ui.waiting import Step

SOURCES = (
    ("Upload a file\nFrom this computer; it is copied into Whetstone's data folder.", "upload"),
    ("A file by its path\nFor large files: read where it lies, not copied first.", "path"),
    ("A dataset of the Hugging Face Hub\nFetched into Whetstone's data folder.", "hub"),
    ("Paste from a spreadsheet\nCopied cells, with the row of names.", "paste"),
    ("The starter example data\n180 customer mails with answers in a house form.", "starter"),
)
NOT_USED = ""
# Every part that a column can play, whatever the goal; those of the chosen goal are shown.
ROLES = list({role.name: role for each in OBJECTIVES.values() for role in each.roles}.values())


@dataclass(frozen=True)
class Controls:
    """The step's own components beside the form's fields."""

    goal: goal_part.Controls
    objective_for: Any
    drop: Any
    path: Any
    paste: Any
    hub: hub_part.Controls
    part: Any
    findings: Any
    reading: Any
    mapping: Any
    roles: dict[str, Any]
    preview: Any
    problems: problems.Controls
    seen: Any
    back: Any
    forward: Any


def build(fields: Fields) -> Controls:
    """Make the step's controls."""
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>What should it learn from?</h2>", apply_default_css=False)
        fields.add(
            "data_from",
            gr.Radio(
                SOURCES,
                value="upload",
                label="Examples",
                show_label=False,
                elem_id="data-from",
                elem_classes="choices",
            ),
        )
        drop = gr.File(
            label="A spreadsheet, a table, a document, or a ZIP of them",
            height=132,
            elem_id="upload",
        )
        fields.add("data_upload", gr.Textbox(visible=False))
        paste = source_part.paste_box()
        fields.add("data_pasted", gr.Textbox(visible=False))
        path = fields.add(
            "data_path",
            gr.Textbox(
                label="File or folder",
                info="`data.path` · the full path, as your file manager shows it",
                placeholder="/home/me/replies.csv",
                max_lines=1,
                visible=False,
                elem_id="data-path",
            ),
        )
        hub = hub_part.build(fields)
        part = source_part.part_choice(fields)
        findings = gr.HTML(elem_id="findings", apply_default_css=False)
        # One button that stops the reading, and begins it again where it was stopped.
        reading = gr.Button("Stop", size="sm", visible=False, elem_id="data-reading")
        source_part.samples()
    objective_for = fields.add("objective_for", gr.Textbox(visible=False))
    goal = goal_part.build(fields)
    return Controls(
        goal,
        objective_for,
        drop,
        path,
        paste,
        hub,
        part,
        findings,
        reading,
        *_mapping(fields),
        problems.build(),
        seen_part.build(),
        *step.navigation(step.DATA, "Next: method"),
    )


def _mapping(fields: Fields) -> tuple[Any, dict[str, Any], Any]:
    """The second card: which column plays which role, and the first rows."""
    with gr.Column(elem_classes="card", visible=False, elem_id="mapping") as mapping:
        gr.HTML(
            "<h2>Which column is which?</h2>"
            '<p class="quiet">A field takes a column, or a text of your own with columns in braces: '
            "<code>Translate {text} into {language}</code>.</p>",
            apply_default_css=False,
        )
        with gr.Row(elem_classes="roles"):
            roles = {
                role.name: fields.add(
                    f"columns.{role.name}",
                    # What a window shows must be taken back even by a server that was restarted
                    # since and knows no choices: hence the custom value.
                    gr.Dropdown(
                        choices=[],
                        label=role.title,
                        info=_info(role),
                        allow_custom_value=True,
                        elem_id=f"role-{role.name}",
                        visible=role in OBJECTIVES["chat"].roles,
                    ),
                )
                for role in ROLES
            }
        preview = gr.HTML(elem_id="preview", apply_default_css=False)
        with gr.Accordion("More settings", open=False, elem_classes="more-settings"):
            fields.add(
                "held_out",
                gr.Number(
                    value=HELD_OUT,
                    label="Share kept back for checking",
                    info="`held_out` · these rows are never trained on; they show whether it learnt",
                    step=0.01,
                    elem_id="held-out",
                ),
            )
            fields.add(
                "licence",
                gr.Textbox(
                    label="Licence of the data",
                    info="`data.licence` · e.g. CC BY 4.0, or whose it is; goes into the model card",
                    max_lines=1,
                    max_length=200,
                    elem_id="licence",
                ),
            )
    return mapping, roles, preview


def shown(draft: Draft, data: OwnData) -> list[Any]:
    """Updates for drop, path, findings, mapping, preview, each role, the goal, pasted cells, Hub and part,
    for the button that stops or repeats the reading, and for the panel of problems."""
    found, findings = _found(draft, data)
    goal = goal_part.shown(draft, is_visible=found is not None or bool(draft.chosen_columns))
    drop, path, paste, hub = _sources(draft)
    sources = [paste, hub, source_part.part_shown(found.table if found else None)]
    sources += [_again(draft, data), gr.skip()]
    if found is None:
        hidden = gr.Column(visible=False)
        nothing = [gr.skip()] * len(ROLES)
        return [drop, path, findings, hidden, "", *nothing, draft.objective_for, *goal, *sources]
    columns = [("not used", NOT_USED), *((name, name) for name in found.table.columns)]
    return [
        drop,
        path,
        findings,
        gr.Column(visible=True),
        preview_part.preview_html(found),
        *(_role(role, draft.objective, found, columns) for role in ROLES),
        draft.objective_for,
        *goal,
        *sources,
    ]


def findings_shown(draft: Draft, data: OwnData) -> list[Any]:
    """Updates for the findings and for the button that reads the file again, where it was stopped."""
    return [_found(draft, data)[1], _again(draft, data)]


def _found(draft: Draft, data: OwnData) -> tuple[Inspection | None, str]:
    """What the file holds, and that in words, or what keeps it from being read (HTML)."""
    if not draft.data_file:
        return None, ""
    try:
        found = data.found(draft)
    except StudioError as error:
        return None, problem_html(error.words)
    return found, findings_html(found)


def _again(draft: Draft, data: OwnData) -> Any:
    is_held_back = bool(draft.data_file) and data.is_held_back(draft)
    return gr.Button(value="Read it again", visible=is_held_back)


def opened(draft: Draft, data: OwnData) -> list[Any]:
    """The updates of `shown` for a page that is being opened: nothing is read for them.

    Where the file is still to be read, what was chosen for it stands in its controls all the same, so
    that no change of another control makes it forgotten.
    """
    if not draft.data_file or data.is_known(draft):
        return shown(draft, data)
    drop, path, paste, hub = _sources(draft)
    roles = OBJECTIVES[draft.objective].roles
    return [
        drop,
        path,
        busy_html("Reading the file", Step(0.0, "")),
        gr.Column(visible=False),
        "",
        *(
            gr.Dropdown(
                value=draft.columns.get(role.name) or NOT_USED,
                allow_custom_value=True,
                visible=role in roles,
            )
            for role in ROLES
        ),
        draft.objective_for,
        *goal_part.shown(draft, is_visible=False),
        paste,
        hub,
        gr.Dropdown(value=draft.data_part or None, allow_custom_value=True, visible=False),
        gr.Button(value="Stop", visible=True),
        gr.Column(visible=False),
    ]


def _sources(draft: Draft) -> list[Any]:
    """Updates for drop, path, pasted cells and Hub: where the file comes from."""
    return [
        gr.File(visible=draft.data_from == "upload"),
        gr.Textbox(visible=draft.data_from == "path"),
        gr.Textbox(visible=draft.data_from == "paste"),
        gr.Column(visible=draft.data_from == "hub"),
    ]


def unchanged() -> list[Any]:
    """Updates that leave everything that `shown` updates as it is."""
    return [gr.skip()] * (13 + len(ROLES) + len(goal_part.group_names()))


def reading(how_far: Step) -> list[Any]:
    """The updates of `shown` while the file is being read in."""
    _, _, _, _, *others, _, _ = unchanged()
    hidden = gr.Column(visible=False)
    findings, stop = busy("Reading the file", how_far)
    return [gr.skip(), gr.skip(), findings, hidden, *others, stop, hidden]


def busy(what: str, how_far: Step) -> list[Any]:
    """Updates for the findings and their button while something is being done that can be stopped."""
    return [busy_html(what, how_far), gr.Button(value="Stop", visible=True)]


def busy_html(what: str, how_far: Step) -> str:
    """How far it is; how many rows a file has is known only once it was read."""
    said = f"{what}: {how_far.words}" if how_far.words else f"{what} …"
    return progress_html(how_far.share, said, what)


def _role(role: Role, objective: str, found: Inspection, columns: list[tuple[str, str]]) -> Any:
    """The role as the goal has it: the same name may mean another thing, or nothing."""
    meant = next((each for each in OBJECTIVES[objective].roles if each.name == role.name), None)
    if meant is None:
        return gr.Dropdown(choices=columns, value=NOT_USED, visible=False)
    return gr.Dropdown(
        choices=columns,
        value=found.mapping.roles.get(role.name, NOT_USED),
        label=meant.title,
        info=_info(meant),
        visible=True,
    )


def _info(role: Role) -> str:
    return f"`{role.name}` · {role.description}"


def findings_html(found: Inspection) -> str:
    """The file in a sentence, how it was read, and what keeps it from being used at all."""
    rows = words.count(len(found.table.rows), "row")
    columns = words.count(len(found.table.columns), "column")
    file = html.escape(found.table.path.name)
    is_sure = bool(found.ready)
    mark = icon("check") if is_sure else icon("warning")
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in found.table.notes)
    # What is wrong with single rows stands in the panel of problems.
    reason = "" if found.mapping.roles else f"<p>{html.escape(found.mapping.reason)}</p>"
    return (
        f'<div class="findings {"good" if is_sure else "look"}">{mark}<div>'
        f"<p><strong>{file}</strong>: {rows}, {columns}.</p>"
        f'<div class="quiet">{notes}</div>{reason}</div></div>'
    )


def missing(draft: Draft, data: OwnData, on_progress: Progress = silent) -> str:
    """Why this step is not done yet, in words; empty when it is. What must be read for it is read."""
    if not draft.data_file:
        return "Choose a file with examples first."
    try:
        found = data.found(draft, on_progress)
    except StudioError as error:
        return error.words
    if not found.mapping.roles:
        return found.mapping.reason
    if not found.ready:
        wanted = WANTED[draft.objective]
        return f"No row can be used with these columns. Choose those that hold {wanted}."
    return data.objection(draft, on_progress)


def summary(draft: Draft, data: OwnData) -> str:
    """The data in a few words; nothing is read for them."""
    if not data.is_known(draft):
        return f"{Path(draft.data_file).name}, not read in yet"
    try:
        found = data.found(draft)
    except StudioError as error:
        return error.words
    report = data.known_report(draft)
    verdict = report.verdict if report else found.verdict
    changes = len(data.history(draft))
    changed = f" {words.count(changes, 'change')} made to it." if changes else ""
    return f"{found.table.path.name}: {verdict}{changed}"
