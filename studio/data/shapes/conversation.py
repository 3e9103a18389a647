"""Conversations in one column: OpenAI's `messages`, ShareGPT's `conversations` and their variants."""

from __future__ import annotations

import json

from studio.data import names
from studio.data.shapes.shape import CONVERSATIONS, ColumnMapping, Sample, Shape


def _recognise(sample: Sample) -> ColumnMapping | None:
    chosen = sample.conversation
    if chosen is None:
        return None
    roles = {"messages": chosen}
    for role, usual in (("system", names.SYSTEM), ("tools", names.TOOLS)):
        beside = [name for name in sample.filled if usual.fits(name)]
        if beside:
            roles[role] = beside[0]
    certainty = 0.97 if names.plain_name(chosen) in CONVERSATIONS[:2] else 0.96
    reason = (
        f"The column '{chosen}' holds whole conversations with roles ({_spelling(sample, chosen)})."
    )
    return ColumnMapping("chat", roles, certainty, reason)


def _spelling(sample: Sample, chosen: str) -> str:
    """How the turns are written, in the words of their field."""
    cell = sample.cells(chosen)[0]
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            return "Human and Assistant in the text"
    first = cell[0] if isinstance(cell, list) else cell
    if isinstance(first, dict):
        if "from" in first:
            return "ShareGPT: from and value"
        if "role" in first:
            return "messages: role and content"
    return "question and answer together"


SHAPE = Shape(
    name="conversation",
    title="Conversations (OpenAI messages, ShareGPT and their like)",
    objective="chat",
    layout='`messages`: `[{"role": "user", "content": "…"}, …]`, '
    '`conversations`: `[{"from": "human", "value": "…"}, …]`; beside them `system`, `tools`',
    recognise=_recognise,
)
