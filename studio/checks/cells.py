"""Changing the texts of a row, wherever its columns hold them: in a cell or inside a conversation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from studio.data.cells import names_in
from studio.data.table import Row

Change = Callable[[str], str]


def each_text(row: Row, roles: Mapping[str, str], change: Change) -> Row:
    """The row with `change` applied to every text in the columns in use, roles' names excepted."""
    columns = used_columns(roles, list(row))
    return {
        name: _changed(value, change) if name in columns else value for name, value in row.items()
    }


def used_columns(roles: Mapping[str, str], columns: Sequence[str]) -> set[str]:
    """The columns that the roles take from: by name, by a value inside them, or in a template."""
    named = {name for chosen in roles.values() for name in names_in(chosen, columns)}
    return {name if name in columns else name.partition(".")[0] for name in named}


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        if value.lstrip().startswith(("[", "{")):
            try:
                nested = json.loads(value)
            except (ValueError, RecursionError):
                return change(value)
            if isinstance(nested, list | dict):
                # A conversation kept as the text of one: only what its turns say is changed.
                after = _changed(nested, change)
                return value if after == nested else json.dumps(after, ensure_ascii=False)
        return change(value)
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    if isinstance(value, dict):
        return {
            name: each if name in ("role", "from") else _changed(each, change)
            for name, each in value.items()
        }
    return value
