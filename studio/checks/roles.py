"""Conversations whose turns are not those of a conversation: wrong roles, wrong order, no answer."""

from __future__ import annotations

from studio.checks.check import LEAVE_OUT, Check
from studio.checks.unusable import Unusable

CHECK = Check(
    name="roles",
    title="Wrong roles or order",
    why="A model's chat template refuses such a conversation, or shows it in a shape that it never "
    "meets again.",
    begin=lambda circumstances: Unusable({"roles", "no_answer", "not_messages", "not_tools"}),
    weight="left out",
    fixes=(LEAVE_OUT,),
)
