"""Fields that many methods' settings share, each declared once; what differs is given."""

from __future__ import annotations

from typing import Any

from pydantic import Field


def rank(default: int, description: str = "", *, at_most: int = 1024) -> Any:
    """How much an adapter can learn."""
    return Field(
        default,
        ge=1,
        le=at_most,
        title="Capacity of the adapter",
        description=description
        or "How much the adapter can learn (rank). More rank, more memory and a larger file.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "basic"},
    )


def alpha(default: float, description: str = "The update is scaled by alpha / rank.") -> Any:
    """How strongly an adapter acts."""
    return Field(
        default,
        gt=0,
        le=4096,
        title="Strength of the adapter",
        description=description,
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )


def dropout(
    description: str = "Share of the adapter's inputs left out at random in each step; helps with little data.",
) -> Any:
    """How much is left out at random."""
    return Field(
        0.0,
        ge=0.0,
        lt=1.0,
        title="Dropout",
        description=description,
        json_schema_extra={"unit": "share", "cost": "", "level": "advanced"},
    )


def virtual_tokens(default: int = 20, description: str = "") -> Any:
    """How many learned places stand before a row."""
    return Field(
        default,
        ge=1,
        le=1000,
        title="Length of the learned prompt",
        description=description
        or "How many learned tokens stand before each question. More can hold more, and cost time.",
        json_schema_extra={"unit": "tokens", "cost": "time", "level": "basic"},
    )


def switch(title: str, description: str, *, default: bool = False, cost: str = "") -> Any:
    """Something that is on or off."""
    return Field(
        default,
        title=title,
        description=description,
        json_schema_extra={"unit": "", "cost": cost, "level": "advanced"},
    )


def choice(default: str, title: str, description: str) -> Any:
    """One of a few words; which ones is said by the field's type."""
    return Field(
        default,
        title=title,
        description=description,
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )


def number(
    default: float,
    title: str,
    description: str,
    *,
    at_least: float,
    at_most: float,
    cost: str = "",
    level: str = "advanced",
) -> Any:
    """A number within limits."""
    return Field(
        default,
        ge=at_least,
        le=at_most,
        title=title,
        description=description,
        json_schema_extra={"unit": "", "cost": cost, "level": level},
    )


def size(title: str, description: str, *, at_most: int) -> Any:
    """A size that must divide the model's widths; left out, the best that does is taken."""
    return Field(
        None,
        ge=1,
        le=at_most,
        title=title,
        description=f"{description} It must divide the widths of the layers that learn; left out, "
        "the largest usual size that does.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )
