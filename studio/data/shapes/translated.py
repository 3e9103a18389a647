"""Source and target: a text and what is to be made of it, for models with encoder and decoder."""

from __future__ import annotations

from studio.data import names
from studio.data.shapes.shape import ColumnMapping, Sample, Shape


def _recognise(sample: Sample) -> ColumnMapping | None:
    sources = [name for name in sample.texts if names.SOURCE.fits(name)]
    targets = [name for name in sample.texts if names.TARGET.fits(name)]
    if sources and targets:
        reason = f"'{sources[0]}' and '{targets[0]}' are usual for a text and its translation."
        roles = {"source": sources[0], "target": targets[0]}
        return ColumnMapping("seq2seq", roles, 0.9, reason)
    for column in sample.columns:
        cells = sample.cells(column)
        keys = list(cells[0]) if cells and isinstance(cells[0], dict) else []
        if names.plain_name(column) == "translation" and len(keys) == 2:
            one, other = (f"{column}.{key}" for key in keys)
            reason = f"'{column}' holds the same text in two languages ({keys[0]}, {keys[1]})."
            return ColumnMapping("seq2seq", {"source": one, "target": other}, 0.95, reason)
    return None


SHAPE = Shape(
    name="translated",
    title="Source and target",
    objective="seq2seq",
    layout='`source` and `target`; or `translation`: `{"de": "…", "en": "…"}`',
    recognise=_recognise,
)
