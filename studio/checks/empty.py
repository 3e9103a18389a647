"""Rows in which a needed text is empty or holds nothing that can be seen."""

from __future__ import annotations

from studio.checks.check import LEAVE_OUT, Check
from studio.checks.unusable import Unusable

CHECK = Check(
    name="empty",
    title="Empty texts",
    why="A row without a question or an answer teaches nothing, or teaches the model to say nothing.",
    begin=lambda circumstances: Unusable(
        {"empty_prompt", "empty_answer", "empty_text", "empty_label"}
    ),
    weight="left out",
    fixes=(LEAVE_OUT,),
)
