"""What is wrong with a document, in plain words, one problem a field."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pydantic
from pydantic import BaseModel

from studio.errors import AskedWrongly, FieldProblem, did_you_mean


def raise_problems(problems: list[FieldProblem]) -> None:
    if problems:
        lines = " ".join(f"{problem.field}: {problem.words}" for problem in problems)
        raise AskedWrongly(f"The spec cannot be used. {lines}", code="spec", fields=problems)


def plain(path: str, kind: type[BaseModel], error: pydantic.ValidationError) -> list[FieldProblem]:
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
        return unknown_field(name, kind.model_fields)
    found = shown(first["input"])
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


def unknown_field(name: str, known: Any) -> str:
    return f"There is no field '{name}'.{did_you_mean(name, known)} There are: {', '.join(known)}."


def shown(value: Any) -> str:
    """A value as it stood in the JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
