"""The score of the starter data: whether a mail was noted in the house form, with the right facts.

The form is one line: `Order 48213, desk lamp: passed to Repairs.` Order number and product stand
in the mail; which department is meant has to be understood from it.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.settings import ASSETS

STARTER_DATA: Path = ASSETS / "starter" / "replies.csv"

DEPARTMENTS = ("Billing", "Repairs", "Returns", "Shipping")
PRODUCTS = (
    "backpack",
    "bike helmet",
    "desk lamp",
    "kettle",
    "office chair",
    "rain jacket",
    "toaster",
    "wall clock",
)

_FORM = re.compile(
    rf"Order (\d{{5}}), ({'|'.join(PRODUCTS)}): passed to ({'|'.join(DEPARTMENTS)})\."
)


@dataclass(frozen=True)
class Note:
    """What an answer in the house form says."""

    order: str
    product: str
    department: str


def read_note(answer: str) -> Note | None:
    """What `answer` notes; None unless it is the house form to the letter, and nothing else."""
    found = _FORM.fullmatch(answer.strip())
    return Note(*found.groups()) if found else None


def right(question: str, answer: str) -> bool:
    """Whether `answer` keeps the form and notes what the starter data note for `question`.

    Raises KeyError for a question that is not in the starter data.
    """
    return agrees(expected_answers()[question.strip()], answer)


def agrees(expected: str, answer: str) -> bool:
    """Whether `answer` keeps the form and notes the same three facts as `expected`."""
    wanted = read_note(expected)
    return wanted is not None and read_note(answer) == wanted


def score(pairs: Iterable[tuple[str, str]]) -> float:
    """The share of (question, answer) pairs that are right, 0 to 1; 0 for none."""
    verdicts = [right(question, answer) for question, answer in pairs]
    return sum(verdicts) / len(verdicts) if verdicts else 0.0


@functools.cache
def expected_answers() -> dict[str, str]:
    """The starter data: each question's own answer."""
    with open(STARTER_DATA, encoding="utf-8", newline="") as file:
        return {row["question"]: row["answer"] for row in csv.DictReader(file)}
