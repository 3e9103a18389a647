"""Plain text: one column of texts to continue."""

from __future__ import annotations

from studio.data import names
from studio.data.shapes.shape import ColumnMapping, Sample, Shape

_BESIDE = {
    "file",
    "id",
    "source",
    "url",
    "title",
    "date",
    "author",
    "meta",
    "metadata",
    "timestamp",
}


def _recognise(sample: Sample) -> ColumnMapping | None:
    if not sample.texts:
        return None
    named = [found.column for found in names.TEXT.candidates(sample.texts)]
    others = {names.plain_name(name) for name in sample.texts if name not in named[:1]}
    if named and others <= _BESIDE:
        column = named[0]
        exact = names.TEXT.fits(column)
        reason = f"'{column}' is the one column of text; the model learns to continue it."
        return ColumnMapping("text", {"text": column}, 0.9 if exact else 0.7, reason)
    if len(sample.texts) == 1:
        column = sample.texts[0]
        reason = f"'{column}' is the one column with text; the model learns to continue it."
        return ColumnMapping("text", {"text": column}, 0.55, reason)
    return None


SHAPE = Shape(
    name="plain",
    title="Plain text",
    objective="text",
    layout="`text`; documents (TXT, Markdown, Word, PDF, web pages) as passages",
    recognise=_recognise,
)
