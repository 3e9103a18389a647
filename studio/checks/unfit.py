"""Cells that hold another kind of value than their role needs."""

from __future__ import annotations

from studio.checks.check import LEAVE_OUT, Check
from studio.checks.unusable import Unusable

CHECK = Check(
    name="unfit",
    title="Values of the wrong kind",
    why="A list where a text belongs, or a verdict that says neither good nor bad, cannot be learnt "
    "from. Often another column was meant.",
    begin=lambda circumstances: Unusable({"not_text", "not_a_verdict", "same_answers"}),
    weight="left out",
    fixes=(LEAVE_OUT,),
)
