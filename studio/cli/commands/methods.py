"""`methods`: every method of fine-tuning with its settings."""

from __future__ import annotations

import argparse
from typing import Any

from pydantic.fields import FieldInfo

from studio.cli.command import Command
from studio.cli.output import Output, table
from studio.methods import METHODS, Method
from studio.settings import Home


def arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """List the methods."""
    rows = [[method.name, method.title, method.sentence] for method in METHODS.values()]
    output.result([_document(method) for method in METHODS.values()], table(["Name", "", ""], rows))
    return 0


def _document(method: Method) -> dict[str, Any]:
    fields = method.settings.model_fields
    return {
        "name": method.name,
        "title": method.title,
        "sentence": method.sentence,
        "family": method.family,
        "paper": method.paper,
        "mergeable": method.is_mergeable,
        "settings": [_setting(name, field) for name, field in fields.items()],
    }


def _setting(name: str, field: FieldInfo) -> dict[str, Any]:
    limits = {
        key: value
        for entry in field.metadata
        for key in ("ge", "gt", "le", "lt")
        if (value := getattr(entry, key, None)) is not None
    }
    return {
        "name": name,
        "default": field.get_default(call_default_factory=True),
        "minimum": limits.get("ge", limits.get("gt")),
        "maximum": limits.get("le", limits.get("lt")),
        "help": field.description or "",
    }


COMMAND = Command("list the methods and their settings", arguments, run)
