"""The way into every command: arguments read, errors said in one form, exit codes kept."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from jobs.errors import QueueError
from studio import __version__
from studio.cli import commands
from studio.cli.output import Output
from studio.errors import AskedWrongly, StudioError
from studio.settings import Home


class _Parser(argparse.ArgumentParser):
    """argparse, but what is asked wrongly becomes our error, so that `--json` holds for it too."""

    def error(self, message: str) -> NoReturn:
        usage = self.format_usage().strip()
        raise AskedWrongly(f"{message[:1].upper()}{message[1:]}. {usage}", code="usage")


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code: 0 done, 1 failed, 2 asked wrongly."""
    output = Output(is_json="--json" in arguments)
    try:
        options = _parser().parse_args(arguments)
        command = commands.COMMANDS[options.command or "open"]
        return command.run(options, Home.find(options.home), output)
    except StudioError as error:
        output.error(error)
        return error.exit_code
    except QueueError as error:
        asked_wrongly = error.code in ("no_such_job", "wrong_state", "bad_job")
        kind = AskedWrongly if asked_wrongly else StudioError
        output.error(kind(error.words, code=error.code))
        return kind.exit_code
    except KeyboardInterrupt:
        output.say("\nStopped waiting. What is in the queue goes on; see: python launch.py jobs")
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001  # the command's edge: a bug ends in words and a trace
        traceback.print_exc(file=sys.stderr)
        output.error(StudioError(f"Something went wrong here that should not: {error}", code="bug"))
        return 1


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on standard output")
    common.add_argument("--home", metavar="DIR", help="the data folder (default: STUDIO_HOME)")
    parser = _Parser(
        prog="launch.py",
        description="Whetstone: fine-tune language models on your own machine. "
        "Without a command the window opens.",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"Whetstone {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    # The options may stand before or after the command; the subcommand must not reset them.
    late = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    late.add_argument("--json", action="store_true", help="one JSON document on standard output")
    late.add_argument("--home", metavar="DIR", help="the data folder")
    for name, command in commands.COMMANDS.items():
        sub = subparsers.add_parser(
            name, help=command.help, description=command.help, parents=[late]
        )
        command.arguments(sub)
    return parser
