"""`models`: the base models at hand."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from studio.cli.command import Command
from studio.cli.output import Output, in_gigabytes, table
from studio.models import known_models
from studio.settings import Home


def arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """List the starter model and what was fetched or converted."""
    found = known_models(home)
    rows = [
        [
            model.name,
            model.source,
            f"{model.parameters:,}" if model.parameters else "?",
            in_gigabytes(model.bytes),
            model.licence or "not stated",
        ]
        for model in found
    ]
    output.result(
        [asdict(model) for model in found],
        table(["Model", "model.source", "Parameters", "On disk", "Licence"], rows)
        + "\n\nAny folder with a config.json and safetensors, any .gguf file and any Hub id "
        "(owner/name) can be used too.",
    )
    return 0


COMMAND = Command("list the base models at hand", arguments, run)
