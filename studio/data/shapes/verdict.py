"""Verdicts: one answer, or a whole conversation, and whether it is good (KTO)."""

from __future__ import annotations

from typing import Any

from studio.data import names
from studio.data.cells import Unusable
from studio.data.examples.preference import verdict
from studio.data.shapes.shape import ColumnMapping, Sample, Shape


def _recognise(sample: Sample) -> ColumnMapping | None:
    labels = [name for name in sample.filled if names.VERDICT.fits(name)]
    labels = [name for name in labels if all(map(_is_verdict, sample.cells(name)))]
    if not labels:
        return None
    others = tuple(name for name in sample.filled if name not in labels)
    talk = sample.without(labels).conversation
    reason = f"Beside the answer stands '{labels[0]}', which says good or bad in every row."
    if talk:
        roles = {"messages": talk, "label": labels[0]}
        return ColumnMapping("preference", roles, 0.98, reason)
    answers = names.RESPONSE.candidates(others)
    taken = {found.column for found in answers}
    questions = [found for found in names.PROMPT.candidates(others) if found.column not in taken]
    if not answers or not questions:
        return None
    roles = {
        "prompt": questions[0].column,
        "response": answers[0].column,
        "label": labels[0],
    }
    systems = [name for name in others if names.SYSTEM.fits(name)]
    roles |= {"system": systems[0]} if systems else {}
    certainty = min(0.95, questions[0].certainty, answers[0].certainty)
    # Just above what question and answer alone would reach.
    return ColumnMapping("preference", roles, certainty + 0.01, reason)


def _is_verdict(cell: Any) -> bool:
    try:
        verdict(cell)
    except Unusable:
        return False
    return True


SHAPE = Shape(
    name="verdict",
    title="One answer, and whether it is good (KTO)",
    objective="preference",
    layout="`prompt`, `completion`, `label` (yes or no, 👍 or 👎); or `conversations` and `label`",
    recognise=_recognise,
)
