"""Which column plays which role: recognised by the layout of the rows, or chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.data import cells
from studio.data.examples import KINDS
from studio.data.shapes import SHAPES, ColumnMapping, Sample
from studio.data.table import Table
from studio.errors import FieldProblem, did_you_mean

CONFIDENT = 0.5
"""From this confidence on a mapping may be used without asking."""

_SAMPLE_ROWS = 200

WANTED = {
    "chat": "a question and its answer",
    "classification": "a text and its label",
    "preference": "a question with a better and a worse answer",
    "seq2seq": "a text and what is to be made of it",
    "text": "a text",
}
"""What the columns of each objective hold, for a sentence."""


def recognise(table: Table, objective: str | None = None) -> ColumnMapping:
    """The likeliest mapping of the columns; confidence 0 and no roles where there is none.

    With `objective` only layouts for it are looked for.
    """
    sample = Sample(table.columns, table.rows[:_SAMPLE_ROWS])
    found = [
        mapping
        for shape in SHAPES.values()
        if objective in (None, shape.objective)
        for mapping in [shape.recognise(sample)]
        if mapping is not None
    ]
    if objective is not None:
        found.append(_guessed(sample, objective))
    best = max(found, key=lambda mapping: mapping.confidence, default=ColumnMapping("chat"))
    if best.roles:
        return best
    count = len(table.columns)
    columns = f"{count} column{'' if count == 1 else 's'}"
    about = WANTED[objective or "chat"]
    return ColumnMapping(
        objective or "chat",
        reason=f"Training needs columns with {about}; this file has {columns}"
        f"{'' if sample.texts else ' and no text in any'}.",
    )


def _guessed(sample: Sample, objective: str) -> ColumnMapping:
    """A mapping to begin with, for an objective whose usual names are not there."""
    by_length = sorted(sample.texts, key=lambda column: -sample.lengths[column])
    pair = SHAPES["pairs"].recognise(sample)
    if objective == "seq2seq" and pair is not None:
        roles = {"source": pair.roles["prompt"], "target": pair.roles["response"]}
        return ColumnMapping(objective, roles, pair.confidence, pair.reason)
    roles = {}
    if objective == "text" and by_length:
        roles = {"text": by_length[0]}
    if objective == "classification" and len(sample.filled) > 1 and by_length:
        others = [column for column in sample.filled if column != by_length[0]]
        roles = {"text": by_length[0], "label": min(others, key=sample.distinct)}
    reason = f"The names of the columns are not usual for {WANTED[objective]}: choose the columns."
    return ColumnMapping(objective, roles, 0.3 if roles else 0.0, reason)


def objective_of(roles: Mapping[str, str]) -> str:
    """The objective that a mapping chosen by hand is for: the first with a complete set of its roles."""
    complete = (
        kind.name
        for kind in KINDS.values()
        if any(needed <= roles.keys() for needed in kind.role_sets)
        and roles.keys() <= {role.name for role in kind.roles}
    )
    return next(complete, "chat")


def check_columns(
    columns: Sequence[str], roles: Mapping[str, str], objective: str = "chat"
) -> tuple[FieldProblem, ...]:
    """Everything wrong with a mapping chosen by hand, each at its field `data.columns.<role>`."""
    known = [role.name for role in KINDS[objective].roles]
    problems = []
    for role, chosen in roles.items():
        words = ""
        if role not in known:
            words = (
                f"There is no role '{role}'.{did_you_mean(role, known)} Roles: {', '.join(known)}."
            )
        elif list(roles.values()).count(chosen) > 1:
            words = f"The column '{chosen}' is chosen more than once. Choose another here."
        else:
            words = _unknown_column(columns, chosen)
        if words:
            problems.append(FieldProblem(f"data.columns.{role}", words))
    return (*problems, *_missing_roles(roles, objective))


def _unknown_column(columns: Sequence[str], chosen: str) -> str:
    """What is wrong with a role's choice, be it a column or a template; empty where nothing is."""
    for name in cells.names_in(chosen, columns):
        if not cells.has_column(name, columns):
            names = ", ".join(f"'{each}'" for each in columns[:20])
            near = did_you_mean(name, columns)
            return f"The file has no column '{name}'.{near} Columns: {names}."
    return ""


def _missing_roles(roles: Mapping[str, str], objective: str) -> list[FieldProblem]:
    """The roles still to be chosen; of the sets begun the one that lacks least."""
    kind = KINDS[objective]
    if any(needed <= roles.keys() for needed in kind.role_sets):
        return _contradictions(roles, objective)
    begun = [needed for needed in kind.role_sets if needed & roles.keys()]
    nearest = min(begun or kind.role_sets[:1], key=lambda needed: len(needed - roles.keys()))
    return [
        FieldProblem(
            f"data.columns.{role.name}", f"Choose the column for '{role.title}' ({role.name})."
        )
        for role in kind.roles
        if role.name in nearest - roles.keys()
    ]


def _contradictions(roles: Mapping[str, str], objective: str) -> list[FieldProblem]:
    """A whole conversation beside the parts of one: which is meant?"""
    parts = [role for role in ("prompt", "response") if role in roles]
    if "messages" not in roles or not parts:
        return []
    words = "Choose either prompt and response or messages."
    return [FieldProblem("data.columns.messages", words)]


__all__ = ["CONFIDENT", "ColumnMapping", "check_columns", "objective_of", "recognise"]
