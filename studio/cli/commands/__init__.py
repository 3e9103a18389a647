"""The commands, one file each; this folder is their registry."""

from studio.cli.command import Command
from studio.registry import discover

COMMANDS: dict[str, Command] = discover("studio.cli.commands", "COMMAND", Command)
