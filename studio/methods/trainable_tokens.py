"""Trainable tokens: the embeddings of a few chosen tokens alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings

TokenId = Annotated[int, Field(ge=0)]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Settings(MethodSettings):
    """What can be set for trainable tokens."""

    tokens: Annotated[Literal["borders"] | tuple[TokenId, ...], BeforeValidator(_as_tuple)] = Field(
        "borders",
        title="Which tokens learn",
        description="`borders`: those that begin and end a text; or their numbers in the model's vocabulary.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "TRAINABLE_TOKENS",
        "token_indices": list(_tokens(settings, base)),
        "target_modules": [_embedding(base)],
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """Why it cannot be used on this base."""
    chosen = _tokens(settings, base)
    if not chosen:
        return "the model names no tokens that begin or end a text: give their numbers"
    if max(chosen) >= base.vocab:
        return f"there is no token {max(chosen)}, the vocabulary ends at {base.vocab - 1}"
    return None


def _tokens(settings: Settings, base: Base) -> tuple[int, ...]:
    return base.borders if isinstance(settings.tokens, str) else settings.tokens


def _embedding(base: Base) -> str:
    """The token embedding: the one embedding with as many entries as the vocabulary, at least."""
    found = (
        each for each in base.modules if each.kind == "embedding" and each.inputs >= base.vocab
    )
    return next(found).name


METHOD = Method(
    name="trainable_tokens",
    title="Trainable tokens",
    sentence="Teaches the model new meanings for a few chosen tokens and nothing else.",
    paragraph=(
        "Only the vectors that stand for a few tokens train, such as those that begin and end a text, or new "
        "ones that a template uses. Everything else stays as it is. By itself it learns little; it is meant "
        "for templates whose marks the model does not know yet. It merges without loss."
    ),
    family="selective",
    paper="",
    settings=Settings,
    learning_rate=1e-2,
    rate_source="ours; PEFT's benchmark used 0.2, which made the model forget much",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=unsuited,
)
