"""What every command declares about itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from studio.cli.output import Output
from studio.settings import Home


@dataclass(frozen=True)
class Command:
    """A command: its one line of help, its arguments, and what it does (giving the exit code)."""

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Home, Output], int]
