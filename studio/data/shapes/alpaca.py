"""Alpaca: an instruction, the text that it is about, and the output."""

from __future__ import annotations

from studio.data import names
from studio.data.shapes.shape import ColumnMapping, Sample, Shape


def _recognise(sample: Sample) -> ColumnMapping | None:
    by_name = {names.plain_name(name): name for name in sample.columns}
    answer = next((by_name[name] for name in ("output", "response") if name in by_name), None)
    about = by_name.get("input")
    if "instruction" not in by_name or answer is None or about is None:
        return None
    roles = {"prompt": by_name["instruction"], "input": about, "response": answer}
    for role, usual in (("system", names.SYSTEM), ("history", names.HISTORY)):
        beside = [name for name in sample.columns if usual.fits(name)]
        roles |= {role: beside[0]} if beside else {}
    reason = (
        "The columns are those of Alpaca: an instruction, what it is about (input), the output."
    )
    return ColumnMapping("chat", roles, 0.98, reason)


SHAPE = Shape(
    name="alpaca",
    title="Instruction, input, output (Alpaca)",
    objective="chat",
    layout="`instruction`, `input`, `output`; beside them `history`, `system`",
    recognise=_recognise,
)
