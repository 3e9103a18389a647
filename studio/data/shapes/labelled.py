"""Texts with labels, by their names or by a column of few values that repeat."""

from __future__ import annotations

from studio.data import names
from studio.data.shapes.shape import ColumnMapping, Sample, Shape

_MOST_LABELS = 100
_LABEL_CHARACTERS = 60


def _recognise(sample: Sample) -> ColumnMapping | None:
    labels = [
        found for found in names.LABEL.candidates(sample.filled) if _repeats(sample, found.column)
    ]
    if not labels:
        return _guessed(sample)
    label = labels[0]
    others = [name for name in sample.texts if name != label.column]
    if not others or names.RESPONSE.candidates(set(others) - _texts(others)):
        return None
    text = _text(sample, others)
    known = bool(names.TEXT.candidates(others)) or len(others) == 1 or "{" in text
    certainty = min(label.certainty, 0.93 if known else 0.55)
    count = sample.distinct(label.column)
    reason = (
        f"'{label.column}' is usual for a label and has {count} different values; "
        f"the text is {_said(text)}."
    )
    return ColumnMapping("classification", {"text": text, "label": label.column}, certainty, reason)


def _texts(columns: list[str]) -> set[str]:
    return {found.column for found in names.TEXT.candidates(columns)}


def _repeats(sample: Sample, column: str) -> bool:
    """Whether a column holds few and short values, as labels are."""
    cells = sample.cells(column)
    longest = max((len(str(cell)) for cell in cells), default=0)
    if any(isinstance(cell, list) for cell in cells):
        return all(isinstance(cell, list) for cell in cells)
    count = sample.distinct(column)
    return (
        bool(cells)
        and longest <= _LABEL_CHARACTERS
        and count <= min(_MOST_LABELS, max(2, len(cells) // 2))
    )


def _text(sample: Sample, others: list[str]) -> str:
    """The column of the text, or a template of two that belong together."""
    by_name = {names.plain_name(name).replace(" ", ""): name for name in others}
    for one, other in names.TEXT_PAIRS:
        if one in by_name and other in by_name:
            return f"{{{by_name[one]}}}\n\n{{{by_name[other]}}}"
    texts = names.TEXT.candidates(others)
    titles = [name for name in others if names.TITLES.fits(name)]
    if texts and titles:
        return f"{{{titles[0]}}}\n\n{{{texts[0].column}}}"
    if texts:
        return texts[0].column
    return max(others, key=lambda name: sample.lengths[name])


def _said(text: str) -> str:
    return "made of two columns" if "{" in text else f"'{text}'"


def _guessed(sample: Sample) -> ColumnMapping | None:
    """Of two columns, a text with a usual name and one whose short values repeat."""
    if len(sample.filled) != 2:
        return None
    texts = [found.column for found in names.TEXT.candidates(sample.texts)]
    others = [name for name in sample.filled if name not in texts[:1]]
    if not texts or not _repeats(sample, others[0]) or len(sample.rows) < 6:
        return None
    reason = (
        f"'{texts[0]}' is usual for a text, and the values of '{others[0]}' repeat as labels do."
    )
    return ColumnMapping("classification", {"text": texts[0], "label": others[0]}, 0.6, reason)


SHAPE = Shape(
    name="labelled",
    title="Texts with labels",
    objective="classification",
    layout="`text` and `label` (`review` and `sentiment`, `Nachricht` and `Kategorie` …); two texts "
    "(`premise`, `hypothesis`; `subject`, `body`) are put together",
    recognise=_recognise,
)
