"""What to tell a person about an error, foreseen or not."""

from __future__ import annotations

import sys
import traceback

from jobs.errors import QueueError
from studio.errors import StudioError


def words_of(error: BaseException) -> str:
    """What to tell a person about an error; one that nobody foresaw goes to standard error as well."""
    if isinstance(error, StudioError | QueueError):
        return error.words
    traceback.print_exception(error, file=sys.stderr)
    return (
        f"Something went wrong inside Whetstone ({type(error).__name__}: {error}). "
        "Your data and trainings are safe. Try again; the details are in the terminal."
    )
