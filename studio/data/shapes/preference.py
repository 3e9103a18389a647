"""Preferences: a better and a worse answer, beside their question or as two whole conversations."""

from __future__ import annotations

from studio.data import names
from studio.data.shapes.shape import ColumnMapping, Sample, Shape


def _recognise(sample: Sample) -> ColumnMapping | None:
    better = [name for name in sample.filled if names.CHOSEN.fits(name)]
    worse = [name for name in sample.filled if names.REJECTED.fits(name)]
    if not better or not worse:
        return None
    roles = {"chosen": better[0], "rejected": worse[0]}
    others = [name for name in sample.filled if name not in (*better, *worse)]
    talk = sample.without([*better, *worse]).conversation
    questions = names.PROMPT.candidates(others)
    if questions and not (talk and talk != questions[0].column):
        roles = {"prompt": questions[0].column, **roles}
    elif talk:
        roles = {"messages": talk, **roles}
    if "prompt" in roles:
        for role, usual in (("system", names.SYSTEM), ("history", names.HISTORY)):
            beside = [name for name in others if usual.fits(name)]
            roles |= {role: beside[0]} if beside else {}
        about = _about(others, roles["prompt"])
        roles |= {"input": about} if about else {}
    reason = f"'{better[0]}' and '{worse[0]}' are usual for a better and a worse answer."
    return ColumnMapping("preference", roles, 0.99, reason)


def _about(others: list[str], prompt: str) -> str | None:
    """The text that the question is about."""
    for name in others:
        is_input = names.plain_name(name) == "input"
        if name != prompt and (names.CONTEXT.fits(name) or is_input):
            return name
    return None


SHAPE = Shape(
    name="preference",
    title="Better and worse answers (DPO and its like)",
    objective="preference",
    layout="`prompt`, `chosen`, `rejected`; or `conversations`, `chosen`, `rejected`; "
    "or `chosen` and `rejected` as two whole conversations",
    recognise=_recognise,
)
