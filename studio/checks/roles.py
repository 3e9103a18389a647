"""Conversations whose turns are not those of a conversation: wrong roles, wrong order, no answer."""

from __future__ import annotations

from studio.checks.check import LEAVE_OUT, Check
from studio.checks.unusable import Unusable

CHECK = Check(
    name="roles",
    title="Wrong roles or order",
    why="A model's chat template refuses such a conversation, or shows it in a shape that it never "
    "meets again.",
    begin=lambda circumstances: Unusable(
        {
            "roles": "user and assistant do not take turns (a system message may stand first)",
            "no_answer": "the conversation does not end with an answer (role assistant)",
            "not_messages": 'this is not a list of {"role": …, "content": …}',
            "not_text": "a text was expected, but this is a list or an object",
        }
    ),
    weight="left out",
    fixes=(LEAVE_OUT,),
)
