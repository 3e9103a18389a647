"""The first rows of a file with the columns in use marked, and templates as they are filled from them."""

from __future__ import annotations

import html
from typing import Any

from studio.data import cells
from studio.data.cells import Unusable
from studio.data.inspection import Inspection
from studio.data.table import Row
from studio.objectives import OBJECTIVES
from studio.ui import words

ROWS_SHOWN = 5
ROWS_FILLED = 3
CELL_CHARACTERS = 220
TEXT_CHARACTERS = 600


def preview_html(found: Inspection) -> str:
    """The reason for the mapping, the first rows, and what templates make of them."""
    columns = found.table.columns
    titles = _titles(found)
    used = {
        name: titles[role]
        for role, chosen in found.mapping.roles.items()
        for name in cells.names_in(chosen, columns)
    }
    head = "".join(
        f'<th scope="col"{_mark(name in used)}>{html.escape(name)}'
        + (f"<small>{html.escape(used[name])}</small>" if name in used else "")
        + "</th>"
        for name in columns
    )
    lines = "".join(
        "<tr>"
        + "".join(f"<td{_mark(name in used)}>{_cell(row.get(name))}</td>" for name in columns)
        + "</tr>"
        for row in list(found.table.rows[:ROWS_SHOWN])
    )
    reason = html.escape(found.mapping.reason)
    more = len(found.table.rows) - ROWS_SHOWN
    rest = f'<p class="quiet">and {words.count(more, "more row")}</p>' if more > 0 else ""
    return (
        f'<p class="quiet">{reason}</p><div class="scroll" tabindex="0" role="region" '
        f'aria-label="The first rows"><table class="rows"><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>{rest}{_filled(found, titles)}"
    )


def _titles(found: Inspection) -> dict[str, str]:
    return {role.name: role.title for role in OBJECTIVES[found.mapping.objective].roles}


def _filled(found: Inspection, titles: dict[str, str]) -> str:
    """Each template's text for the first rows; nothing where no role has one."""
    parts = []
    for role, chosen in found.mapping.roles.items():
        if cells.is_template(chosen, found.table.columns):
            texts = "".join(
                f"<li>{_text(row, chosen)}</li>" for row in list(found.table.rows[:ROWS_FILLED])
            )
            title = html.escape(f"{titles[role]}, filled in")
            parts.append(f'<h3>{title}</h3><ol class="filled">{texts}</ol>')
    return "".join(parts)


def _text(row: Row, template: str) -> str:
    try:
        text = cells.text(cells.value(row, template))
    except Unusable:
        return '<em class="hollow">holds a list where a text belongs: this row is left out</em>'
    return _cell(text, TEXT_CHARACTERS)


def _mark(is_used: bool) -> str:
    return ' class="used"' if is_used else ""


def _cell(value: Any, most: int = CELL_CHARACTERS) -> str:
    text = "" if value is None else str(value)
    if not text.strip():
        return '<em class="hollow">empty</em>'
    cut = text if len(text) <= most else text[:most] + "…"
    return html.escape(cut)
