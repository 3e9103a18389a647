"""From an error and the log below it to the card that explains it, with the line that proves it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from studio.failures.card import Card, Remedy
from studio.failures.cards import CARDS

LONGEST_LINE = 400
UNKNOWN = Card(
    "unknown",
    "It stopped with an error that nobody foresaw",
    "This is most likely a mistake in the program, not in what you did.",
    Remedy("Try again", "If it happens again, copy the bug report from this page."),
    frozenset({"crash", "failed", "bug"}),
    r"^\w*(Error|Exception)\b.*",
)


@dataclass(frozen=True)
class Diagnosis:
    """A card filled in for one job: `line` proves it, `changes` are what the remedy changes in the spec.

    `verb` is what one click does; None where a person has to act first and nothing can be done for them.
    """

    code: str
    title: str
    cause: str
    line: str
    remedy: str
    words: str
    verb: str | None
    changes: dict[str, Any]
    page: str

    def as_json(self) -> dict[str, Any]:
        """As `jobs show` prints it."""
        return asdict(self)


def diagnose(
    code: str | None, words: str | None, log: str = "", spec: Mapping[str, Any] | None = None
) -> Diagnosis:
    """The card for an error of this `code` and `words`; `log` is the end of the job's log.

    A code with a meaning decides, the last telling line of the log else. `spec` is the training's,
    where the job is one.
    """
    lines = [line.strip() for line in (*log.splitlines(), *(words or "").splitlines())]
    found = _by_code(code, lines)
    if found is None and (code is None or code in UNKNOWN.codes):
        found = _by_line(CARDS.values(), lines)
    card, place = found or (UNKNOWN, _last(UNKNOWN, lines))
    remedy = card.remedy
    changes = remedy.changes(spec) if spec is not None else {}
    is_possible = bool(changes) or remedy.verb != "change"
    return Diagnosis(
        code=card.code,
        title=card.title,
        cause=card.cause,
        line=(lines[place] if place is not None else _first(words))[:LONGEST_LINE],
        remedy=remedy.label,
        words=remedy.words,
        verb=remedy.verb if is_possible else None,
        changes=changes,
        page=remedy.page,
    )


def _by_code(code: str | None, lines: Sequence[str]) -> tuple[Card, int | None] | None:
    """Of the cards that the code means one that a line proves, else the first of them."""
    meant = [card for card in CARDS.values() if code in card.codes]
    proved = _by_line(meant, lines)
    return proved or ((meant[0], None) if meant else None)


def _by_line(cards: Iterable[Card], lines: Sequence[str]) -> tuple[Card, int] | None:
    """The card whose line comes last: what happened first in a traceback stands below it."""
    found = [(card, place) for card in cards if (place := _last(card, lines)) is not None]
    return max(found, key=lambda pair: pair[1], default=None)


def _last(card: Card, lines: Sequence[str]) -> int | None:
    """The place of the last line that the card's pattern finds."""
    if not card.pattern:
        return None
    wanted = re.compile(card.pattern, re.IGNORECASE)
    return next((n for n in reversed(range(len(lines))) if wanted.search(lines[n])), None)


def _first(words: str | None) -> str:
    return next(iter((words or "").splitlines()), "")
