"""Classification: the model learns which label, or which labels, a text has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from studio.errors import AskedWrongly, DataProblem, FieldProblem, did_you_mean
from studio.objectives.objective import (
    Encoded,
    Metric,
    Objective,
    ObjectiveSettings,
    keep_all,
    tokens_of,
)

# More labels than this, or hardly a row a label, is a column of texts chosen by mistake.
MOST_LABELS = 1_000
_NAMED = 8


class Settings(ObjectiveSettings):
    """What can be set for labels."""

    several: bool = Field(
        False,
        title="Several labels a row",
        description="A row may have more than one label; each is then decided by itself.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )
    balance: Literal["none", "labels"] = Field(
        "none",
        title="Rare labels",
        description="None: every row counts the same. Labels: every label counts the same, "
        "so that rare ones are not drowned.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )
    labels: tuple[str, ...] | None = Field(
        None,
        title="The labels",
        description="In the order of the model's outputs; left out, those that the rows have.",
        json_schema_extra={"unit": "", "cost": "", "level": "file"},
    )
    weights: tuple[float, ...] | None = Field(
        None,
        title="Weight of each label",
        description="How much each label counts, in their order; left out, as `balance` says.",
        json_schema_extra={"unit": "times", "cost": "", "level": "file"},
    )

    @field_validator("labels", "weights", mode="before")
    @classmethod
    def _lists_are_tuples(cls, value: Any) -> Any:
        """JSON has lists; a frozen value holds tuples."""
        if isinstance(value, list):
            value = tuple(float(each) if type(each) is int else each for each in value)
        return value

    @field_validator("weights")
    @classmethod
    def _weights_are_positive(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not all(0 < each < 1e6 for each in value):
            raise ValueError("expected numbers above 0")
        return value


def encode_all(examples: Sequence[Any], tokenizer: Any, settings: Settings) -> list[Encoded]:
    """Texts as the tokenizer writes them, each with its class, or with 0 or 1 for each class.

    The settings are settled. Raises DataProblem for a label that is none of them.
    """
    rows = tokens_of([example.text for example in examples], tokenizer)
    return [_labelled(ids, each, settings) for ids, each in zip(rows, examples, strict=True)]


def _labelled(ids: list[int], example: Any, settings: Settings) -> Encoded:
    assert settings.labels is not None, "labels are found when the settings are settled"
    names = _names(example, settings)
    unknown = next((name for name in names if name not in settings.labels), None)
    if unknown is not None:
        raise DataProblem(
            f"Line {example.line}: the label '{unknown}' is none of those to be told apart."
            f"{did_you_mean(unknown, settings.labels)} They are: {_listed(settings.labels)}."
        )
    places = [settings.labels.index(name) for name in names]
    weight = settings.weights[places[0]] if settings.weights and not settings.several else 1.0
    target = (
        tuple(int(place in places) for place in range(len(settings.labels)))
        if settings.several
        else (places[0],)
    )
    return Encoded(ids, [0] * len(ids), target=target, weight=weight)


def settle(settings: Settings, examples: Collection[Any]) -> Settings:
    """The settings with the labels that the rows have and what each counts.

    Raises AskedWrongly where there is nothing to tell apart, or where a label has no row.
    """
    rows = Counter(name for example in examples for name in _names(example, settings))
    labels = settings.labels or tuple(sorted(rows))
    words = _objection(labels, rows, len(examples)) if examples else ""
    if settings.weights is not None and len(settings.weights) != len(labels):
        words = f"There are {len(labels)} labels and {len(settings.weights)} weights: one each."
    if words:
        raise AskedWrongly(words, code="labels", fields=[FieldProblem("objective.labels", words)])
    weights = settings.weights
    if weights is None and settings.balance == "labels" and examples:
        weights = tuple(
            _weight(rows[label], len(examples), len(labels), settings) for label in labels
        )
    return settings.model_copy(update={"labels": labels, "weights": weights})


def _objection(labels: Sequence[str], rows: Counter[str], count: int) -> str:
    if len(labels) < 2:
        name = f" ('{labels[0]}')" if labels else ""
        return (
            f"All rows have the same label{name}, so there is nothing to tell apart. "
            "Add rows with other labels, or choose another column."
        )
    if len(labels) > MOST_LABELS or (count >= 20 and len(rows) > count / 2):
        return (
            f"The column of labels holds {len(rows)} different values in {count} rows, so it looks like "
            "text, not labels. Choose the column that says to which group a row belongs."
        )
    strangers = [name for name in rows if name not in labels]
    if strangers:
        return (
            f"Rows have labels that are not listed: {_listed(strangers)}. Add them to "
            "objective.labels, or take the rows out."
        )
    empty = [name for name in labels if not rows[name]]
    if empty:
        return (
            f"No row to train on has the label {_listed(empty)}, so it can never be learnt. "
            "Add rows that have it, or take it off the list."
        )
    return ""


def _weight(rows: int, all_rows: int, labels: int, settings: Settings) -> float:
    """One label a row: all labels weigh the same together, a row 1 on average. Several: no / yes."""
    weight = (all_rows - rows) / rows if settings.several else all_rows / (labels * rows)
    return round(min(max(weight, 1e-3), 1e3), 6)


def _names(example: Any, settings: Settings) -> tuple[str, ...]:
    """The labels of an example: several are a list, or a text with ; or | between them."""
    if not settings.several:
        return (example.label,)
    return tuple(
        name.strip()
        for label in example.labels
        for name in label.replace("|", ";").split(";")
        if name.strip()
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _longest(settings: Settings, length: int) -> Encoded:
    classes = len(settings.labels or ()) if settings.several else 1
    return Encoded([0] * length, [0] * length, target=(0,) * max(1, classes))


OBJECTIVE = Objective(
    name="classification",
    title="Sort texts",
    sentence="The model learns which label belongs to a text, and says how sure it is.",
    settings=Settings,
    encode_all=encode_all,
    settle=settle,
    cut=keep_all,
    longest=_longest,
    layout="classes",
    metrics={
        "loss": Metric("Loss", "How surprised the model is by the right label; lower is better."),
        "held_out_loss": Metric(
            "Loss on rows held out", "The same on rows that it never trained on."
        ),
        "accuracy": Metric(
            "Sorted right",
            "Share of the held-out rows that it sorts right; with several labels, wholly right.",
            is_share=True,
        ),
        "f1": Metric(
            "F1, every label alike",
            "Like accuracy, but every label counts the same, however rare it is (macro F1).",
            is_share=True,
        ),
        "confusion": Metric(
            "What was taken for what",
            "How many rows of each label (lines) were given which label (columns).",
        ),
    },
)
