"""Question and answer in two columns, by their names; else by what is left, or by length."""

from __future__ import annotations

from collections.abc import Sequence

from studio.data import names
from studio.data.names import Candidate
from studio.data.shapes.shape import ColumnMapping, Sample, Shape

# How sure we are when one of two names is known; and at most when two columns could be meant for
# one role: then a person is asked.
_HALF, _CONTESTED = 0.6, 0.45


def _recognise(sample: Sample) -> ColumnMapping | None:
    beside = {
        role: [name for name in sample.filled if usual.fits(name)]
        for role, usual in (
            ("system", names.SYSTEM),
            ("input", names.CONTEXT),
            ("history", names.HISTORY),
        )
    }
    taken = {name for found in beside.values() for name in found}
    others = [name for name in sample.columns if name not in taken]
    answers = names.RESPONSE.candidates(others)
    # A name such as `customer answer` fits both; the word for the answer decides.
    said = {found.column for found in answers}
    questions = [found for found in names.PROMPT.candidates(others) if found.column not in said]
    if not answers or not questions:
        return _half_named(sample.columns, questions, answers) or _guessed(sample)
    return _named(sample, questions, answers, beside)


def _named(
    sample: Sample,
    questions: Sequence[Candidate],
    answers: Sequence[Candidate],
    beside: dict[str, list[str]],
) -> ColumnMapping:
    question, answer = questions[0], answers[0]
    certainty = min(question.certainty, answer.certainty)
    reason = (
        f"The names '{question.column}' and '{answer.column}' are usual for question and answer."
    )
    rivals = [
        f"'{found.column}'"
        for chosen, found in [(question, q) for q in questions[1:]]
        + [(answer, a) for a in answers[1:]]
        if found.certainty >= chosen.certainty and found.column in sample.filled
    ]
    if rivals:
        certainty = min(certainty, _CONTESTED)
        reason += f" Left out, though it may be meant: {', '.join(rivals)}."
    roles = {"prompt": question.column, "response": _inside(sample, answer.column)}
    roles |= {role: found[0] for role, found in beside.items() if found}
    return ColumnMapping("chat", roles, certainty, reason)


def _inside(sample: Sample, column: str) -> str:
    """The way to the text of an answer that is an object, as in SQuAD's `answers`."""
    cells = sample.cells(column)
    if cells and all(isinstance(cell, dict) and "text" in cell for cell in cells):
        return f"{column}.text"
    return column


def _half_named(
    columns: Sequence[str], questions: Sequence[Candidate], answers: Sequence[Candidate]
) -> ColumnMapping | None:
    """Of two columns one is known: the other is the other."""
    known = [*questions, *answers]
    if len(columns) != 2 or not known:
        return None
    column = known[0].column
    other = columns[1 - list(columns).index(column)]
    prompt, response = (column, other) if questions else (other, column)
    return ColumnMapping(
        "chat",
        {"prompt": prompt, "response": response},
        _HALF,
        f"Only the name '{column}' is known; '{other}' is the one other column.",
    )


def _guessed(sample: Sample) -> ColumnMapping | None:
    """The two columns with the longest texts, in the order in which they stand."""
    if len(sample.texts) < 2:
        return None
    longest = sorted(sample.texts, key=lambda column: -sample.lengths[column])[:2]
    prompt, response = (column for column in sample.columns if column in longest)
    certainty = 0.3 if len(sample.columns) == 2 else 0.2
    reason = (
        "The names of the columns are not known. "
        f"'{prompt}' and '{response}' are a guess, by their length and order: choose the columns."
    )
    return ColumnMapping("chat", {"prompt": prompt, "response": response}, certainty, reason)


SHAPE = Shape(
    name="pairs",
    title="Question and answer",
    objective="chat",
    layout="`prompt` and `response` under any usual name (`question`, `Frage`, `pregunta`, `问题`, "
    "`質問` …); beside them `system`, `context`, `history`",
    recognise=_recognise,
)
