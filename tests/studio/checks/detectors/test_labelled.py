"""How much of what is personal or secret is found, and how much of what is found is: on 500 labelled lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from studio.checks.detectors import DETECTORS
from studio.checks.detectors.detector import find_all

FILE = Path(__file__).parent / "labelled.txt"
LABEL = re.compile("⟦(?P<kind>[a-z]+)\\|(?P<text>[^⟧]*)⟧")
LEAST = {"email": 0.98, "card": 0.98, "iban": 0.98, "secret": 0.98, "phone": 0.9, "national": 0.9}


class Line(NamedTuple):
    """A line without its labels, and what they said: kind, begin and end of each."""

    language: str
    text: str
    labels: set[tuple[str, int, int]]


def lines() -> Iterator[Line]:
    language = ""
    for written in FILE.read_text(encoding="utf-8").splitlines():
        if written.startswith("## "):
            language = written[3:]
        if written.startswith("#"):
            continue
        text, labels = "", set()
        end = 0
        for label in LABEL.finditer(written):
            text += written[end : label.start()]
            labels.add((label["kind"], len(text), len(text) + len(label["text"])))
            text += label["text"]
            end = label.end()
        yield Line(language, text + written[end:], labels)


def found_in(text: str) -> set[tuple[str, int, int]]:
    return {
        (detector.name, begin, end) for (begin, end), detector in find_all(DETECTORS.values(), text)
    }


def overlapping(
    one: tuple[str, int, int], others: set[tuple[str, int, int]]
) -> tuple[str, int, int] | None:
    return next(
        (each for each in others if each[0] == one[0] and each[1] < one[2] and one[1] < each[2]),
        None,
    )


class Score(NamedTuple):
    """Precision and recall of one kind, with the lines that count against them."""

    precision: float
    recall: float
    made_up: list[str]
    missed: list[str]


def score(kind: str) -> Score:
    """A find counts where it has every character of the label; names where it touches it."""
    right = wrong = labelled = 0
    made_up, missed = [], []
    for line in lines():
        labels = {each for each in line.labels if each[0] == kind}
        found = {each for each in found_in(line.text) if each[0] == kind}
        labelled += len(labels)
        for each in found:
            near = overlapping(each, labels)
            whole = near is not None and (kind == "name" or near[1:] == each[1:])
            right, wrong = right + whole, wrong + (not whole)
            if not whole:
                made_up.append(line.text)
        missed += [line.text for each in labels if overlapping(each, found) is None]
    return Score(right / max(1, right + wrong), right / labelled, made_up, missed)


def test_the_file_has_a_hundred_lines_in_each_of_five_languages() -> None:
    counts: dict[str, int] = {}
    for line in lines():
        counts[line.language] = counts.get(line.language, 0) + 1
    assert counts == {"en": 100, "de": 100, "fr": 100, "es": 100, "pt": 100}
    assert {label[0] for line in lines() for label in line.labels} == set(DETECTORS)


@pytest.mark.parametrize("kind", sorted(LEAST))
def test_what_is_there_is_found_and_what_is_found_is_there(kind: str) -> None:
    reached = score(kind)
    assert reached.precision >= LEAST[kind], reached.made_up
    assert reached.recall >= LEAST[kind], reached.missed


def test_names_are_rarely_made_up_and_those_missed_are_printed() -> None:
    reached = score("name")
    print(f"Names: precision {reached.precision:.2f}, recall {reached.recall:.2f}. Missed:")
    print("\n".join(reached.missed))
    assert reached.precision >= 0.9, reached.made_up
    # Only names that a title, a greeting or a farewell points to can be found.
    assert reached.recall >= 0.7
