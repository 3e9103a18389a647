"""Every check on a file with something planted: found in those rows, in words, and mended by its fixes."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from studio.checks import CHECKS
from studio.checks.batch import Batch, Tokens
from studio.checks.check import Circumstances
from studio.checks.fixing import fixed
from studio.checks.survey import Found, Report, survey
from studio.data.table import Row

CHAT = {"prompt": "q", "response": "a"}
LABELLED = {"prompt": "q", "response": "label", "label": "label"}
WORDS = """
    kettle bicycle lamp tent scarf mirror ladder radio teapot blanket garden window river bottle
    market letter winter copper velvet paper engine bridge cellar candle basket hammer ticket
    leaks rattles squeaks bends smells flickers fades tears sticks cracks opens waits turns
""".split()  # noqa: SIM905 - read at a glance


def clean(count: int = 60) -> list[Row]:
    """Rows in which nothing is to be found, no two of them alike."""
    rows = []
    for number in range(count):
        words = random.Random(number).sample(WORDS, 16)
        asked, said = " ".join(words[:8]), " ".join(words[8:])
        rows.append({"q": f"Why is the {asked}?", "a": f"It is that the {said}."})
    return rows


@dataclass(frozen=True)
class Planted:
    """Rows put behind the clean ones, and the places among these where the check must find something."""

    rows: Sequence[Row]
    found: tuple[int, ...]
    words: str
    roles: dict[str, str] = field(default_factory=lambda: dict(CHAT))


def row(question: Any, answer: Any) -> Row:
    return {"q": question, "a": answer}


def turns(*roles: str) -> str:
    return json.dumps(
        [{"role": role, "content": f"{role} says {n}"} for n, role in enumerate(roles)]
    )


MARKED = {"messages": "m"}
PLANTED = {
    "empty": Planted(
        [row(" \n", "x"), row("Why?", "\u200b"), row("Why not?", None)], (0, 1, 2), "empty"
    ),
    "duplicates": Planted([row("Is it open?", "Yes, till six.")] * 3, (1, 2), "earlier row"),
    "near_duplicates": Planted(
        [
            row(
                "The red kettle that I bought on Monday leaks at its spout.",
                "Bring it to the desk, please.",
            ),
            row(
                "The red kettle that I bought on Monday leaks at the spout.",
                "Bring it to the desk, please.",
            ),
            row(
                "the red kettle that I bought on Monday leaks at its spout.",
                "Bring it to the desk, please.",
            ),
        ],
        (1, 2),
        "nearly the same",
    ),
    "conflicts": Planted(
        [row("Is it open?", "Yes."), row("is it  OPEN?", "No.")], (0, 1), "different answers"
    ),
    "echo": Planted([row("Say the  price", "say the price")], (0,), "question again"),
    "mojibake": Planted(
        [row("Wie schÃ¶n ist es dort?", "Sehr"), row("Lost \ufffd here", "Yes")], (0, 1), "encoding"
    ),
    "languages": Planted(
        [row("Wie ist das mit der Lampe und dem Zelt?", "Das ist nicht für die Lampe.")],
        (0,),
        "German",
    ),
    "markup": Planted(
        [
            row("<p>Is it&nbsp;open?</p>", "Yes"),
            row("Dear {{name}}, hello", "Yes"),
            row("<|im_start|>user what", "No"),
        ],
        (0, 1, 2),
        "left behind",
    ),
    "personal": Planted(
        [
            row("Write to ana.b@shop.example please", "I do."),
            row("Where?", "IBAN DE89370400440532013000"),
        ],
        (0, 1),
        "e-mail addresses (1)",
    ),
    "secrets": Planted([row("Why no entry?", "password: Kx7!pq92")], (0,), "passwords or keys"),
    "outliers": Planted([row("Why so long? " * 400, "I know not.")], (0,), "longer"),
    "roles": Planted(
        [{"m": turns("user", "assistant", "assistant")}, {"m": turns("user")}, {"m": "no list"}],
        (0, 1, 2),
        "take turns",
        MARKED,
    ),
    "unfit": Planted([row("Why?", {"b": [1]})], (0,), "a text was expected"),
    "leak": Planted(
        [row("What of the gate?", "Shut."), row("What of the gate!", "It is shut.")],
        (1,),
        "held out",
    ),
    "too_long": Planted([row("word " * 90, "is long")], (0,), "cut off"),
    "untrained": Planted([row("word " * 200, "is lost")], (0,), "cut leaves nothing"),
    "label_variants": Planted(
        [
            {"q": f"Mail {n}", "label": label}
            for n, label in enumerate(["spam", "spam", "Spam", "spam ", "ham"])
        ],
        (2, 3),
        "'Spam' for 'spam'",
        LABELLED,
    ),
    "imbalance": Planted(
        [{"q": f"Mail {n}", "label": "ham" if n else "spam"} for n in range(200)],
        (0,),
        "'spam' (1), against 'ham' (199)",
        LABELLED,
    ),
}
NO_ROWS = {"too_few_rows"}
ON_THEIR_OWN = {"roles", "label_variants", "imbalance"}
"""Whose planted rows are a file by themselves."""


def file_with(name: str) -> tuple[list[Row], int]:
    """The file, and the row at which the planted ones begin."""
    before = [] if name in ON_THEIR_OWN else clean()
    return [*before, *PLANTED[name].rows], len(before)


def counted(batch: Batch) -> list[Tokens]:
    """A tokenizer of words: the answer's are trained, the row is cut at 80."""
    found = []
    for question, answer in zip(batch.questions, batch.answers, strict=True):
        asked, said = len(question.split()), len(answer.split())
        found.append(Tokens(asked + said, said, max(0, min(said, 80 - asked))))
    return found


def surveyed(rows: Sequence[Row], roles: dict[str, str], begin: int = 0) -> Report:
    circumstances = Circumstances(roles, held_out=lambda row: row == begin, longest=80)
    return survey(rows, circumstances, encode=counted)


def of(report: Report, name: str) -> Found | None:
    return next((found for found in report.found if found.check.name == name), None)


def test_every_check_is_planted_here_and_named_as_its_file() -> None:
    assert set(CHECKS) == set(PLANTED) | NO_ROWS
    assert all(check.name == name for name, check in CHECKS.items())


def test_every_check_says_what_it_is_and_why_it_matters() -> None:
    for check in CHECKS.values():
        assert check.title
        assert check.why.endswith((".", "…"))
        assert len({fix.name for fix in check.fixes}) == len(check.fixes)
        assert check.fixes or check.name in NO_ROWS


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    report = surveyed(clean(), CHAT)
    assert [found.words for found in report.found] == []
    assert report.verdict == "All 60 rows are ready."


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_what_is_planted_is_found_in_those_rows_and_nowhere_else(name: str) -> None:
    rows, begin = file_with(name)
    found = of(surveyed(rows, PLANTED[name].roles, begin), name)

    assert found is not None
    assert list(found.finding.rows) == [begin + place for place in PLANTED[name].found]
    assert PLANTED[name].words in found.words
    assert found.finding.excerpts or CHECKS[name].weight == "left out"
    assert json.loads(json.dumps(found.as_json()))["count"] == len(PLANTED[name].found)


@pytest.mark.parametrize(
    ("name", "fix"), [(name, fix.name) for name in sorted(PLANTED) for fix in CHECKS[name].fixes]
)
def test_after_a_fix_the_check_finds_nothing_more_of_what_the_fix_can_mend(
    name: str, fix: str
) -> None:
    rows, begin = file_with(name)
    roles = PLANTED[name].roles
    found = of(surveyed(rows, roles, begin), name)
    assert found is not None
    chosen = next(each for each in CHECKS[name].fixes if each.name == fix)
    after = [kept.row for kept in fixed(rows, found.finding, chosen, roles)]
    again = of(surveyed(after, roles, begin), name)

    left = {("mojibake", "repair"): 1, ("markup", "clean"): 1, ("imbalance", "thin_out"): 1}
    assert (again.count if again else 0) == left.get((name, fix), 0)
    assert rows[:begin] == after[:begin]


def test_three_rows_are_too_few() -> None:
    found = of(surveyed(clean(3), CHAT), "too_few_rows")
    assert found is not None
    assert found.words.startswith("Only 3 rows can be used. At least 8 are needed")
    assert found.count == 0
    assert survey(clean(3), Circumstances(CHAT)).verdict == "Nothing in the 3 rows needs a look."
    assert survey(clean(1), Circumstances(CHAT)).verdict == "Nothing in the one row needs a look."
    assert survey(clean(8), Circumstances(CHAT)).verdict == "All 8 rows are ready."


def test_the_verdict_counts_a_row_once_and_notes_not_at_all() -> None:
    rows = [*clean(), row("<b>Mail</b> a.b@c.example", "Yes"), row("", "x")]
    rows[60]["q"] += " and on " * 300  # an outlier as well

    report = survey(rows, Circumstances(CHAT))

    assert {found.check.name for found in report.found} == {
        "markup",
        "personal",
        "empty",
        "outliers",
    }
    assert report.verdict == "60 of 62 rows are ready; 2 need a look."
    assert report.usable == 61


def test_rows_are_named_as_the_file_numbers_them() -> None:
    rows = [*clean(30), *[row("", "x")] * 12]
    report = survey(
        rows, Circumstances(CHAT), numbers=range(2, 44), lines=range(102, 144), costs=("cheap",)
    )
    found = of(report, "empty")
    assert found is not None
    assert found.words.startswith(
        "Rows 32, 33, 34, 35, 36, 37, 38, 39 and 4 more (lines 132, 133, 134, 135, 136, 137, 138, 139 "
        "and 4 more of the file): the question is empty."
    )
    assert found.numbers == tuple(range(32, 44))


def test_progress_only_grows_and_ends_at_one() -> None:
    shares: list[float] = []
    survey(clean(2_500), Circumstances(CHAT), on_progress=lambda share, words: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4


def test_a_survey_ends_when_its_progress_raises() -> None:
    def enough(share: float, words: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        survey(clean(), Circumstances(CHAT), on_progress=enough)


def test_masking_inside_a_conversation_leaves_its_roles_alone() -> None:
    messages = [
        {"role": "user", "content": "I am ana.b@shop.example, who are you?"},
        {"role": "assistant", "content": "Nobody."},
    ]
    for cell in (messages, json.dumps(messages)):
        rows = [{"m": cell, "other": "x@y.example"}]
        found = of(survey(rows, Circumstances(MARKED)), "personal")
        assert found is not None
        mask = CHECKS["personal"].fixes[0]
        ((_, after, _),) = fixed(rows, found.finding, mask, MARKED)
        kept = after["m"] if isinstance(after["m"], list) else json.loads(after["m"])
        assert kept[0] == {"role": "user", "content": "I am [EMAIL], who are you?"}
        assert after["other"] == "x@y.example"
