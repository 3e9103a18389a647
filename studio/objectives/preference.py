"""Preference: the model learns which answers people like better."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from studio.errors import AskedWrongly, FieldProblem
from studio.objectives.objective import Encoded, Metric, Objective, ObjectiveSettings, cut_right
from studio.objectives.template import Talk, encode_talks, turns_of

# What each algorithm takes for beta where none is given: the papers' own, or their code's.
BETAS = {"dpo": 0.1, "ipo": 0.1, "orpo": 0.1, "simpo": 2.0, "kto": 0.1}
WITH_REFERENCE = {"dpo", "ipo", "kto"}
SINGLE = {"kto"}


class Settings(ObjectiveSettings):
    """What can be set for preferences."""

    algorithm: Literal["dpo", "ipo", "orpo", "simpo", "kto"] = Field(
        "dpo",
        title="How it learns from likes",
        description="DPO suits most. IPO is calmer where likes are certain; ORPO and SimPO need no "
        "reference model; KTO takes single answers marked good or bad.",
        json_schema_extra={"unit": "", "cost": "time", "level": "basic"},
    )
    beta: float | None = Field(
        None,
        gt=0,
        le=100,
        title="Strength of the pull",
        description="How closely it stays with what it was (beta); left out, what suits the algorithm.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    label_smoothing: float = Field(
        0.0,
        ge=0.0,
        lt=0.5,
        title="Likes that are wrong",
        description="Share of the pairs that may have been marked the wrong way round (DPO).",
        json_schema_extra={"unit": "share", "cost": "", "level": "advanced"},
    )
    margin: float = Field(
        1.0,
        ge=0.0,
        le=100,
        title="Distance between answers",
        description="By how much the better answer should be ahead (SimPO's gamma).",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    weight_good: float = Field(
        1.0,
        gt=0,
        le=100,
        title="Weight of good answers",
        description="How much an answer marked good counts (KTO).",
        json_schema_extra={"unit": "times", "cost": "", "level": "advanced"},
    )
    weight_bad: float = Field(
        1.0,
        gt=0,
        le=100,
        title="Weight of bad answers",
        description="How much an answer marked bad counts (KTO).",
        json_schema_extra={"unit": "times", "cost": "", "level": "advanced"},
    )

    @property
    def strength(self) -> float:
        """Beta: as given, else what suits the algorithm."""
        return BETAS[self.algorithm] if self.beta is None else self.beta


def encode_all(examples: Sequence[Any], tokenizer: Any, settings: Settings) -> list[Encoded]:
    """The better answer after its question, and the worse one beside it; or one answer and its mark."""
    if settings.algorithm not in SINGLE:
        chosen = [_talk(example, example.chosen) for example in examples]
        rejected = [_talk(example, example.rejected) for example in examples]
        rows = encode_talks([*chosen, *rejected], tokenizer)
        pairs = zip(rows[: len(chosen)], rows[len(chosen) :], strict=True)
        return [replace(better, rejected=worse) for better, worse in pairs]
    talks = [_talk(example, example.chosen or example.rejected) for example in examples]
    return [
        replace(
            row,
            is_good=example.is_good,
            weight=settings.weight_good if example.is_good else settings.weight_bad,
        )
        for row, example in zip(encode_talks(talks, tokenizer), examples, strict=True)
    ]


def _talk(example: Any, answer: Any) -> Talk:
    """The question with one of its answers, which alone is trained."""
    prompt = turns_of(example.prompt)
    return Talk([*prompt, *turns_of(answer)], first_answer=len(prompt))


def settle(settings: Settings, examples: Collection[Any]) -> Settings:
    """The settings as they are. Raises AskedWrongly where the rows do not suit the algorithm."""
    words = ""
    pairs = sum(example.is_pair for example in examples)
    if settings.algorithm not in SINGLE and pairs < len(examples):
        words = (
            f"{settings.algorithm.upper()} learns from a better and a worse answer to the same question, "
            "but these rows hold one answer each, marked good or bad. Choose KTO."
        )
    elif settings.algorithm in SINGLE and pairs:
        words = (
            "KTO learns from single answers marked good or bad, but these rows hold two answers to "
            "compare. Choose DPO."
        )
    elif examples and not pairs and len({example.is_good for example in examples}) < 2:
        mark = "good" if next(iter(examples)).is_good else "bad"
        words = (
            f"All answers are marked {mark}, so there is nothing to prefer. Add some of the others."
        )
    if words:
        fields = [FieldProblem("objective.algorithm", words)]
        raise AskedWrongly(words, code="preference", fields=fields)
    return settings


def cut(row: Encoded, settings: Settings, max_length: int) -> list[Encoded]:
    """Both answers within `max_length`; nothing where of one of them no token would be left."""
    kept = cut_right(row, settings, max_length)
    if not kept or row.rejected is None:
        return kept
    rejected = cut_right(row.rejected, settings, max_length)
    return [replace(kept[0], rejected=rejected[0])] if rejected else []


def combine(rows: list[Encoded], settings: Settings, max_length: int) -> list[Encoded]:
    """KTO: beside each question an answer that belongs to the next one (its z0 is measured there)."""
    if settings.algorithm not in SINGLE:
        return rows
    return [
        replace(row, mismatched=_mismatched(row, rows[(place + 1) % len(rows)], max_length))
        for place, row in enumerate(rows)
    ]


def _mismatched(row: Encoded, other: Encoded, max_length: int) -> Encoded:
    begin, other_begin = row.mask.index(1), other.mask.index(1)
    ids = row.ids[:begin] + other.ids[other_begin:]
    mask = row.mask[:begin] + other.mask[other_begin:]
    return Encoded(ids[:max_length], mask[:max_length])


def _longest(settings: Settings, length: int) -> Encoded:
    row = Encoded([0] * length, [1] * length)
    is_single = settings.algorithm in SINGLE
    return replace(row, mismatched=row) if is_single else replace(row, rejected=row)


OBJECTIVE = Objective(
    name="preference",
    title="Prefer the better answer",
    sentence="The model learns from two answers to a question, or from likes, which way people want it.",
    settings=Settings,
    encode_all=encode_all,
    settle=settle,
    cut=cut,
    combine=combine,
    keeps_rows_apart=lambda settings: settings.algorithm not in SINGLE,
    longest=_longest,
    layout="sequences",
    needs_reference=lambda settings: settings.algorithm in WITH_REFERENCE,
    needs_template=True,
    metrics={
        "loss": Metric(
            "Loss", "How far the model is from preferring what people preferred; lower is better."
        ),
        "held_out_loss": Metric(
            "Loss on rows held out", "The same on rows that it never trained on."
        ),
        "preference_accuracy": Metric(
            "Leans the right way",
            "How often it leans towards the answer that people preferred.",
            is_share=True,
        ),
        "preference_margin": Metric(
            "Lead of the better answer", "By how much, on average; above 0 it leans the right way."
        ),
    },
)
