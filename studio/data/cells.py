"""What a role takes from a row: a column's cell, a value inside it, or a text made by a template."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from studio.data.table import Row

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad \t\n"
"""Characters that show nothing and that `str.strip` leaves; a cell of these alone is empty."""


class Unusable(Exception):
    """This row cannot become an example; `check` says why."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


def is_template(chosen: str, columns: Sequence[str]) -> bool:
    """Whether a role's choice is a template, e.g. `Translate {text} into {language}`."""
    return chosen not in columns and bool(_PLACEHOLDER.search(chosen))


def names_in(chosen: str, columns: Sequence[str]) -> list[str]:
    """The columns that a role's choice takes from: itself, or all that a template names."""
    return _PLACEHOLDER.findall(chosen) if is_template(chosen, columns) else [chosen]


def has_column(chosen: str, columns: Sequence[str]) -> bool:
    """Whether a name is a column, or leads into one: `answers.text`."""
    return chosen in columns or ("." in chosen and chosen.partition(".")[0] in columns)


def value(row: Row, chosen: str) -> Any:
    """What a row holds for a role's choice: as it is, or a template's text.

    A template of which every cell is empty gives an empty text.
    """
    if chosen in row:
        return row[chosen]
    if "{" in chosen and _PLACEHOLDER.search(chosen):
        return _filled(row, chosen)
    return _inside(row, chosen)


def _filled(row: Row, template: str) -> str:
    texts = {name: text(value(row, name)) for name in set(_PLACEHOLDER.findall(template))}
    if not any(texts.values()):
        return ""
    return _PLACEHOLDER.sub(lambda found: texts[found[1]], template)


def _inside(row: Row, path: str) -> Any:
    """`answers.text`: a value inside the objects of a column; None where there is none."""
    found: Any = row
    for name in path.split("."):
        if isinstance(found, str) and found.lstrip().startswith("{"):
            try:
                found = json.loads(found)
            except (ValueError, RecursionError):
                return None
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    # Collections of answers keep the one that counts as a list of one.
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def text(cell: Any) -> str:
    """A cell's text without the blanks around it; numbers as JSON writes them; nothing is ''.

    Raises Unusable for a list or an object.
    """
    if isinstance(cell, str):
        stripped = cell.strip()
        # Most texts begin with a letter: they need no second look.
        is_seen = stripped and (stripped[0] not in _INVISIBLE or stripped.strip(_INVISIBLE))
        return stripped if is_seen else ""
    if cell is None:
        return ""
    if isinstance(cell, list | dict):
        raise Unusable("not_text")
    return json.dumps(cell)
